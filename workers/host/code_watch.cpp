#include "workers/host/code_watch.h"

namespace wfe::worker {

void CodeWatch::Begin(const void* task, Instant now) {
  const std::lock_guard lock(mutex_);
  task_ = task;
  began_ = now;
  told_ = false;
}

void CodeWatch::End() {
  const std::lock_guard lock(mutex_);
  task_ = nullptr;
}

std::optional<CodeWatch::SlowTask> CodeWatch::Slow(Instant now, Duration limit) {
  const std::lock_guard lock(mutex_);
  if (task_ == nullptr || told_ || now - began_ < limit) return std::nullopt;
  told_ = true;
  return SlowTask{task_, now - began_};
}

std::string Seconds(Duration duration) {
  const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() / 100;
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " s";
}

}  // namespace wfe::worker
