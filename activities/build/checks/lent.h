// What a build on a branch uses of the user's checkout: its directory has the committed files only, and the environment
// that stands beside them in the checkout (`node_modules`, `.venv`) is lent to it, read-only in the sandbox (RW-D9).
#pragma once

#include <string>

#include "activities/sandbox/safe_files.h"

namespace wfe::build {

/// Notes in the working directory's own state where the checkout of the project is.  `dir` reserves nothing.
Status NoteCheckout(const sandbox::SafeDir& dir, const std::string& project_dir);

/// The absolute path of `name` in that checkout, when it is a directory with something in it and the working directory
/// has none of its own; else "".
std::string LentDirectory(const sandbox::SafeDir& dir, const std::string& name);

}  // namespace wfe::build
