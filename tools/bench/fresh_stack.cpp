#include "tools/bench/fresh_stack.h"

#include <filesystem>

namespace wfe::bench {

Result<FreshStack> StartFresh(const Environment& env, const std::string& directory) {
  std::filesystem::create_directories(directory);
  const std::string address = "127.0.0.1:" + std::to_string(FreePort());
  WFE_ASSIGN_OR_RETURN(ChildProcess server,
                       ChildProcess::Start({env.program, "server", "--http", "off", "--data", directory + "/data", "--listen", address},
                                           directory + "/server.log"));
  WFE_ASSIGN_OR_RETURN(ChildProcess worker,
                       ChildProcess::Start({env.program, "bench-worker", "--address", address, "--transport",
                                            NameOf(env.options.transport)},
                                           directory + "/worker.log"));
  return FreshStack{address, std::move(server), std::move(worker)};
}

}  // namespace wfe::bench
