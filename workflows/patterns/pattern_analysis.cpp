#include "workflows/patterns/pattern_analysis.h"

#include <chrono>

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;

constexpr sdk::RetryPolicy kUntilRecordsAnswer{.initial_interval = 1s, .maximum_interval = 1min};
constexpr sdk::ActivityOptions kReadAllRecords{.start_to_close = 1h, .retry = kUntilRecordsAnswer};
constexpr sdk::ActivityOptions kWriteDraft{.start_to_close = 1min,
                                           .retry = {.initial_interval = 1s, .maximum_attempts = 5}};
/// More are next week's.
constexpr size_t kDraftsAtOnce = 10;

}  // namespace

sdk::Task<PatternAnalysisResult> AnalyzePatternsOfWork(sdk::WorkflowContext& ctx, nlohmann::json) {
  PatternAnalysisResult result;
  const std::string now = FormatIso8601Millis(ctx.Now());
  const patterns::DetectPatternsInput detect{.now = now};
  result.detected = co_await ctx.Activity(patterns::kDetectPatterns, detect, kReadAllRecords);
  const patterns::AnalyzeOperationsInput ask{.now = now};
  const patterns::AnalyzeOperationsOutput found =
      co_await ctx.Activity(patterns::kAnalyzeOperations, ask, kReadAllRecords);
  result.candidates = found.candidates;
  for (const patterns::RoiRow& candidate : found.candidates) {
    if (result.drafts.size() == kDraftsAtOnce) break;
    const patterns::DraftIssueInput draft{.candidate = candidate, .now = now};
    try {
      const patterns::DraftIssueOutput drafted = co_await ctx.Activity(patterns::kDraftIssue, draft, kWriteDraft);
      if (drafted.is_new) result.drafts.push_back(drafted.file);
    } catch (const sdk::ActivityFailure& failure) {
      // A disk that is full costs the draft and not the analysis.
      ctx.Log(sdk::LogLevel::kWarning, "no draft for " + candidate.pattern_signature + ": " + failure.message());
    }
  }
  result.sentence = std::to_string(found.patterns) + " patterns, " + std::to_string(found.candidates.size()) +
                    " worth a tool, " + std::to_string(result.drafts.size()) + " new issue drafts";
  co_return result;
}

void RegisterPatternAnalysis(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kPatternAnalysisWorkflow), &AnalyzePatternsOfWork);
}

}  // namespace wfe::workflows
