#include "tools/wfe/registry.h"

#include "workers/sdk/workflow_registry.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::cli {

const sdk::WorkflowRegistry& WorkflowTypes() {
  static const sdk::WorkflowRegistry kRegistry = [] {
    sdk::WorkflowRegistry registry;
    workflows::RegisterAuditedBuild(registry);
    return registry;
  }();
  return kRegistry;
}

}  // namespace wfe::cli
