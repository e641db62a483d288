#include "activities/sandbox/limit_watch.h"

#include <algorithm>

#include "activities/sandbox/usage_watch.h"

namespace wfe::sandbox::internal {

using Limit = ProcessOutcome::Limit;
using SteadyClock = std::chrono::steady_clock;

std::vector<int> LimitWatch::Begin() {
  if (!limits_.disk_directories.empty()) disk_before_ = Disk();
  if (!limits_.total_memory_bytes && !limits_.total_processes) return {};
  if (limits_.cgroup) {
    std::string why;
    auto made = Cgroup::Make(limits_.total_memory_bytes, limits_.total_processes, &why);
    if (made.has_value()) cgroup_.emplace(*std::move(made));
  }
  kind_ = cgroup_.has_value() ? "cgroup" : "watch";
  return cgroup_.has_value() ? cgroup_->join_fds() : std::vector<int>();
}

uint64_t LimitWatch::Disk() const { return DiskBytes(limits_.disk_directories, {".git", "node_modules"}); }

Limit LimitWatch::Reached(pid_t root) {
  const auto now = SteadyClock::now();
  if (now >= next_usage_ && (limits_.total_memory_bytes || limits_.total_processes)) {
    next_usage_ = now + std::chrono::milliseconds(100);
    if (cgroup_.has_value()) {
      if (const Limit limit = ReachedInTheEnd(); limit != Limit::kNone) return limit;
    } else {
      const ProcessUsage usage = UsageBelow(root);
      if (limits_.total_processes && usage.processes > *limits_.total_processes) return Limit::kProcesses;
      // What processes share is counted once only when it matters, since that is slow.
      if (limits_.total_memory_bytes && usage.memory_bytes > *limits_.total_memory_bytes &&
          ProportionalMemoryBelow(root) > *limits_.total_memory_bytes) {
        return Limit::kMemory;
      }
    }
  }
  if (now >= next_disk_ && limits_.disk_growth_bytes && !limits_.disk_directories.empty()) {
    if (Disk() > disk_before_ + *limits_.disk_growth_bytes) return Limit::kDisk;
    next_disk_ = now + std::max<SteadyClock::duration>(std::chrono::milliseconds(300), (SteadyClock::now() - now) * 20);
  }
  return Limit::kNone;
}

Limit LimitWatch::ReachedInTheEnd() const {
  if (!cgroup_.has_value()) return Limit::kNone;
  if (cgroup_->memory_was_exceeded()) return Limit::kMemory;
  return cgroup_->processes_were_exceeded() ? Limit::kProcesses : Limit::kNone;
}

}  // namespace wfe::sandbox::internal
