#include "activities/packaged/trading/steps.h"

#include "activities/packaged/common/ending.h"
#include "activities/packaged/common/register.h"
#include "activities/packaged/trading/examine.h"
#include "activities/packaged/trading/measure.h"
#include "activities/packaged/trading/rules.h"
#include "activities/packaged/trading/test_cases.h"

namespace wfe::trading {
namespace {

using packaged::ForGood;
using sdk::ActivityContext;
using sdk::ActivityResult;

/// How a step of ours ends that could not be made.
template <class T>
ActivityResult<T> EndedStep(const Error& error) {
  switch (error.code) {
    case StatusCode::kCancelled:
      return sdk::ActivityCancelled{.details = nullptr};
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kPermissionDenied:
    case StatusCode::kResourceExhausted:
      return ForGood(packaged::kInvalidInput, error.message);
    case StatusCode::kFailedPrecondition:
      return ForGood(error.message.find("has changed since") != std::string::npos ? kTradingChanged : kTradingNoPython,
                     error.message);
    default:
      return error;
  }
}

template <class T>
ActivityResult<T> EndOf(Result<T> result) {
  if (!result) return EndedStep<T>(result.error());
  return *std::move(result);
}

class TradingSteps {
 public:
  explicit TradingSteps(TradingConfig config) : config_(std::move(config)), settings_(config_.node) {}

  ActivityResult<TradingSources> Load(ActivityContext&, const LoadTradingInput& input) const {
    return EndOf(ReadTradingSources(input.project_dir));
  }

  ActivityResult<AlgorithmAnalysis> Analyze(ActivityContext& context, const TradingStepInput& input) const {
    auto folder = Examine(context, input);
    if (!folder) return EndedStep<AlgorithmAnalysis>(folder.error());
    return AlgorithmAnalysis{.entry = folder->entry,
                             .functions = folder->functions,
                             .imports = folder->imports,
                             .findings = FindingsOfStep(*folder, kStepAnalyze).findings,
                             .method = folder->method,
                             .unread = folder->unread,
                             .programs_read = folder->programs_read,
                             .notes = folder->notes,
                             .programs_empty = folder->programs_empty};
  }

  ActivityResult<StepFindings> Audit(ActivityContext& context, const TradingStepInput& input,
                                     std::string_view step) const {
    auto folder = Examine(context, input);
    if (!folder) return EndedStep<StepFindings>(folder.error());
    return FindingsOfStep(*folder, step);
  }

  ActivityResult<BacktestReport> Backtest(ActivityContext& context, const TradingStepInput& input) const {
    auto folder = Examine(context, input);
    if (!folder) return EndedStep<BacktestReport>(folder.error());
    return EndOf(BacktestFolder(settings_, input.project_dir, input.sources, *folder, Watch(context)));
  }

  ActivityResult<TestCases> Test(ActivityContext& context, const TradingStepInput& input) const {
    return EndOf(GenerateAndRun(context, input));
  }

  ActivityResult<ReviewAlgorithmResult> Review(ActivityContext& context, const ReviewAlgorithmInput& input) const {
    const auto loaded = LoadSources(input.project_dir, input.sources);
    if (!loaded) return EndedStep<ReviewAlgorithmResult>(loaded.error());
    agent::CallRequest ask = input.ask;
    ask.step_name = "trading_review";
    ask.parts = ReviewPrompt(*loaded, input.findings);
    const auto answered = packaged::AskModel(*config_.packaged, context, "review", ask);
    if (answered.failure() != nullptr) return *answered.failure();
    if (answered.cancelled() != nullptr) return *answered.cancelled();
    const packaged::ModelAnswer& answer = answered.value();
    if (!answer.fault.empty()) return ReviewAlgorithmResult{.fault = answer.fault, .use = answer.use};
    auto review = ReadReview(answer.text, *loaded);
    if (!review) return ReviewAlgorithmResult{.fault = review.error().message, .use = answer.use};
    review->model = answer.use.model;
    return ReviewAlgorithmResult{.review = *std::move(review), .use = answer.use};
  }

  ActivityResult<VerificationResult> Join(ActivityContext&, const TradingReport& report) const {
    VerificationResult result{.headline = TradingHeadline(report), .summary = TradingSummary(report)};
    const auto add = [&](std::string path, std::string kind, std::string text) -> Status {
      WFE_ASSIGN_OR_RETURN(auto file, packaged::MakeDeliverable(*config_.packaged->records, std::move(path),
                                                                std::move(kind), std::move(text)));
      result.files.push_back(std::move(file));
      return Ok();
    };
    Status added = add("trading_report.md", "markdown", TradingMarkdown(report));
    nlohmann::json data(report);
    if (report.tests) data["tests"].erase("text");  // it is a file of its own
    if (added) added = add("trading_report.json", "json", data.dump(2) + "\n");
    if (added) added = add("trading_report.html", "html", TradingHtml(report));
    if (added && report.tests) added = add(report.tests->file, "code", report.tests->text);
    if (!added) return added.error();
    return result;
  }

 private:
  static sandbox::ProcessWatch Watch(ActivityContext& context) {
    sandbox::ProcessWatch watch;
    watch.is_cancelled = [&context] { return context.IsCancelled(); };
    watch.heartbeat = [&context] { context.Heartbeat({{"state", "running"}}); };
    return watch;
  }

  Result<ExaminedFolder> Examine(ActivityContext& context, const TradingStepInput& input) const {
    return ExamineFolder(settings_, input.project_dir, input.sources, Watch(context));
  }

  Result<TestCases> GenerateAndRun(ActivityContext& context, const TradingStepInput& input) const {
    WFE_ASSIGN_OR_RETURN(const ExaminedFolder folder, Examine(context, input));
    if (folder.entry.function.empty()) return InvalidArgument(WhyNothingRuns(input.sources, folder));
    WFE_ASSIGN_OR_RETURN(const TradingParameters parameters, ReadTradingParameters(input.project_dir, input.sources));
    WFE_ASSIGN_OR_RETURN(const std::vector<LoadedSource> loaded, LoadSources(input.project_dir, input.sources));
    return RunGeneratedTests(settings_, loaded, folder.entry, parameters.algorithm, Watch(context));
  }

  TradingConfig config_;
  nodes::NodeSettings settings_;
};

}  // namespace

void RegisterTradingActivities(sdk::ActivityRegistry& registry, const TradingConfig& config) {
  // Shared by the registered functions, which may be copied.
  const auto steps = std::make_shared<const TradingSteps>(config);
  registry.Register(kLoadTradingAlgorithm,
                    [steps](ActivityContext& c, const LoadTradingInput& input) { return steps->Load(c, input); });
  registry.Register(kAnalyzeAlgorithm,
                    [steps](ActivityContext& c, const TradingStepInput& input) { return steps->Analyze(c, input); });
  registry.Register(kSecurityAudit, [steps](ActivityContext& c, const TradingStepInput& input) {
    return steps->Audit(c, input, kStepSecurity);
  });
  registry.Register(kIdentifyEdgeCases, [steps](ActivityContext& c, const TradingStepInput& input) {
    return steps->Audit(c, input, kStepEdges);
  });
  registry.Register(kPerformanceReview, [steps](ActivityContext& c, const TradingStepInput& input) {
    return steps->Audit(c, input, kStepPerformance);
  });
  registry.Register(kBacktestAlgorithm,
                    [steps](ActivityContext& c, const TradingStepInput& input) { return steps->Backtest(c, input); });
  registry.Register(kGenerateTestCases,
                    [steps](ActivityContext& c, const TradingStepInput& input) { return steps->Test(c, input); });
  registry.Register(kAssessRisks, [](ActivityContext&, const AssessRisksInput& input) {
    return ActivityResult<RiskAssessment>(AssessRisks(input.findings));
  });
  registry.Register(kMakeRecommendations, [](ActivityContext&, const RecommendInput& input) {
    return ActivityResult<Recommendations>(Recommendations{.list = Recommend(input.risks, input.findings)});
  });
  registry.Register(kReviewAlgorithm,
                    [steps](ActivityContext& c, const ReviewAlgorithmInput& input) { return steps->Review(c, input); });
  registry.Register(kComprehensiveVerification,
                    [steps](ActivityContext& c, const TradingReport& report) { return steps->Join(c, report); });
}

}  // namespace wfe::trading
