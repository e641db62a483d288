// Files that never go into a record, a commit or a difference: they hold what must not leave the place where it is
// (RW-D14).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe::sandbox {

/// `.env` and its like (not `.env.example`), keys of SSH and files of passwords: by name, at any depth.
bool IsPrivateFile(std::string_view path);

/// `.env` and `.env.NAME`, but for examples and templates.
bool IsEnvironmentFile(std::string_view name);

/// The exact value of a known secret stands in the text.  Values shorter than 6 bytes are ignored.
bool HoldsSecret(std::string_view text, const std::vector<std::string>& secrets);

/// Likewise for a regular file of any size; false for anything else.  The path is the caller's; a link is not followed.
bool FileHoldsSecret(const std::string& path, const std::vector<std::string>& secrets);

}  // namespace wfe::sandbox
