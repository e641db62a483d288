// Leaves the records of generations on a server, as their workflow would, for tests that are shell scripts:
//   plant_generations ADDRESS FIRST COUNT
// COUNT generations with version 1 of the template generation-python, made now, numbered from FIRST; the first three of
// four have forgotten an import.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "activities/learning/steps/register.h"
#include "workers/client/grpc_client.h"

namespace {

using namespace wfe;

constexpr const char* kSource =
    "import json\nimport sys\n\n\ndef main() -> None:\n    value = json.load(sys.stdin)\n"
    "    json.dump({\"words\": len(value[\"text\"].split())}, sys.stdout)\n\n\nif __name__ == \"__main__\":\n    "
    "main()\n";

template <class T>
T Must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().ToString().c_str());
  std::exit(1);
}

void Plant(const learning::LearningConfig& config, int i, const std::string& at) {
  const bool forgotten = i % 4 != 3;
  learning::SaveGenerationInput save;
  learning::GenerationReport& report = save.report;
  report.report_id = "report-" + std::to_string(i);
  report.node_id = "node-" + std::to_string(i % 3);
  report.workflow_run_id = "run-" + std::to_string(i);
  report.checks = {{.name = "syntax", .status = "pass", .score = 1},
                   {.name = "undefined_names",
                    .status = forgotten ? "fail" : "pass",
                    .score = forgotten ? 0.0 : 1.0,
                    .message = forgotten ? "json is not defined" : "",
                    .line = forgotten ? 6 : 0}};
  report.overall_score = forgotten ? 0.8 : 1;
  report.grade = forgotten ? "B-" : "A+";
  report.template_id = "generation-python";
  report.template_version = 1;
  report.created_at = at;
  save.source = kSource;
  save.description = "count the words of text number " + std::to_string(i);
  save.task_type = "text";
  Must(learning::SaveGeneration(config, save));
  Must(learning::SaveTestResult(
      config, {.node_id = report.node_id, .report_id = report.report_id, .test_result = "passed", .now = at}));
  learning::UsageRow usage;
  usage.workflow_run_id = report.workflow_run_id;
  usage.nl_input = save.description;
  usage.workflow_type = "StreamlinedGenerationWorkflow";
  usage.created_at = at;
  usage.duration_ms = 9000;
  usage.success = true;
  usage.outcome = "success_first_pass";
  Must(learning::RecordUsage(config, usage));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: plant_generations ADDRESS FIRST COUNT\n");
    return 2;
  }
  const auto channel = client::NewGrpcClient({.address = argv[1], .ns = "default", .api_key = {}});
  learning::LearningConfig config;
  config.records = std::make_shared<client::RecordsClient>(*channel);
  config.memory = std::make_shared<learning::ArtifactMemory>(config.records);
  const int first = std::atoi(argv[2]);
  const int count = std::atoi(argv[3]);
  for (int i = first; i < first + count; ++i) Plant(config, i, FormatIso8601Millis(SystemClock().Now()));
  return 0;
}
