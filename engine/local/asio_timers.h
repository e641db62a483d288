// TimerService over Asio's steady clock.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/base/executor.h"
#include "engine/local/asio.h"

namespace wfe::local {

/// Thread-safe.  Destroy only after the io_context has stopped running.
class AsioTimers final : public TimerService {
 public:
  explicit AsioTimers(asio::io_context& context);
  ~AsioTimers() override;
  TimerId After(Duration delay, Executor& executor, Function<void()> work) override;
  void Cancel(TimerId id) override;

 private:
  struct Entry;
  asio::io_context& context_;
  std::mutex mutex_;
  TimerId next_ = 1;                                             // guarded by mutex_
  std::unordered_map<TimerId, std::shared_ptr<Entry>> entries_;  // guarded by mutex_
};

}  // namespace wfe::local
