// Programs as they really are: a shim of a version manager (pyenv, asdf, volta, rustup, ...) needs its user's home and
// starts nothing inside the sandbox, so it is asked which program it stands for.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace wfe::activities {

struct ToolLocation {
  std::string program;  ///< Full path of the real program, links resolved; "" when there is none.
  /// The name to start it by: full path without links resolved (a program may look at its own name).
  std::string start_as;
  std::vector<std::string> directories;  ///< Outside the system's own: to be shown inside the sandbox, read-only.
  std::string problem;                   ///< Why `program` is empty: one sentence.
};

/// `name`: a plain name looked up in `path_variable`, or a full path.
ToolLocation LocateTool(const std::string& name, const std::string& path_variable);

/// The directories a program at `path` needs around it: its own, its installation's prefix, the interpreter of a Python
/// environment.  Nothing of the system's own.  `path` need not be resolved.
std::vector<std::string> DirectoriesOf(const std::string& path);

}  // namespace wfe::activities
