// An engine and a worker inside this process: `wfe build --local`, `wfe submit --local`.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.h"
#include "tools/wfe/config.h"

namespace wfe::client {
class ServiceClient;
}

namespace wfe::cli {

class LocalStack {
 public:
  /// Opens an engine and starts a worker for the configured client queue, without a wire between them.  The worker may touch the
  /// directories that `input`, the workflow's, names: whoever starts it here has named them.  nullptr: none.
  /// The store is that of the local build `build_id` and stays, and other commands can look at it over a socket; for an
  /// empty id it is a temporary one of this process alone.
  static Result<std::unique_ptr<LocalStack>> Start(const Config& config, const nlohmann::json* input = nullptr,
                                                   const std::string& build_id = "");
  /// The store of a local build that has ended, served without a worker.
  static Result<std::unique_ptr<LocalStack>> OpenForReading(const std::string& build_id);
  ~LocalStack();
  /// Where other commands find it; "this process" where they cannot.
  std::string address() const;
  /// A way in that goes before this.
  std::unique_ptr<client::ServiceClient> NewClient() const;

 private:
  struct Impl;
  explicit LocalStack(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::cli
