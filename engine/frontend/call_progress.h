// What every transport has to know of a call under way.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string_view>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/function.h"

namespace wfe::frontend {

/// Whether the caller is gone and whether the call was answered: the half of a ServerCall that is the same whichever way
/// it came.  Thread-safe.
class CallProgress {
 public:
  bool IsCancelled() const { return cancelled_.load(std::memory_order_acquire); }

  /// As ServerCall::OnCancel.
  void OnCancel(Function<void()> callback) {
    {
      const std::lock_guard lock(mutex_);
      if (replied_) return;
      if (!IsCancelled()) {
        on_cancel_ = std::move(callback);
        return;
      }
    }
    callback();
  }

  /// The answer is about to go out; nothing hears of a cancellation any more.
  void Answered() {
    Function<void()> dropped;  // destroyed outside the lock: it may hold the last reference to much
    const std::lock_guard lock(mutex_);
    WFE_CHECK(!replied_, "a call was answered twice");
    replied_ = true;
    dropped = std::move(on_cancel_);
  }

  /// The caller is gone.
  void Cancel() {
    Function<void()> callback;
    {
      const std::lock_guard lock(mutex_);
      cancelled_.store(true, std::memory_order_release);
      callback = std::move(on_cancel_);
    }
    if (callback) callback();
  }

 private:
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  bool replied_ = false;        // guarded by mutex_
  Function<void()> on_cancel_;  // guarded by mutex_
};

/// `feature` stands among those that the header `supported-features` names, separated by commas.
inline bool NamesFeature(std::string_view header, std::string_view feature) {
  while (!header.empty()) {
    const size_t end = std::min(header.find(','), header.size());
    if (header.substr(0, end) == feature) return true;
    header.remove_prefix(std::min(end + 1, header.size()));
  }
  return false;
}

}  // namespace wfe::frontend
