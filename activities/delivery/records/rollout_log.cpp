#include "activities/delivery/records/rollout_log.h"

namespace wfe::delivery {
namespace {

using learning::StoredEvents;

Result<StoredRollout> FoldRollout(const StoredEvents& rows) {
  StoredRollout rollout;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& [key, value] = rows[i];
    if (i == 0) {
      WFE_ASSIGN_OR_RETURN(rollout.header, learning::ReadRow<RolloutHeader>(kRolloutsTable, key, value));
      continue;
    }
    WFE_ASSIGN_OR_RETURN(RolloutEvent event, learning::ReadRow<RolloutEvent>(kRolloutsTable, key, value));
    Apply(rollout.state, event);
    rollout.events.push_back(std::move(event));
  }
  return rollout;
}

}  // namespace

Result<RolloutHeader> RolloutLog::Begin(const RolloutHeader& header) {
  RolloutHeader kept = header;
  WFE_RETURN_IF_ERROR(
      log_.Append(header.rollout_id, [&](const StoredEvents& rows) -> Result<std::optional<std::string>> {
        if (rows.empty()) return std::optional(learning::RowText(header));
        WFE_ASSIGN_OR_RETURN(kept, learning::ReadRow<RolloutHeader>(kRolloutsTable, rows[0].first, rows[0].second));
        return std::optional<std::string>();
      }));
  return kept;
}

Status RolloutLog::Append(const std::string& rollout_id, int64_t number, const RolloutEvent& event) {
  WFE_RETURN_IF_ERROR(log_.Append(rollout_id, [&](const StoredEvents& rows) -> Result<std::optional<std::string>> {
    const auto have = static_cast<int64_t>(rows.size()) - 1;  // without the header
    if (have >= number) return std::optional<std::string>();
    if (have + 1 < number) {
      return DataLoss("rollout " + rollout_id + " has " + std::to_string(have) + " events where number " +
                      std::to_string(number) + " is to follow");
    }
    return std::optional(learning::RowText(event));
  }));
  return Ok();
}

Result<StoredRollout> RolloutLog::Get(const std::string& rollout_id) const {
  WFE_ASSIGN_OR_RETURN(const StoredEvents rows, log_.Read(rollout_id));
  if (rows.empty()) return NotFound("there is no rollout \"" + rollout_id + "\"");
  return FoldRollout(rows);
}

Result<std::vector<StoredRollout>> RolloutLog::List(learning::RowProblems& problems) const {
  WFE_ASSIGN_OR_RETURN(const auto all, log_.ReadAll());
  std::vector<StoredRollout> rollouts;
  for (const auto& [id, rows] : all) {
    Result<StoredRollout> rollout = FoldRollout(rows);
    if (rollout) {
      rollouts.push_back(*std::move(rollout));
    } else {
      problems.push_back(rollout.error().message);
    }
  }
  return rollouts;
}

}  // namespace wfe::delivery
