#include "workflows/packaged/trading.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "activities/packaged/trading/rules.h"
#include "activities/packaged/trading/steps.h"

namespace wfe::workflows {
namespace {

using sdk::Task;

/// The algorithm runs for a minute at most; the rest is for a busy machine.
constexpr sdk::ActivityOptions kTradingRunStep{
    .start_to_close = std::chrono::minutes(5),
    .heartbeat = std::chrono::seconds(30),
    .retry = {.initial_interval = std::chrono::seconds(1),
              .maximum_interval = std::chrono::seconds(20),
              .maximum_attempts = 3}};

/// A risk of 0 is a judgement; where nothing could be judged there is none.  Empty: there is something.
std::string WhyNothingToAssess(const trading::AlgorithmAnalysis& analysis,
                               const std::vector<trading::TradingFinding>& findings) {
  if (analysis.programs_read == 0) {
    return analysis.programs_empty > 0 && analysis.unread.empty() ? "no program of the folder has any code"
                                                                  : "no program of the folder could be read";
  }
  const bool has_nothing = analysis.entry.file.empty() && analysis.functions.empty() && findings.empty();
  if (has_nothing && analysis.method == trading::kBySyntax) return "no program of the folder has a function";
  return "";
}

class TradingRun {
 public:
  TradingRun(sdk::WorkflowContext& ctx, PackagedInput input) : ctx_(ctx), run_(ctx, std::move(input), "trading") {}

  Task<PackagedResult> Go() {
    const std::vector<std::string> paths = {"trading_report.md", "trading_report.json", "trading_report.html",
                                            "test_trading_algorithm.py"};
    co_await run_.Prepare(paths);
    co_await Load();
    co_await Examine();
    trading::SortFindings(report_.findings);
    co_await Judge();
    co_await Deliver();
    co_return run_.Finish();
  }

 private:
  /// Without it there is nothing to deliver.
  Task<void> Load() {
    trading::LoadTradingInput ask{.project_dir = run_.input().project_dir};
    trading::TradingSources sources = co_await run_.Must(trading::kLoadTradingAlgorithm, std::move(ask));
    report_.sources = std::move(sources);
    step_ = {.project_dir = run_.input().project_dir, .sources = report_.sources};
    const std::string& directory = run_.input().project_dir;
    report_.name = directory.substr(directory.rfind('/') + 1);
    report_.generated_at = FormatIso8601Millis(ctx_.Now());
  }

  /// The steps that do not need each other.
  Task<void> Examine() {
    std::vector<sdk::Future<void>> steps;
    steps.push_back(ctx_.Spawn(Analyze()));
    steps.push_back(ctx_.Spawn(Audit(trading::kSecurityAudit)));
    steps.push_back(ctx_.Spawn(Audit(trading::kIdentifyEdgeCases)));
    steps.push_back(ctx_.Spawn(Audit(trading::kPerformanceReview)));
    steps.push_back(ctx_.Spawn(Backtest()));
    steps.push_back(ctx_.Spawn(Tests()));
    const auto all = sdk::All(steps);
    co_await all;
  }

  Task<void> Analyze() {
    std::optional<trading::AlgorithmAnalysis> done = co_await run_.Step(trading::kAnalyzeAlgorithm, step_);
    if (!done) co_return;
    Add(done->findings);
    done->findings.clear();
    for (const trading::UnreadFile& file : done->unread) run_.AddGap("document " + file.path, file.reason);
    report_.analysis = std::move(done);
  }

  Task<void> Audit(sdk::ActivityType<trading::TradingStepInput, trading::StepFindings> type) {
    const std::optional<trading::StepFindings> done = co_await run_.Step(type, step_);
    if (done) Add(done->findings);
  }

  Task<void> Backtest() {
    std::optional<trading::BacktestReport> done =
        co_await run_.Step(trading::kBacktestAlgorithm, step_, kTradingRunStep);
    if (!done) co_return;
    Add(done->findings);
    done->findings.clear();
    // The step was done; what it was for, the figures, is missing all the same.
    if (!done->fault.empty()) run_.AddGap(std::string(trading::kBacktestAlgorithm.name), done->fault);
    report_.backtest = std::move(done);
  }

  Task<void> Tests() {
    std::optional<trading::TestCases> done = co_await run_.Step(trading::kGenerateTestCases, step_, kTradingRunStep);
    if (!done) co_return;
    Add(done->findings);
    done->findings.clear();
    if (!done->fault.empty()) run_.AddGap(std::string(trading::kGenerateTestCases.name), done->fault);
    report_.tests = std::move(done);
  }

  /// What needs all findings: the assessment with what follows from it, and a model beside it.
  Task<void> Judge() {
    std::vector<sdk::Future<void>> steps;
    steps.push_back(ctx_.Spawn(Assess()));
    if (!run_.input().without_model) steps.push_back(ctx_.Spawn(Review()));
    const auto all = sdk::All(steps);
    co_await all;
  }

  Task<void> Assess() {
    if (!report_.analysis) {  // no findings of what nobody looked at are no good news
      run_.AddGap("assess_risks", "the algorithm was not analysed");
      co_return;
    }
    if (const std::string why = WhyNothingToAssess(*report_.analysis, report_.findings); !why.empty()) {
      run_.AddGap("assess_risks", why);
      co_return;
    }
    trading::AssessRisksInput ask{.findings = report_.findings};
    std::optional<trading::RiskAssessment> risks = co_await run_.Step(trading::kAssessRisks, ask);
    if (!risks) co_return;
    report_.risks = *risks;
    trading::RecommendInput question{.risks = *std::move(risks), .findings = report_.findings};
    std::optional<trading::Recommendations> done = co_await run_.Step(trading::kMakeRecommendations, question);
    if (done) report_.recommendations = std::move(done->list);
  }

  Task<void> Review() {
    trading::ReviewAlgorithmInput ask{.project_dir = step_.project_dir,
                                      .sources = step_.sources,
                                      .findings = report_.findings,
                                      .ask = run_.RequestFor(agent::CallRequest{.step_name = "trading_review"})};
    std::optional<trading::ReviewAlgorithmResult> done =
        co_await run_.ModelStep(std::string(trading::kReviewAlgorithm.name), trading::kReviewAlgorithm, ask);
    if (!done) co_return;
    run_.Spent(done->use);
    if (!done->fault.empty()) {
      run_.AddGap(std::string(trading::kReviewAlgorithm.name), done->fault);
      co_return;
    }
    report_.scripted = done->use.scripted;
    report_.review = std::move(done->review);
  }

  Task<void> Deliver() {
    report_.gaps = run_.result().gaps;
    std::ranges::stable_sort(report_.gaps, {}, &packaged::Gap::step);
    std::optional<trading::VerificationResult> joined =
        co_await run_.Step(trading::kComprehensiveVerification, report_);
    if (!joined) throw sdk::WorkflowFailure(run_.result().gaps.back().reason, "INTERNAL", true);
    PackagedResult& result = run_.result();
    result.headline = joined->headline;
    result.summary = joined->summary;
    for (const trading::TradingFinding& finding : report_.findings) ++result.findings[finding.severity];
    std::vector<packaged::DeliverableFile> files = std::move(joined->files);
    co_await run_.Deliver(std::move(files));
  }

  void Add(const std::vector<trading::TradingFinding>& findings) {
    report_.findings.insert(report_.findings.end(), findings.begin(), findings.end());
  }

  sdk::WorkflowContext& ctx_;
  PackagedRun run_;
  trading::TradingStepInput step_;
  trading::TradingReport report_;
};

}  // namespace

Task<PackagedResult> TradingVerification(sdk::WorkflowContext& ctx, nlohmann::json from) {
  PackagedInput input = ReadPackagedInput(kTradingVerificationWorkflow, from);
  if (const Status none = TakesNoParameters(input.parameters); !none) {
    throw NoInputOf(kTradingVerificationWorkflow, none.error().message);
  }
  TradingRun run(ctx, std::move(input));
  PackagedResult result = co_await run.Go();
  co_return result;
}

void RegisterTradingVerification(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kTradingVerificationWorkflow), &TradingVerification);
}

}  // namespace wfe::workflows
