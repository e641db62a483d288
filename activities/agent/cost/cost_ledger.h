// The rows of the cost ledger on their way to the records service (AC-8, RC-6).  A row is in a file on this machine
// before the call that it is about goes on, and is sent from there in the background: no row is lost while the records
// cannot be reached or the worker is killed, and no build waits for them.
//   <work root>/ledger-queue/<time>-<number>.json    {"key", "row"}, one file per row, removed once the row is stored
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::agent {

/// "<day>/<call id>/<0 for started, 1 for ended>": in order of days, one call's rows together, and the same row always
/// under the same key.
std::string LedgerKey(const nlohmann::json& row);

/// Callable from any thread.  Owns one thread of its own.
class CostLedger {
 public:
  /// Stores a row; OK also when its key is there already.  Called from the ledger's thread only.
  using Append = std::function<Status(const std::string& key, const std::string& value)>;

  /// Sends what an earlier process left as well.  `append` may block; it must stay callable until this is destroyed.
  CostLedger(const std::string& work_root, Append append, Duration retry_every = std::chrono::seconds(5));
  /// Tries once more to send what is left; what cannot be sent stays for the next worker on this work root.
  ~CostLedger();
  CostLedger(const CostLedger&) = delete;
  CostLedger& operator=(const CostLedger&) = delete;

  /// Returns when the row is durable here.  A disk that refuses it is reported by the journal's own next write.
  void Record(const nlohmann::json& row);

  /// Waits until everything is sent, or for `timeout`; whether it is.
  bool WaitUntilSent(Duration timeout);

 private:
  void Run();
  /// Sends what is there, oldest first; false when something is left.
  bool SendAll();

  const std::string directory_;
  const Append append_;
  const Duration retry_every_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t written_ = 0;  // guarded by mutex_, like all below
  uint64_t sent_to_ = 0;  // everything up to this number was sent or is not ours
  uint64_t number_ = 0;
  bool stopping_ = false;
  std::thread sender_;
};

}  // namespace wfe::agent
