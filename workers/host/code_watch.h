// Which workflow code runs, and since when: written by the thread that runs it, read by the worker's strand.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "engine/base/time.h"

namespace wfe::worker {

/// Thread-safe.
class CodeWatch {
 public:
  struct SlowTask {
    const void* task;
    Duration since;
  };

  /// `task` is only handed back: Slow's caller knows what it points to, and keeps it alive.
  void Begin(const void* task, Instant now);
  void End();
  /// The task whose code has been running for at least `limit`; told once for each task.
  std::optional<SlowTask> Slow(Instant now, Duration limit);

 private:
  std::mutex mutex_;
  const void* task_ = nullptr;  // guarded by mutex_, as are:
  Instant began_;
  bool told_ = false;
};

/// "2.5 s".
std::string Seconds(Duration duration);

}  // namespace wfe::worker
