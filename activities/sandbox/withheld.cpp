#include "activities/sandbox/withheld.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "engine/base/unique_fd.h"

namespace wfe::sandbox {
namespace {

constexpr size_t kShortestSecret = 6;

}  // namespace

bool IsEnvironmentFile(std::string_view name) {
  if (name != ".env" && !name.starts_with(".env.")) return false;
  for (const std::string_view ending : {".example", ".sample", ".template", ".dist", ".defaults", ".schema"}) {
    if (name.ends_with(ending)) return false;
  }
  return true;
}

bool IsPrivateFile(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (IsEnvironmentFile(name)) return true;
  for (const std::string_view known :
       {".netrc", ".pgpass", ".pypirc", ".git-credentials", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"}) {
    if (name == known) return true;
  }
  return false;
}

bool HoldsSecret(std::string_view text, const std::vector<std::string>& secrets) {
  return std::any_of(secrets.begin(), secrets.end(), [text](const std::string& secret) {
    return secret.size() >= kShortestSecret && text.find(secret) != std::string_view::npos;
  });
}

bool FileHoldsSecret(const std::string& path, const std::vector<std::string>& secrets) {
  if (secrets.empty()) return false;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status = {};
  if (!file.open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  size_t longest = 0;
  for (const std::string& secret : secrets) longest = std::max(longest, secret.size());
  // A secret may lie across two pieces, so the end of one is looked at again with the next.
  std::string window;
  std::string piece(1 << 20, '\0');
  for (ssize_t count = 0; (count = ::read(file.get(), piece.data(), piece.size())) > 0;) {
    window.append(piece, 0, static_cast<size_t>(count));
    if (HoldsSecret(window, secrets)) return true;
    if (window.size() > longest) window.erase(0, window.size() - longest);
  }
  return false;
}

}  // namespace wfe::sandbox
