#include "tools/wfe/registry.h"

#include "workers/sdk/workflow_registry.h"
#include "workflows/audited_build/audited_build.h"
#include "workflows/optimization/optimization.h"

namespace wfe::cli {

const sdk::WorkflowRegistry& WorkflowTypes() {
  static const sdk::WorkflowRegistry kRegistry = [] {
    sdk::WorkflowRegistry registry;
    workflows::RegisterAuditedBuild(registry);
    workflows::RegisterOptimization(registry);
    return registry;
  }();
  return kRegistry;
}

}  // namespace wfe::cli
