// Whether the server has taken the answer that a live instance of a run gave.
#pragma once

#include <atomic>

namespace wfe::core {

/// One for each task that is handled.  Given by whoever brings the answer to the server, once the server has it; read
/// by the cache before the instance goes on.  Thread-safe: the two may be on different threads.
class Acknowledgement {
 public:
  void Give() { given_.store(true, std::memory_order_release); }
  bool given() const { return given_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> given_ = false;
};

}  // namespace wfe::core
