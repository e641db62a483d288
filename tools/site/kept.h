// Answers that are made from many rows, made by one thread and kept for a moment: however often somebody asks, and
// however large the ledger is, the engine is asked at most a twentieth of the time, and nobody waits for longer than a
// moment once there is an answer (HT-3).  Each answer says itself as of when it is.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "tools/http/message.h"

namespace wfe::site {

class Kept {
 public:
  using Make = std::function<http::Response()>;

  Kept();
  /// What is being made is waited for; those who wait get 503.
  ~Kept();
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  /// The answer that `make` gives, which blocks and is called on the one thread.  One made a moment ago (20 times as
  /// long as it took to make) is as good; an older one is made anew, and given as it is if that takes longer than
  /// kPatience. Answers from 500 on are not kept.  Callable from any thread.
  http::Response Get(const std::string& key, Make make);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Entry {
    Make make;
    http::Response answer;
    bool has_answer = false;
    bool is_asked = false;  // in the queue, or being made
    uint64_t made = 0;      // how often
    SteadyTime made_at{};
    std::chrono::steady_clock::duration took{};
    SteadyTime last_asked{};
  };

  void Run();
  void ForgetOldest();

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::map<std::string, Entry> entries_;
  std::deque<std::string> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace wfe::site
