#include "workflows/prompt_optimization/prompt_optimization.h"

#include <chrono>
#include <optional>

#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace learning;
using sdk::Task;

struct CycleProgress {
  std::string phase = "list";
  std::string template_id;
  int templates = 0;
  int done = 0;
};
WFE_RECORD(CycleProgress, phase, template_id, templates, done);

/// The records service may be away for a while; a template that is not there stays so, and the next hour asks again.
constexpr sdk::RetryPolicy kRetries{.initial_interval = 1s, .maximum_interval = 1min, .maximum_attempts = 15};
constexpr sdk::ActivityOptions kQuick{.start_to_close = 2min, .retry = kRetries};
/// A scan of all generations may be behind it.
constexpr sdk::ActivityOptions kLong{.start_to_close = 15min, .retry = kRetries};

class Cycle {
 public:
  Cycle(sdk::WorkflowContext& ctx, PromptOptimizationInput input) : ctx_(ctx), input_(std::move(input)) {
    ctx.OnQuery<nlohmann::json, nlohmann::json>(
        "progress", progress_, [](const CycleProgress& p, const nlohmann::json&) { return nlohmann::json(p); });
  }

  Task<std::vector<std::string>> Templates() {
    if (!input_.template_ids.empty()) co_return input_.template_ids;
    const ListPromptTemplatesInput list{.prefix = "generation-"};
    const ListPromptTemplatesResult listed = co_await ctx_.Activity(kListPromptTemplates, list, kQuick);
    co_return listed.template_ids;
  }

  /// The steps of one template, in the order of PO-2 to PO-8.
  Task<CycleRow> Of(std::string template_id) {
    CycleRow row{.cycle_id = ctx_.info().run_id, .template_id = template_id};
    row.at = FormatIso8601Millis(ctx_.Now());
    progress_->template_id = template_id;

    Enter("collect");
    const CollectGenerationsInput collect{.template_id = template_id, .last_n = input_.options.last_n, .now = row.at};
    const CollectGenerationsResult collected = co_await ctx_.Activity(kCollectGenerations, collect, kLong);
    row.window = collected.window;
    row.problems = collected.problems;

    // What earlier changes did comes before new ones: a cycle that takes something back changes nothing else.
    Enter("measure");
    const MeasureTemplateInput measure{
        .template_id = template_id, .cycle_id = row.cycle_id, .options = input_.options, .now = row.at};
    row.measurement = co_await ctx_.Activity(kMeasureTemplate, measure, kLong);

    co_await Remember(row);
    if (row.measurement.settled()) co_await Change(row, collected.of_active);

    Enter("trend");
    const AnalyzeTrendInput trend{.template_id = template_id, .alpha = input_.options.alpha, .now = row.at};
    row.trend = co_await ctx_.Activity(kAnalyzeTrend, trend, kLong);

    Enter("refresh");
    const RefreshBestPracticesInput refresh{.template_id = template_id,
                                            .example_score = input_.options.example_score,
                                            .limit = input_.options.example_limit,
                                            .now = row.at};
    const RefreshBestPracticesResult refreshed = co_await ctx_.Activity(kRefreshBestPractices, refresh, kLong);
    row.example_score = refreshed.example_score;

    Enter("record");
    Conclude(row);
    co_await ctx_.Activity(kRecordCycle, row, kQuick);
    co_return row;
  }

  void Begin(size_t templates) { progress_->templates = static_cast<int>(templates); }
  void EndTemplate() { ++progress_->done; }
  void Enter(const char* phase) { progress_->phase = phase; }

 private:
  Task<void> Remember(CycleRow& row) {
    Enter("patterns");
    const AnalyzePatternsInput analyze{.min_score = input_.options.example_score,
                                       .limit = input_.options.example_limit};
    const AnalyzePatternsResult analyzed = co_await ctx_.Activity(kAnalyzePatterns, analyze, kLong);
    Enter("memory");
    if (analyzed.patterns.empty()) co_return;
    const UpdateMemoryInput update{.patterns = analyzed.patterns, .now = row.at, .source_run = row.cycle_id};
    const UpdateMemoryResult updated = co_await ctx_.Activity(kUpdateMemory, update, kQuick);
    row.patterns_stored = updated.stored;
  }

  Task<void> Change(CycleRow& row, WindowSummary of_active) {
    Enter("rules");
    const ApplyPromptRulesInput apply{
        .template_id = row.template_id, .of_active = of_active, .options = input_.options};
    row.proposal = co_await ctx_.Activity(kApplyPromptRules, apply, kQuick);
    if (row.proposal.version == 0) co_return;
    Enter("deploy");
    const DeployPromptInput deploy{.template_id = row.template_id,
                                   .version = row.proposal.version,
                                   .base_version = row.proposal.base_version,
                                   .reason = row.proposal.reason + " (cycle " + row.cycle_id + ")",
                                   .options = input_.options,
                                   .now = row.at};
    row.deployment = co_await ctx_.Activity(kDeployPrompt, deploy, kQuick);
  }

  sdk::WorkflowContext& ctx_;
  const PromptOptimizationInput input_;
  std::shared_ptr<CycleProgress> progress_ = std::make_shared<CycleProgress>();
};

std::string Headline(const std::vector<CycleRow>& cycles) {
  int changed = 0;
  std::string sentence;
  for (const CycleRow& cycle : cycles) {
    if (!cycle.changed) continue;
    ++changed;
    sentence += (sentence.empty() ? "" : "; ") + cycle.template_id + ": " + cycle.sentence;
  }
  if (changed > 0) return sentence;
  return "no prompt was changed (" + std::to_string(cycles.size()) + " looked at)";
}

}  // namespace

Task<PromptOptimizationResult> PromptOptimization(sdk::WorkflowContext& ctx, nlohmann::json from) {
  PromptOptimizationInput input;
  try {
    input = from.get<PromptOptimizationInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(std::string("the input of PromptOptimizationWorkflow is not valid: ") + JsonErrorText(e),
                               "INVALID_INPUT", true);
  }
  Cycle cycle(ctx, std::move(input));
  PromptOptimizationResult result;
  std::optional<sdk::ActivityFailure> fault;
  std::vector<std::string> templates;
  try {
    templates = co_await cycle.Templates();
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  cycle.Begin(templates.size());
  for (const std::string& template_id : templates) {
    try {
      CycleRow row = co_await cycle.Of(template_id);
      result.cycles.push_back(std::move(row));
      cycle.EndTemplate();
    } catch (const sdk::ActivityFailure& failure) {
      if (!fault) fault = failure;
    }
  }
  if (fault) throw sdk::WorkflowFailure(fault->activity_type() + ": " + fault->message(), fault->type(), true);
  cycle.Enter("done");
  result.headline = Headline(result.cycles);
  co_return result;
}

void RegisterPromptOptimization(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kPromptOptimizationWorkflow), &PromptOptimization);
}

}  // namespace wfe::workflows
