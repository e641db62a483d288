#include "workers/embedded/fork_count.h"

#include <pthread.h>

#include <atomic>

namespace wfe::embedded {
namespace {

std::atomic<uint64_t> forks = 0;

}  // namespace

uint64_t ForkCount() {
  static const int registered [[maybe_unused]] =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  return forks.load(std::memory_order_relaxed);
}

}  // namespace wfe::embedded
