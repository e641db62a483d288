#include "tests/simulation/event_loop.h"

#include <algorithm>
#include <cstdio>

namespace wfe::simulation {

EventLoop::EventLoop(uint64_t seed, bool readable) : readable_(readable), random_(seed) {}

void EventLoop::After(Duration delay, Function<void()> work) {
  queue_.push_back({now_ + std::max(delay, Duration::zero()), next_sequence_++, std::move(work)});
  std::push_heap(queue_.begin(), queue_.end(), Later());
}

bool EventLoop::RunNext(Instant limit) {
  if (queue_.empty() || queue_.front().at > limit) return false;
  std::pop_heap(queue_.begin(), queue_.end(), Later());
  Event event = std::move(queue_.back());
  queue_.pop_back();
  now_ = event.at;
  ++events_;
  event.work();
  if (after_event_) after_event_();
  return true;
}

void EventLoop::Mark(std::string_view what) {
  uint64_t time = static_cast<uint64_t>(elapsed().count());
  for (int i = 0; i < 8; ++i, time >>= 8) hash_.AddByte(static_cast<uint8_t>(time));
  hash_.Add(what);
}

void EventLoop::Trace(std::string_view what) {
  Mark(what);
  Note(what);
}

void EventLoop::Note(std::string_view what) const {
  if (!readable_) return;
  const double seconds = std::chrono::duration<double>(elapsed()).count();
  std::fprintf(stderr, "%12.6f  %.*s\n", seconds, static_cast<int>(what.size()), what.data());
}

}  // namespace wfe::simulation
