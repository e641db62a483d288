// An engine and a worker inside this process, over a temporary store: `wfe submit --local`.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "tools/wfe/config.h"

namespace wfe::cli {

class LocalStack {
 public:
  /// Starts a server on a free loopback port and a worker for the configured client queue.
  static Result<std::unique_ptr<LocalStack>> Start(const Config& config);
  ~LocalStack();
  /// HOST:PORT of the embedded server.
  const std::string& address() const;

 private:
  struct Impl;
  explicit LocalStack(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::cli
