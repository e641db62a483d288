#include "workers/host/process_name.h"

#include <unistd.h>

namespace wfe::worker {

std::string ProcessName(const std::string& name) {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return name + "@" + std::string(host) + ":" + std::to_string(getpid());
}

}  // namespace wfe::worker
