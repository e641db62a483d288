#include "activities/quota/steps/run_decisions.h"

#include <algorithm>
#include <tuple>

#include "engine/base/parse_json.h"

namespace wfe::quota {
namespace {

bool DecidedLater(const RunDecision& a, const RunDecision& b) {
  return std::tie(a.decided_at, a.run_id) > std::tie(b.decided_at, b.run_id);
}

}  // namespace

Result<RunDecisions> ReadRunDecisions(RowStore& rows, size_t most) {
  RunDecisions all;
  const auto keep_newest = [&all, most] {
    std::ranges::sort(all.newest, DecidedLater);
    if (all.newest.size() > most) all.newest.resize(most);
  };
  WFE_RETURN_IF_ERROR(
      rows.ScanRows(std::string(kQuotaPreflightsTable), "", [&](const std::string&, const std::string& value) {
        try {
          RunDecision decision = ParseJson(value, kMaxStoredJsonDepth).get<RunDecision>();
          ++all.by_decision[decision.decision];
          if (decision.enforced && decision.decision != kAllow) ++all.enforced;
          all.newest.push_back(std::move(decision));
          if (all.newest.size() > 1000 + 2 * most) keep_newest();
        } catch (const nlohmann::json::exception&) {
          ++all.problems;
        }
      }));
  keep_newest();
  return all;
}

}  // namespace wfe::quota
