#include "tools/site/kept.h"

#include <algorithm>

namespace wfe::site {
namespace {

using std::chrono::steady_clock;

/// Of the thread's time that one answer may take.
constexpr int kShareOfTime = 20;
constexpr auto kPatience = std::chrono::milliseconds(50);
/// Before there is any answer.
constexpr auto kFirstPatience = std::chrono::seconds(10);
constexpr size_t kMostEntries = 64;

http::Response NotYet() {
  http::Response response = http::ErrorResponse(503, "unavailable", "these figures are still being counted; try again");
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace

Kept::Kept() : thread_([this] { Run(); }) {}

Kept::~Kept() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Kept::ForgetOldest() {
  while (entries_.size() > kMostEntries) {
    auto oldest = entries_.end();
    for (auto each = entries_.begin(); each != entries_.end(); ++each) {
      if (each->second.is_asked) continue;
      if (oldest == entries_.end() || each->second.last_asked < oldest->second.last_asked) oldest = each;
    }
    if (oldest == entries_.end()) return;
    entries_.erase(oldest);
  }
}

http::Response Kept::Get(const std::string& key, Make make) {
  std::unique_lock lock(mutex_);
  if (!entries_.contains(key)) ForgetOldest();
  Entry& entry = entries_[key];
  entry.last_asked = steady_clock::now();
  if (entry.has_answer && entry.last_asked - entry.made_at < kShareOfTime * entry.took) return entry.answer;
  const uint64_t before = entry.made;
  if (!entry.is_asked) {
    entry.is_asked = true;
    entry.make = std::move(make);
    queue_.push_back(key);
    changed_.notify_all();
  }
  // One that takes longer than anybody waits is not waited for at all.
  const bool futile = entry.has_answer && entry.took > kPatience;
  const auto patience = futile             ? steady_clock::duration::zero()
                        : entry.has_answer ? steady_clock::duration(kPatience)
                                           : steady_clock::duration(kFirstPatience);
  // An entry that is asked for is not forgotten, nor is one while it is looked at here.
  changed_.wait_for(lock, patience, [&] {
    const auto found = entries_.find(key);
    return stopping_ || found == entries_.end() || found->second.made != before;
  });
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.made > 0 ? found->second.answer : NotYet();
}

void Kept::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const std::string key = queue_.front();
    queue_.pop_front();
    const Make make = std::move(entries_[key].make);
    lock.unlock();
    const auto began = steady_clock::now();
    http::Response answer;
    try {
      answer = make();
    } catch (const std::exception&) {
      answer = http::ErrorResponse(500, "internal", "this answer could not be made");
    }
    const auto now = steady_clock::now();
    lock.lock();
    Entry& entry = entries_[key];
    entry.is_asked = false;
    entry.has_answer = answer.status < 500;
    entry.answer = std::move(answer);
    entry.made_at = now;
    entry.took = now - began;
    ++entry.made;
    changed_.notify_all();
  }
}

}  // namespace wfe::site
