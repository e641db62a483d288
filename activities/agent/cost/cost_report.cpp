#include "activities/agent/cost/cost_report.h"

#include <algorithm>

#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

/// A number, as rows have always had, or text where a number would lose places; nullopt for anything else.
std::optional<Money> CostIn(const json& row) {
  const auto found = row.find("cost_usd");
  if (found == row.end() || !(found->is_number() || found->is_string())) return std::nullopt;
  const Result<Money> cost =
      found->is_string() ? Money::Parse(found->get_ref<const std::string&>()) : Money::FromNumber(found->get<double>());
  return cost ? std::optional(*cost) : std::nullopt;
}

/// What is no count must not spoil sums.
int64_t QuotaTokensAt(const json& row, const char* name) {
  return std::clamp<int64_t>(CountAt(row, name), 0, 1'000'000'000'000);
}

std::string Began(const json& row) {
  const std::string started = TextAt(row, "started");
  return started.empty() ? TextAt(row, "time") : started;
}

std::string NameOf(const json& row, const std::string& by) {
  if (by == "day") return Began(row).substr(0, 10);
  if (by == "month") return Began(row).substr(0, 7);
  if (by == "type") return TextAt(row, "workflow_type");
  if (by == "workflow") return TextAt(row, "workflow_id");
  if (by == "step") return TextAt(row, "step_name");
  return TextAt(row, "model");
}

void AddCall(CostReport::Group& group, const json& row, Instant now) {
  ++group.calls;
  const std::string status = TextAt(row, "status");
  const std::optional<Instant> began = ParseIso8601(Began(row));
  if (status == "started") {
    // Nobody wrote how it ended: it is under way, or its worker has gone for good.
    ++(began && now - *began < kLongestCall ? group.open : group.lost);
  } else if (status == kCallFailed) {
    ++group.failed;
  } else if (status == kCallLost) {
    ++group.lost;
  }
  group.input_tokens += CountAt(row, "input_tokens");
  group.output_tokens += CountAt(row, "output_tokens");
  group.cached_tokens += CountAt(row, "cached_tokens");
  const bool counted = row.contains("input_tokens");
  if (const std::optional<Money> cost = CostIn(row)) {
    group.cost_usd = group.cost_usd.PlusAtMost(*cost);
  } else if (counted && CountAt(row, "input_tokens") + CountAt(row, "output_tokens") > 0) {
    ++group.unpriced;
  }
  if (!counted) ++group.uncounted;
}

}  // namespace

Status CostReport::Add(const std::string& value) {
  json row = ParseJson(value);
  if (!row.is_object() || TextAt(row, "call_id").empty()) {
    return InvalidArgument("a row of the cost ledger is not a call: " + value.substr(0, 120));
  }
  json& kept = calls_[TextAt(row, "call_id")];
  if (kept.is_null() || TextAt(kept, "status") == "started") kept = std::move(row);
  return Ok();
}

CostReport::Sums CostReport::Sum(const Filter& filter, const std::string& by, Instant now) const {
  std::map<std::string, Group> groups;
  Sums sums;
  sums.total.name = "total";
  for (const auto& [id, row] : calls_) {
    if (!filter.workflow_id.empty() && TextAt(row, "workflow_id") != filter.workflow_id) continue;
    const std::optional<Instant> began = ParseIso8601(Began(row));
    if (filter.since && (!began || *began < *filter.since)) continue;
    Group& group = groups[NameOf(row, by)];
    AddCall(group, row, now);
    AddCall(sums.total, row, now);
  }
  for (auto& [name, group] : groups) {
    group.name = name;
    sums.groups.push_back(std::move(group));
  }
  return sums;
}

std::vector<CostReport::Use> CostReport::Uses() const {
  std::vector<Use> uses;
  for (const auto& [id, row] : calls_) {
    const std::optional<Instant> began = ParseIso8601(Began(row));
    if (!began) continue;
    uses.push_back({.workflow_type = TextAt(row, "workflow_type"),
                    .workflow_id = TextAt(row, "workflow_id"),
                    .run_id = TextAt(row, "workflow_run_id"),
                    .began = *began,
                    .tokens = QuotaTokensAt(row, "input_tokens") + QuotaTokensAt(row, "output_tokens")});
  }
  return uses;
}

}  // namespace wfe::agent
