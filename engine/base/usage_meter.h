// What a piece of work on one thread used, with the processes that it ran.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/time.h"

namespace wfe {

struct WorkUsage {
  Duration cpu{};  ///< Of the thread, and of processes that AddProcess told of.
  /// The most that one of these processes had resident; absent: there was none, or it is not known.  A thread has no
  /// memory of its own, so what the work itself allocated is not in it.
  std::optional<uint64_t> process_peak_bytes;
};

/// Measures from its construction on, on the thread that made it; two clock reads.  Threads that the work starts are
/// not seen.  Of two meters of one thread the later one is told of processes.
class UsageMeter {
 public:
  UsageMeter();
  ~UsageMeter();
  UsageMeter(const UsageMeter&) = delete;
  UsageMeter& operator=(const UsageMeter&) = delete;

  WorkUsage Read() const;

  /// For whoever has waited for a process: goes to the calling thread's meter, if it has one.
  static void AddProcess(Duration cpu, std::optional<uint64_t> peak_bytes);

 private:
  const Duration begun_;
  UsageMeter* const outer_;
  Duration of_processes_{};
  std::optional<uint64_t> peak_bytes_;
};

// How a worker tells of it: notes on the first payload of a result (PF-4), numbers as text; absent: not measured.
inline constexpr const char* kCpuNote = "wfe-cpu-ms";
inline constexpr const char* kMemoryNote = "wfe-memory-mb";

}  // namespace wfe
