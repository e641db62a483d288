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

struct LocalStackOptions {
  /// The workflow's.  The worker may touch the directories that it names: whoever starts it here has named them.
  const nlohmann::json* input = nullptr;  ///< nullptr: none.
  /// The store is that of this local build and stays, and other commands can look at it over a socket; empty: a
  /// temporary one of this process alone.
  std::string build_id;
  /// --queue: the worker serves it beside the configured client queue, since nobody else ever would.  Empty: none.
  std::string queue;
  bool runs_code = true;  ///< False: nothing that runs here starts code of others.
};

class LocalStack {
 public:
  /// Opens an engine and starts a worker, without a wire between them.
  static Result<std::unique_ptr<LocalStack>> Start(const Config& config, const LocalStackOptions& options = {});
  /// The store of a local build that has ended, served without a worker.
  static Result<std::unique_ptr<LocalStack>> OpenForReading(const std::string& build_id);
  ~LocalStack();
  /// Where other commands find it; "this process" where they cannot.
  std::string address() const;
  /// A way in that goes before this.
  std::unique_ptr<client::ServiceClient> NewClient() const;
  /// Removes what is on the disk for this process alone.  What comes next is the end of the process, without a destructor
  /// that would wait for what still runs; everything that was acknowledged is on the disk.
  void Abandon();

 private:
  struct Impl;
  explicit LocalStack(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::cli
