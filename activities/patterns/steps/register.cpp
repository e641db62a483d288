#include "activities/patterns/steps/register.h"

#include <utility>

#include "engine/base/read_time.h"

namespace wfe::patterns {
namespace {

Result<DetectReport> DetectPatterns(const PatternsConfig& config, sdk::ActivityContext&,
                                    const DetectPatternsInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  return Backfill(*config.records, config.rules, config.traces_table, now);
}

Result<MatchPatternOutput> MatchPattern(const PatternsConfig& config, sdk::ActivityContext&,
                                        const MatchPatternInput& input) {
  WFE_ASSIGN_OR_RETURN(const ToolMatch match, config.router->Match(input.task, input.errors, ""));
  MatchPatternOutput output{.signatures = match.signatures};
  if (match.tool) {
    output.pattern_signature = match.pattern.pattern_signature;
    output.tool_id = match.tool->tool_id;
    output.confidence_score = match.pattern.confidence_score;
  }
  return output;
}

Result<AnalyzeOperationsOutput> Analyze(const PatternsConfig& config, sdk::ActivityContext&,
                                        const AnalyzeOperationsInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  return AnalyzeOperations(*config.records, config.rules, now);
}

Result<DraftIssueOutput> Draft(const PatternsConfig& config, sdk::ActivityContext&, const DraftIssueInput& input) {
  return DraftIssue(*config.records, config.drafts_dir, input);
}

sdk::ActivityResult<RunToolOutput> RunRegisteredTool(const PatternsConfig& config, sdk::ActivityContext& context,
                                                     const RunToolInput& input) {
  const auto failed = [](std::string_view type, std::string message) {
    return sdk::ApplicationFailure{.message = std::move(message),
                                   .type = std::string(type),
                                   .non_retryable = true,
                                   .next_retry_delay = std::nullopt,
                                   .details = nullptr};
  };
  const Result<std::optional<Tool>> tool = ToolStore(*config.records).Find(input.tool_id);
  if (!tool) return tool.error();
  if (!*tool) return failed("INVALID_INPUT", "there is no tool " + input.tool_id);
  const ToolWork work{.input = {.task = input.task, .step = "runTool", .pattern = "", .input = input.input}};
  ToolOutcome outcome = RunTool(config.router->runner(), context, **tool, work);
  if (context.IsCancelled()) return sdk::ActivityCancelled{};
  if (!outcome.done()) return failed("TOOL_FAILED", input.tool_id + ": " + outcome.why);
  return RunToolOutput{.text = std::move(outcome.text), .duration_ms = outcome.duration_ms};
}

}  // namespace

void RegisterPatternActivities(sdk::ActivityRegistry& registry, PatternsConfig config) {
  const auto shared = std::make_shared<const PatternsConfig>(std::move(config));
  const auto serve = [&]<class Input, class Output>(
                         sdk::ActivityType<Input, Output> type,
                         Result<Output> (*function)(const PatternsConfig&, sdk::ActivityContext&, const Input&)) {
    registry.Register(type, [shared, function](sdk::ActivityContext& context, const Input& input) {
      Result<Output> result = function(*shared, context, input);
      if (result) return sdk::ActivityResult<Output>(*std::move(result));
      return sdk::ActivityResult<Output>(std::move(result).error());
    });
  };
  serve(kDetectPatterns, &DetectPatterns);
  serve(kMatchPattern, &MatchPattern);
  serve(kAnalyzeOperations, &Analyze);
  serve(kDraftIssue, &Draft);
  registry.Register(kRunTool, [shared](sdk::ActivityContext& context, const RunToolInput& input) {
    return RunRegisteredTool(*shared, context, input);
  });
}

}  // namespace wfe::patterns
