// Model calls in the ledger of a server, for tests that are shell scripts:
//   plant_calls ADDRESS COUNT [PATTERNS]
// COUNT calls that have ended, spread evenly over the 60 days before now, of three models and two types of workflow;
// and so many patterns, with a tool for each tenth and ten calls of tools, savings and decisions about runs for each.
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/time.h"
#include "workers/client/grpc_client.h"
#include "workers/client/records_client.h"

namespace wfe {
namespace {

using nlohmann::json;

/// The moment of number `i` of `count`.
std::string MomentOf(int i, int count) {
  return FormatIso8601Millis(SystemClock().Now() - std::chrono::seconds(60LL * 86'400 * (count - i) / count));
}

Status Append(client::RecordsClient& records, const std::string& table, const std::string& key, const json& row) {
  WFE_RETURN_IF_ERROR(records.AppendRow(table, key, row.dump()));
  return Ok();
}

Status PlantCalls(client::RecordsClient& records, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string at = MomentOf(i, count);
    const std::string id = "call-" + std::to_string(i);
    const json row = {{"call_id", id},
                      {"status", i % 50 == 0 ? "failed" : "done"},
                      {"started", at},
                      {"time", at},
                      {"model", "model-" + std::to_string(i % 3)},
                      {"workflow_type", i % 2 == 0 ? "AuditedBuildWorkflow" : "StreamlinedGenerationWorkflow"},
                      {"workflow_id", "workflow-" + std::to_string(i / 10)},
                      {"workflow_run_id", "run-" + std::to_string(i / 10)},
                      {"step_name", i % 4 == 0 ? "plan" : "write"},
                      {"input_tokens", 1000 + i % 700},
                      {"output_tokens", 100 + i % 90},
                      {"cached_tokens", 0},
                      {"cost_usd", 0.001 + 0.0001 * (i % 17)}};
    WFE_RETURN_IF_ERROR(Append(records, "cost_ledger", at.substr(0, 10) + "/" + id + "/1", row));
  }
  return Ok();
}

Status PlantUses(client::RecordsClient& records, int patterns, const std::string& hash) {
  constexpr const char* kDecisions[] = {"allow", "warn", "allow", "deny"};
  for (int i = 0; i < 10 * patterns; ++i) {
    const std::string run = "run-" + std::to_string(i);
    const std::string at = MomentOf(i, 10 * patterns);
    const std::string tool = "tool-" + std::to_string(i % patterns / 10);
    WFE_RETURN_IF_ERROR(Append(records, "tool_calls", run + "/1",
                               {{"workflow_run_id", run}, {"step", "implement_v1"}, {"tool", tool},
                                {"called_at", at}, {"input_hash", hash}, {"output_hash", hash},
                                {"duration_ms", 5 + i % 40}, {"success", i % 9 != 0}}));
    WFE_RETURN_IF_ERROR(Append(records, "cost_savings_log", "tool_routing/" + run + "/1",
                               {{"saved_at", at}, {"optimization_type", "tool_routing"}, {"workflow_run_id", run},
                                {"tokens_saved", 4000}, {"cost_saved_usd", 0.02}, {"baseline", "planted"}}));
    const std::string decision = kDecisions[i % 4];
    WFE_RETURN_IF_ERROR(Append(records, "quota_preflights", run,
                               {{"run_id", run}, {"workflow_id", "workflow-" + std::to_string(i)},
                                {"workflow_type", "AuditedBuildWorkflow"}, {"decision", decision},
                                {"reason", "planted"}, {"decided_at", at}, {"enforced", decision == "deny"}}));
  }
  return Ok();
}

Status PlantPatterns(client::RecordsClient& records, int patterns) {
  for (int i = 0; i < patterns; ++i) {
    const std::string signature = "data:planted:target-" + std::to_string(i);
    const bool active = i % 10 == 0;
    const json row = {{"pattern_signature", signature},
                      {"occurrence_count", 10 + i % 90},
                      {"first_seen", MomentOf(i, patterns)},
                      {"last_seen", MomentOf(patterns, patterns)},
                      {"confidence_score", 50 + i % 50},
                      {"automation_status", active ? "active" : "detected"},
                      {"success_rate", 0.9},
                      {"avg_tokens", 4000},
                      {"avg_cost_usd", 0.02},
                      {"agent_count", 10},
                      {"tool_id", active ? "tool-" + std::to_string(i / 10) : ""}};
    WFE_RETURN_IF_ERROR(records.PutRow("mutable_operation_patterns", signature, row.dump(), std::nullopt));
    if (!active) continue;
    const std::string id = "tool-" + std::to_string(i / 10);
    const json tool = {{"tool_id", id}, {"name", id}, {"command", {"true"}}, {"calls", 100}, {"successes", 90}};
    WFE_RETURN_IF_ERROR(records.PutRow("mutable_adw_tools", id, tool.dump(), std::nullopt));
  }
  return PlantUses(records, patterns, std::string(64, 'a'));
}

}  // namespace
}  // namespace wfe

int main(int argc, char** argv) {
  using namespace wfe;
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: plant_calls ADDRESS COUNT [PATTERNS]\n");
    return 2;
  }
  const auto channel = client::NewGrpcClient({.address = argv[1], .ns = "default", .api_key = {}});
  client::RecordsClient records(*channel);
  Status planted = PlantCalls(records, std::atoi(argv[2]));
  if (planted && argc == 4) planted = PlantPatterns(records, std::atoi(argv[3]));
  if (planted) return 0;
  std::fprintf(stderr, "%s\n", planted.error().ToString().c_str());
  return 1;
}
