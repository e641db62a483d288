// An engine and a worker inside this process: `wfe build --local`, `wfe submit --local`.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.h"
#include "tools/wfe/config.h"

namespace wfe::cli {

class LocalStack {
 public:
  /// Starts a server on a socket of its own and a worker for the configured client queue.  The worker may touch the
  /// directories that `input`, the workflow's, names: whoever starts it here has named them.  nullptr: none.
  /// The store is that of the local build `build_id` and stays; for an empty id it is a temporary one.
  static Result<std::unique_ptr<LocalStack>> Start(const Config& config, const nlohmann::json* input = nullptr,
                                                   const std::string& build_id = "");
  /// The store of a local build that has ended, served without a worker.
  static Result<std::unique_ptr<LocalStack>> OpenForReading(const std::string& build_id);
  ~LocalStack();
  /// Of the embedded server.
  const std::string& address() const;

 private:
  struct Impl;
  explicit LocalStack(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::cli
