#include "engine/local/asio_timers.h"

#include <boost/asio/steady_timer.hpp>

namespace wfe::local {

struct AsioTimers::Entry {
  explicit Entry(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  Executor* executor = nullptr;
  Function<void()> work;
};

AsioTimers::AsioTimers(asio::io_context& context) : context_(context) {}
AsioTimers::~AsioTimers() = default;

TimerService::TimerId AsioTimers::After(Duration delay, Executor& executor, Function<void()> work) {
  auto entry = std::make_shared<Entry>(context_);
  entry->executor = &executor;
  entry->work = std::move(work);
  const std::lock_guard lock(mutex_);
  const TimerId id = next_++;
  entries_.emplace(id, entry);
  entry->timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(delay));
  entry->timer.async_wait([this, id](const boost::system::error_code& error) {
    std::shared_ptr<Entry> due;
    {
      const std::lock_guard relock(mutex_);
      const auto found = entries_.find(id);
      if (found == entries_.end()) return;  // cancelled
      due = std::move(found->second);
      entries_.erase(found);
    }
    if (!error) due->executor->Post(std::move(due->work));
  });
  return id;
}

void AsioTimers::Cancel(TimerId id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second->timer.cancel();
  entries_.erase(found);
}

}  // namespace wfe::local
