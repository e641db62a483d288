#include "engine/local/file_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace wfe::local {
namespace {

constexpr rlim_t kFewestFiles = 256;
constexpr rlim_t kMostFiles = 1 << 20;  // more than anybody needs; some systems have no limit at all

}  // namespace

Result<int64_t> RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return FailedPrecondition(std::string("the limit of open files cannot be read: ") + std::strerror(errno));
  }
  const rlim_t wanted = std::min(limit.rlim_max, kMostFiles);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // what it is then is what counts
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= kFewestFiles) return static_cast<int64_t>(std::min(limit.rlim_cur, kMostFiles));
  return FailedPrecondition("this process may open " + std::to_string(limit.rlim_cur) + " files; a server needs " +
                            std::to_string(kFewestFiles) + " for its store and its connections: raise ulimit -n");
}

}  // namespace wfe::local
