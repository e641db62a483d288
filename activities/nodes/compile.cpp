#include "activities/nodes/compile.h"

#include "activities/sandbox/toolchain.h"

namespace wfe::nodes {

Result<CppCompiler> FindCppCompiler(const NodeSettings& settings) {
  const sandbox::ToolLocation location = sandbox::LocateTool(settings.config().cxx, settings.path());
  if (!location.problem.empty()) {
    return FailedPrecondition("nodes in C++ need a compiler on the worker's machine (" + location.problem + ")");
  }
  return CppCompiler{.program = location.start_as, .directories = location.directories};
}

}  // namespace wfe::nodes
