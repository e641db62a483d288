// Symbolic links and empty directories of a working directory, reached as SafeDir reaches its files: by relative path,
// beneath the directory's descriptor, never through a link.
#pragma once

#include <string>

#include "activities/sandbox/safe_files.h"
#include "engine/base/result.h"

namespace wfe::sandbox {

/// The target text of a link; it is never followed.  NOT_FOUND when no link is there.
Result<std::string> ReadLink(const SafeDir& dir, const std::string& path);

/// Makes a link, making parent directories; what is there, a file or another link, is replaced at once.  The target is
/// the user's business and may lead anywhere: nothing here ever goes through it.
Status MakeLink(const SafeDir& dir, const std::string& path, const std::string& target);

/// True: no such directory is there any more.  False: something is in it, or it is no directory.
Result<bool> RemoveEmptyDirectory(const SafeDir& dir, const std::string& path);

}  // namespace wfe::sandbox
