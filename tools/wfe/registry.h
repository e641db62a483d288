// Every workflow type this program can run.
#pragma once

namespace wfe::sdk {
class WorkflowRegistry;
}

namespace wfe::cli {

/// Filled once; read-only afterwards.
const sdk::WorkflowRegistry& WorkflowTypes();

}  // namespace wfe::cli
