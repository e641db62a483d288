#include "tools/wfe/worker_patterns.h"

#include <cstdio>

#include "activities/agent/step/config.h"
#include "activities/analytics/ingest/collect.h"
#include "activities/build/checks/settings.h"
#include "activities/patterns/steps/register.h"
#include "engine/base/printable.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

using patterns::DetectReport;
using patterns::PatternRules;

void WarnOfDetector(const std::string& of, const Result<DetectReport>& detected) {
  if (detected) return;
  std::fprintf(stderr, "warning: no patterns were looked for in %s: %s; wfe patterns backfill does it later\n",
               PrintableText(of).c_str(), PrintableText(detected.error().message).c_str());
}

}  // namespace

Result<PatternRules> LoadPatternRules(const Config& config) {
  if (config.patterns.rules.empty()) return PatternRules::BuiltIn();
  WFE_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(config.patterns.rules));
  return PatternRules::Parse(text, config.patterns.rules);
}

WorkerPatterns RegisterWorkerPatterns(sdk::ActivityRegistry& registry, const WorkerActivities& worker) {
  // A file that is wrong has kept the worker from starting (MissingInConfig); one that changed since is told of.
  Result<PatternRules> loaded = LoadPatternRules(worker.config);
  if (!loaded) std::fprintf(stderr, "warning: %s\n", PrintableText(loaded.error().message).c_str());
  const PatternRules rules = loaded ? *loaded : PatternRules::BuiltIn();
  patterns::RouterConfig routing{.rows = worker.records, .rules = rules};
  routing.runner.work_root = worker.work_root;
  routing.runner.activity = [&registry](const std::string& name) { return registry.Find(name); };
  routing.runner.blob_sink = worker.records;
  routing.runner.secrets = worker.agent.secrets;
  const auto sandbox = build::ParseSandboxPolicy(worker.config.build.sandbox);
  if (sandbox) routing.runner.sandbox = *sandbox;
  const auto router = std::make_shared<patterns::ToolRouter>(std::move(routing));
  const std::string& drafts = worker.config.patterns.drafts;
  patterns::RegisterPatternActivities(registry, {.records = worker.records,
                                                 .rules = rules,
                                                 .router = router,
                                                 .traces_table = std::string(analytics::kTracesTable),
                                                 .drafts_dir = drafts.empty() ? worker.work_root + "/issue-drafts" : drafts});
  WorkerPatterns hooks;
  if (worker.config.patterns.route) {
    hooks.offer = [router](sdk::ActivityContext& context, const agent::ToolOffer& offer) {
      return router->Offer(context, offer);
    };
  }
  if (!worker.config.patterns.detect) return hooks;
  hooks.build_ended = [records = worker.records, rules](const std::string& run_id) {
    WarnOfDetector("build " + run_id, patterns::DetectBuild(*records, rules, analytics::kTracesTable, run_id));
  };
  hooks.usage_recorded = [records = worker.records, rules](const learning::UsageRow& usage) {
    WarnOfDetector("run " + usage.workflow_run_id, patterns::DetectUsage(*records, rules, usage));
  };
  hooks.batch_joined = [records = worker.records, rules](const std::string& workflow_id) {
    WarnOfDetector("batch " + workflow_id, patterns::DetectBatch(*records, rules, workflow_id, SystemClock().Now()));
  };
  return hooks;
}

}  // namespace wfe::cli
