// The compiler of C++ nodes.
#pragma once

#include <string>
#include <vector>

#include "activities/nodes/settings.h"

namespace wfe::nodes {

struct CppCompiler {
  std::string program;
  std::vector<std::string> directories;  ///< To be shown inside the sandbox.

  /// Program and the options that examination and tests share.
  std::vector<std::string> Command() const { return {program, "-std=c++20", "-fdiagnostics-color=never"}; }
};

/// FAILED_PRECONDITION, with one sentence, when there is none.
Result<CppCompiler> FindCppCompiler(const NodeSettings& settings);

}  // namespace wfe::nodes
