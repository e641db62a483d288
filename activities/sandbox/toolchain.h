// Programs as they really are: a shim of a version manager (pyenv, asdf, volta, rustup, ...) needs its user's home and
// starts nothing inside the sandbox, so it is asked which program it stands for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::sandbox {

struct ToolLocation {
  std::string program;  ///< Full path of the real program, links resolved; "" when there is none.
  /// The name to start it by: full path without links resolved (a program may look at its own name).
  std::string start_as;
  std::vector<std::string> directories;  ///< Outside the system's own: to be shown inside the sandbox, read-only.
  std::string problem;                   ///< Why `program` is empty: one sentence.
  /// Of a script: where the interpreter that its first line looks up by name really is, and that one's.
  std::vector<std::string> interpreter_directories;

  /// PATH for starting it: interpreters before their shims.
  std::string PathFor(const std::string& path_variable) const;
};

/// The name that a script's first line (`#!/usr/bin/env X`, `#!/usr/bin/env -S X -u`) looks up in PATH, or the full path
/// that it gives; empty: `text` is no script.
std::string InterpreterOf(std::string_view text);

/// `name`: a plain name looked up in `path_variable`, or a full path.  A script whose interpreter cannot be had is as
/// good as missing.
ToolLocation LocateTool(const std::string& name, const std::string& path_variable);

/// The system's own directories, which every sandbox shows.
bool IsSystemDirectory(const std::string& directory);

/// The directories a program at `path` needs around it: its own, its installation's prefix, the interpreter of a Python
/// environment.  Nothing of the system's own.  `path` need not be resolved.
std::vector<std::string> DirectoriesOf(const std::string& path);

}  // namespace wfe::sandbox
