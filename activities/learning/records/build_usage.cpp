#include "activities/learning/records/build_usage.h"

#include <algorithm>
#include <chrono>
#include <tuple>

#include "activities/learning/records/generations.h"
#include "engine/base/parse_json.h"
#include "engine/base/time.h"

namespace wfe::learning {
namespace {

using nlohmann::json;

constexpr std::string_view kEnds[] = {"workflow_completed", "workflow_failed", "workflow_cancelled"};

const json& ExtOf(const json& entry) {
  static const json kNone = json::object();
  const auto found = entry.find("ext");
  return found != entry.end() && found->is_object() ? *found : kNone;
}

bool IsEnd(const json& entry) {
  return TextAt(ExtOf(entry), "kind") == "workflow_event" && std::ranges::count(kEnds, TextAt(entry, "step_name")) > 0;
}

std::string OutcomeOf(const json& end) {
  const std::string status = TextAt(ExtOf(end), "status");
  return !status.empty() ? status : TextAt(end, "step_name") == "workflow_cancelled" ? "cancelled" : "failed";
}

void AddCost(UsageRow& usage, const json& ext) {
  const auto cost = ext.find("cost_usd");
  if (cost == ext.end()) {
    // A canned answer has no price and costs nothing.
    if (TextAt(ext, "backend") == "scripted") {
      usage.scripted = true;
    } else if (!ext.value("cache_hit", false) && TextAt(ext, "tool_id").empty()) {
      ++usage.unpriced_calls;
    }
    return;
  }
  try {
    usage.cost_usd = usage.cost_usd.PlusAtMost(cost->get<Money>());
  } catch (const json::exception&) {
    ++usage.unpriced_calls;
  }
}

}  // namespace

bool EndsBuild(const std::string& line) {
  const json entry = ParseJson(line, kMaxStoredJsonDepth);
  return entry.is_object() && IsEnd(entry);
}

std::optional<UsageRow> UsageOfBuild(const std::vector<std::string>& lines) {
  UsageRow usage;
  std::string last;
  bool ended = false;
  for (const std::string& line : lines) {
    const json entry = ParseJson(line, kMaxStoredJsonDepth);
    if (!entry.is_object()) continue;
    const json& ext = ExtOf(entry);
    const std::string at = TextAt(entry, "timestamp");
    if (usage.created_at.empty() || at < usage.created_at) usage.created_at = at;
    last = std::max(last, at);
    usage.workflow_run_id = TextAt(entry, "workflow_run_id");
    usage.workflow_type = TextAt(ext, "workflow_type");
    usage.total_tokens += CountAt(entry, "total_token_cost");
    const std::string kind = TextAt(ext, "kind");
    if (kind != "workflow_event") ++usage.step_count;
    if (kind == "agent") AddCost(usage, ext);
    if (!IsEnd(entry)) continue;
    ended = true;
    usage.outcome = OutcomeOf(entry);
    usage.success = usage.outcome == "passed";
  }
  const std::optional<Instant> begun = ParseIso8601(usage.created_at);
  const std::optional<Instant> end = ParseIso8601(last);
  if (!ended || !begun || !end) return std::nullopt;
  usage.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(*end - *begun).count();
  return usage;
}

Status SaveBuildUsage(client::RecordsClient& records, std::string_view traces_table, const std::string& run_id) {
  std::vector<std::string> lines;
  WFE_RETURN_IF_ERROR(records.ScanRows(std::string(traces_table), run_id + "/",
                                       [&](const std::string&, std::string line) { lines.push_back(std::move(line)); }));
  const std::optional<UsageRow> usage = UsageOfBuild(lines);
  if (!usage) return Ok();
  WFE_ASSIGN_OR_RETURN(const bool is_new, SaveUsage(records, *usage));
  std::ignore = is_new;
  return Ok();
}

}  // namespace wfe::learning
