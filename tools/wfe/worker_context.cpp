#include "tools/wfe/worker_context.h"

#include <cstdio>

#include "activities/agent/step/config.h"
#include "activities/context/records/context_store.h"
#include "engine/base/parse_json.h"
#include "engine/base/printable.h"
#include "tools/wfe/config.h"
#include "tools/wfe/text_file.h"
#include "workers/client/records_client.h"

namespace wfe::cli {
namespace {

std::shared_ptr<quota::RunGate> RunGateOf(const WorkerActivities& worker) {
  // LoadConfig has refused every other word.
  const auto mode = quota::ParsePreflightMode(worker.config.quota.preflight).value_or(quota::PreflightMode::kTell);
  if (mode == quota::PreflightMode::kOff || !worker.config.quota.enabled) return nullptr;
  quota::RunGate::Setup setup;
  setup.rows = worker.records;
  setup.report = [records = worker.records, rules = QuotaRulesOf(worker.config.quota)](Instant now) {
    return quota::ReadQuotaReport(*records, rules, now);
  };
  setup.rules = QuotaRulesOf(worker.config.quota).preflight;
  setup.mode = mode;
  setup.say = [](const std::string& sentence) {
    std::fprintf(stderr, "warning: %s\n", PrintableText(sentence).c_str());
  };
  return std::make_shared<quota::RunGate>(std::move(setup));
}

}  // namespace

std::string ProjectOf(const std::string& work_root, const std::string& working_dir) {
  const std::string builds = work_root + "/builds/";
  if (!working_dir.starts_with(builds)) return working_dir;
  const std::string run = working_dir.substr(builds.size(), working_dir.find('/', builds.size()) - builds.size());
  const Result<std::string> state = ReadTextFile(work_root + "/workspaces/" + run + "/state.json");
  if (!state) return {};
  const nlohmann::json json = ParseJson(*state);
  if (!json.is_object() || !json.contains("project_dir") || !json["project_dir"].is_string()) return {};
  const std::string project = json["project_dir"];
  return project.starts_with(builds) ? std::string() : project;
}

std::shared_ptr<quota::RunGate> AddContextAndGate(agent::GeminiConfig& agent, const WorkerActivities& worker) {
  const auto records = worker.records;
  agent.record_hooks = [records](const std::string& key, const agent::StepHooks& hooks) {
    return context::WriteHooks(*records, key, hooks);
  };
  agent.record_tool_calls = [records](const std::string& key, const agent::StepToolCalls& calls) {
    const Status kept = context::WriteToolCalls(*records, key, calls);
    if (kept) return;
    std::fprintf(stderr, "warning: the calls of tools in step %s of run %s were not kept: %s\n",
                 PrintableText(calls.step_name).c_str(), calls.run_id.c_str(),
                 PrintableText(kept.error().message).c_str());
  };
  agent.project_of = [root = worker.work_root](const std::string& dir) { return ProjectOf(root, dir); };
  const context::GivePolicy policy{.give = worker.config.context.give,
                                   .max_tokens = worker.config.context.max_tokens};
  agent.choose_files = [records, policy](const agent::FileAsk& ask) {
    learning::ExperimentStore experiments(*records);
    return context::ChooseFiles(
        *records, policy, ask,
        [&](const std::string& subject) {
          learning::RowProblems problems;
          return experiments.RunningOn(subject, problems);
        },
        [&](const learning::Experiment& experiment, const std::string& run_id) {
          return experiments.Assign(experiment, run_id, FormatIso8601Millis(SystemClock().Now()));
        });
  };
  const std::shared_ptr<quota::RunGate> gate = RunGateOf(worker);
  if (gate) agent.admit_run = [gate](const client::BudgetedCall& call) { return gate->Admit(call); };
  return gate;
}

}  // namespace wfe::cli
