// The activities of TradingVerificationWorkflow (CW-4), by the names that the requirement gives them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "activities/agent/call/model_call.h"
#include "activities/nodes/settings.h"
#include "activities/packaged/common/deliverables.h"
#include "activities/packaged/common/model_step.h"
#include "activities/packaged/trading/report.h"
#include "activities/packaged/trading/trading.h"
#include "workers/sdk/activity.h"

namespace wfe::trading {

struct LoadedSource;

struct LoadTradingInput {
  std::string project_dir;  ///< Absolute.
};
WFE_RECORD(LoadTradingInput, project_dir);
constexpr RecordRules RulesOf(const LoadTradingInput*) { return {.required = "project_dir"}; }

struct TradingStepInput {
  std::string project_dir;
  TradingSources sources;  ///< As load_trading_algorithm gave them.
};
WFE_RECORD(TradingStepInput, project_dir, sources);
constexpr RecordRules RulesOf(const TradingStepInput*) { return {.required = "project_dir sources"}; }

struct AssessRisksInput {
  std::vector<TradingFinding> findings;
};
WFE_RECORD(AssessRisksInput, findings);

struct RecommendInput {
  RiskAssessment risks;
  std::vector<TradingFinding> findings;
};
WFE_RECORD(RecommendInput, risks, findings);

struct ReviewAlgorithmInput {
  std::string project_dir;
  TradingSources sources;
  std::vector<TradingFinding> findings;  ///< What is known without it.
  agent::CallRequest ask;                ///< Model, backend, cache, patience and money; the step adds the words.
};
WFE_RECORD(ReviewAlgorithmInput, project_dir, sources, findings, ask);
constexpr RecordRules RulesOf(const ReviewAlgorithmInput*) { return {.required = "project_dir sources ask"}; }

struct ReviewAlgorithmResult {
  ModelReview review;
  std::string fault;  ///< Why there is none though the call came to an end, and was paid.
  packaged::ModelUse use;
};
WFE_RECORD(ReviewAlgorithmResult, review, fault, use);
constexpr RecordRules RulesOf(const ReviewAlgorithmResult*) { return {.seldom = "fault"}; }

struct VerificationResult {
  std::vector<packaged::DeliverableFile> files;
  std::string headline;
  std::vector<std::string> summary;
};
WFE_RECORD(VerificationResult, files, headline, summary);

// INVALID_INPUT, for good, of all that read the folder: nothing in it can be examined, or the file that a step needs is
// none (each says which).  CHANGED, for good: a file is another one than load_trading_algorithm saw.  NO_PYTHON, for
// good.
inline constexpr std::string_view kTradingChanged = "CHANGED";
inline constexpr std::string_view kTradingNoPython = "NO_PYTHON";

inline constexpr sdk::ActivityType<LoadTradingInput, TradingSources> kLoadTradingAlgorithm{"load_trading_algorithm"};
inline constexpr sdk::ActivityType<TradingStepInput, AlgorithmAnalysis> kAnalyzeAlgorithm{"analyze_algorithm"};
inline constexpr sdk::ActivityType<TradingStepInput, StepFindings> kSecurityAudit{"security_audit"};
inline constexpr sdk::ActivityType<TradingStepInput, StepFindings> kIdentifyEdgeCases{"identify_edge_cases"};
inline constexpr sdk::ActivityType<TradingStepInput, StepFindings> kPerformanceReview{"performance_review"};
inline constexpr sdk::ActivityType<TradingStepInput, BacktestReport> kBacktestAlgorithm{"backtest_algorithm"};
inline constexpr sdk::ActivityType<TradingStepInput, TestCases> kGenerateTestCases{"generate_test_cases"};
inline constexpr sdk::ActivityType<AssessRisksInput, RiskAssessment> kAssessRisks{"assess_risks"};
inline constexpr sdk::ActivityType<RecommendInput, Recommendations> kMakeRecommendations{"recommendations"};
/// One call of a model.  Failures are callModel's; an answer that is none is a fault of the result.
inline constexpr sdk::ActivityType<ReviewAlgorithmInput, ReviewAlgorithmResult> kReviewAlgorithm{"review_algorithm"};
/// Joins what the steps have found into the files of the report.
inline constexpr sdk::ActivityType<TradingReport, VerificationResult> kComprehensiveVerification{
    "comprehensive_verification"};

struct TradingConfig {
  std::shared_ptr<const packaged::PackagedConfig> packaged;
  nodes::NodeConfig node;  ///< Where Python is and how it is confined.
};
void RegisterTradingActivities(sdk::ActivityRegistry& registry, const TradingConfig& config);

/// What a model is asked: the files without secrets, and what is known.
std::vector<std::string> ReviewPrompt(const std::vector<LoadedSource>& loaded,
                                      const std::vector<TradingFinding>& findings);
/// INVALID_ARGUMENT: it is no JSON of the form that was asked for.
Result<ModelReview> ReadReview(const std::string& answer, const std::vector<LoadedSource>& loaded);

}  // namespace wfe::trading
