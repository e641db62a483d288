// A server and a worker of a scenario's own.
#pragma once

#include <string>

#include "tools/bench/process.h"
#include "tools/bench/scenarios.h"

namespace wfe::bench {

/// Both are gone when this object is.
struct FreshStack {
  std::string address;
  ChildProcess server;
  ChildProcess worker;
};

/// Starts them over the store in `directory`/data, which may be empty; waits for neither.
Result<FreshStack> StartFresh(const Environment& env, const std::string& directory);

}  // namespace wfe::bench
