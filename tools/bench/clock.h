// How long something took.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>

namespace wfe::bench {

using Clock = std::chrono::steady_clock;

inline double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Since 1970.
inline double Milliseconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) * 1e3 + static_cast<double>(time.nanos()) / 1e6;
}

}  // namespace wfe::bench
