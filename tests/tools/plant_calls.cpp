// Model calls in the ledger of a server, for tests that are shell scripts:
//   plant_calls ADDRESS COUNT
// COUNT calls that have ended, spread evenly over the 60 days before now, of three models and two types of workflow.
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/time.h"
#include "workers/client/grpc_client.h"
#include "workers/client/records_client.h"

int main(int argc, char** argv) {
  using namespace wfe;
  if (argc != 3) {
    std::fprintf(stderr, "usage: plant_calls ADDRESS COUNT\n");
    return 2;
  }
  const auto channel = client::NewGrpcClient({.address = argv[1], .ns = "default", .api_key = {}});
  client::RecordsClient records(*channel);
  const int count = std::atoi(argv[2]);
  const Instant now = SystemClock().Now();
  for (int i = 0; i < count; ++i) {
    const std::string at = FormatIso8601Millis(now - std::chrono::seconds(60LL * 86'400 * (count - i) / count));
    const std::string id = "call-" + std::to_string(i);
    const nlohmann::json row = {{"call_id", id},
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
    const auto added = records.AppendRow("cost_ledger", at.substr(0, 10) + "/" + id + "/1", row.dump());
    if (added) continue;
    std::fprintf(stderr, "%s\n", added.error().ToString().c_str());
    return 1;
  }
  return 0;
}
