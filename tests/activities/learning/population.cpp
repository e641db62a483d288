#include "tests/activities/learning/population.h"

#include <gtest/gtest.h>

#include <chrono>

#include "activities/learning/records/generations.h"
#include "activities/prompts/records_template_rows.h"

namespace wfe::learning {
namespace {

constexpr const char* kFirstText =
    "Write one node.\n{{task}}\n\n## imports\n\n- The standard library.\n\n## structure\n\n- main()\n\n"
    "## best practices\n\n- No traceback.\n\n## examples\n\nnone\n";

struct Weighted {
  const char* name;
  double weight;
};
constexpr Weighted kChecks[] = {{"syntax", .25},        {"undefined_names", .20}, {"json_output", .15},
                                {"main_function", .10}, {"stdin_use", .10},       {"call_tool_use", .10},
                                {"import_order", .05},  {"runtime_import", .05}};

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return result ? *std::move(result) : T();
}

}  // namespace

Population::Population(uint64_t seed, Causes causes, CycleOptions options, const PromptRules& rules)
    : random_(seed),
      causes_(causes),
      options_(options),
      clock_(std::make_shared<ManualClock>(*ParseIso8601("2026-03-02T00:00:00.000Z"))),
      now_(clock_) {
  Begin(rules);
}

Population::Population(uint64_t seed, Causes causes, std::shared_ptr<const Clock> clock)
    : random_(seed), causes_(causes), now_(std::move(clock)) {
  Begin(PromptRules::BuiltIn());
}

void Population::Begin(const PromptRules& rules) {
  config_.records = std::make_shared<client::RecordsClient>(rows_);
  config_.templates = std::make_shared<prompts::TemplateStore>(
      prompts::TemplateStoreOptions{.templates_dir = "",
                                    .rows = std::make_shared<prompts::RecordsTemplateRows>(config_.records),
                                    .blob_sink = config_.records,
                                    .blob_source = config_.records,
                                    .clock = now_});
  config_.memory = std::make_shared<ArtifactMemory>(config_.records);
  config_.rules = &rules;
  Must(config_.templates->CreateDraft(
      {.template_id = kPopulationTemplate, .text = kFirstText, .author = "anna", .reason = "first"}));
  Must(config_.templates->Activate(kPopulationTemplate, 1, "anna", "first"));
}

prompts::TemplateState Population::State() const { return Must(config_.templates->State(kPopulationTemplate)); }

std::string Population::ActiveText() const { return Must(config_.templates->Load(kPopulationTemplate, 0)).text; }

int Population::ChangesBy(const std::string& author) const {
  int changes = 0;
  for (const prompts::TemplateEvent& event : State().events) {
    if (event.author == author && event.kind != prompts::kTemplateCreated) ++changes;
  }
  return changes;
}

int Population::PersonActivates(const std::string& line) {
  std::string text = ActiveText();
  text.insert(text.find("- No traceback.\n"), line + "\n");
  const int version = Must(config_.templates->CreateDraft(
      {.template_id = kPopulationTemplate, .text = text, .author = "anna", .reason = "an idea"}));
  Must(config_.templates->Activate(kPopulationTemplate, version, "anna", "an idea"));
  return version;
}

const std::string& Population::TextOf(int version) {
  const auto [found, is_new] = texts_.try_emplace(version);
  if (is_new) found->second = Must(config_.templates->Load(kPopulationTemplate, version)).text;
  return found->second;
}

GenerationReport Population::Examine(const std::string& run, int version) {
  std::uniform_real_distribution<> uniform(0, 1);
  const std::string& text = TextOf(version);
  GenerationReport report;
  report.report_id = "report-" + run;
  report.node_id = "node-" + std::to_string(runs_ % 10);
  report.workflow_run_id = run;
  report.template_id = kPopulationTemplate;
  report.template_version = version;
  report.created_at = FormatIso8601Millis(now_->Now());
  report.overall_score = 1;
  for (const Weighted& check : kChecks) {
    double probability = causes_.noise;
    const std::string_view name = check.name;
    if (name == "undefined_names" && text.find(kNeededWords) == std::string::npos)
      probability = causes_.forgotten_import;
    if (name == "json_output" && text.find(kHarmfulWords) != std::string::npos) probability += causes_.harm;
    const bool found = uniform(random_) < probability;
    if (found) report.overall_score -= check.weight;
    report.checks.push_back({.name = check.name, .status = found ? "fail" : "pass", .score = found ? 0.0 : 1.0});
  }
  return report;
}

void Population::Generate(int generations) {
  for (int i = 0; i < generations; ++i) {
    clock_->Advance(Duration(std::chrono::hours(1)) / (generations + 1));
    GenerateOne();
  }
}

void Population::GenerateOne() {
  std::uniform_real_distribution<> uniform(0, 1);
  const std::string run = "run-" + std::to_string(++runs_);
  const std::string now = FormatIso8601Millis(now_->Now());
  const auto chosen = Must(ChooseTemplate(config_, {.template_id = kPopulationTemplate, .run_id = run, .now = now}));
  const GenerationReport report = Examine(run, chosen.template_version);
  Must(SaveReport(*config_.records, report));
  UsageRow usage;
  usage.workflow_run_id = run;
  usage.workflow_type = "StreamlinedGenerationWorkflow";
  usage.created_at = report.created_at;
  // Escalation saves what the first answer did wrong, but not always.
  usage.success = uniform(random_) < (report.overall_score == 1 ? 0.98 : 0.75);
  usage.outcome = !usage.success                ? "failed"
                  : report.overall_score >= 0.5 ? "success_first_pass"
                                                : "success_after_escalation";
  Must(SaveUsage(*config_.records, usage));
}

CycleRow Population::Cycle() {
  CycleRow row;
  row.cycle_id = "cycle-" + std::to_string(++cycles_);
  row.template_id = kPopulationTemplate;
  row.at = FormatIso8601Millis(clock_->Now());
  const auto collected =
      Must(CollectGenerations(config_, {.template_id = row.template_id, .last_n = options_.last_n, .now = row.at}));
  row.window = collected.window;
  row.measurement = Must(MeasureTemplate(
      config_, {.template_id = row.template_id, .cycle_id = row.cycle_id, .options = options_, .now = row.at}));
  if (row.measurement.settled()) {
    row.proposal = Must(ApplyPromptRules(
        config_, {.template_id = row.template_id, .of_active = collected.of_active, .options = options_}));
    if (row.proposal.version != 0) {
      row.deployment = Must(DeployPrompt(config_, {.template_id = row.template_id,
                                                   .version = row.proposal.version,
                                                   .base_version = row.proposal.base_version,
                                                   .reason = row.proposal.reason,
                                                   .options = options_,
                                                   .now = row.at}));
    }
  }
  Conclude(row);
  Must(RecordCycle(config_, row));
  return row;
}

CycleRow Population::Hour(int generations) {
  Generate(generations);
  clock_->Advance(Duration(std::chrono::hours(1)) / (generations + 1));
  return Cycle();
}

}  // namespace wfe::learning
