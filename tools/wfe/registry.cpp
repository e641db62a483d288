#include "tools/wfe/registry.h"

#include "engine/base/suggest.h"
#include "tools/wfe/queue_pollers.h"
#include "workers/sdk/workflow_registry.h"
#include "workflows/audited_build/audited_build.h"
#include "workflows/batch/batch_process.h"
#include "workflows/delivery/monitor_workflow.h"
#include "workflows/delivery/rollout_workflow.h"
#include "workflows/generation/generation.h"
#include "workflows/graph/graph_workflow.h"
#include "workflows/optimization/optimization.h"
#include "workflows/optimizer/session_workflow.h"
#include "workflows/optimizer/training_workflow.h"
#include "workflows/optimizer/validation_workflow.h"
#include "workflows/packaged/battery.h"
#include "workflows/packaged/debate.h"
#include "workflows/packaged/permits.h"
#include "workflows/packaged/trading.h"
#include "workflows/patterns/pattern_analysis.h"
#include "workflows/prompt_optimization/prompt_optimization.h"
#include "workflows/quota/forecast_workflow.h"

namespace wfe::cli {

const sdk::WorkflowRegistry& WorkflowTypes() {
  static const sdk::WorkflowRegistry kRegistry = [] {
    sdk::WorkflowRegistry registry;
    workflows::RegisterAuditedBuild(registry);
    workflows::RegisterOptimization(registry);
    workflows::RegisterStreamlinedGeneration(registry);
    workflows::RegisterPromptOptimization(registry);
    workflows::RegisterRollout(registry);
    workflows::RegisterOptimizerSession(registry);
    workflows::RegisterVariantValidation(registry);
    workflows::RegisterPredictorTraining(registry);
    workflows::RegisterMonitor(registry);
    workflows::RegisterGraphWorkflow(registry);
    workflows::RegisterQuotaForecast(registry);
    workflows::RegisterBatchProcess(registry);
    workflows::RegisterPermitReview(registry);
    workflows::RegisterTradingVerification(registry);
    workflows::RegisterBatteryDesign(registry);
    workflows::RegisterDebate(registry);
    workflows::RegisterPatternAnalysis(registry);
    return registry;
  }();
  return kRegistry;
}

void WarnAboutType(const std::string& type, OutputFormat format) {
  if (WorkflowTypes().Find(type) != nullptr) return;
  const std::string guess = DidYouMean(type, WorkflowTypes().Names());
  Warn("this program knows no workflow type " + type +
           (guess.empty() ? "; it waits for a worker of a program that does" : guess),
       format);
}

}  // namespace wfe::cli
