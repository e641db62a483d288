// Every workflow type this program can run.
#pragma once

#include <string>

#include "tools/wfe/output.h"

namespace wfe::sdk {
class WorkflowRegistry;
}

namespace wfe::cli {

/// Filled once; read-only afterwards.
const sdk::WorkflowRegistry& WorkflowTypes();

/// Workers of other programs may know types that this one does not, so a type that is unknown here is worth a word, with a
/// guess where it is nearly one of ours.
void WarnAboutType(const std::string& type, OutputFormat format);

}  // namespace wfe::cli
