// Between wfe's times and protobuf's.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>

#include "engine/base/time.h"

namespace wfe {

/// The longest duration the engine keeps; longer ones are cut to it, so that instants never overflow.
inline constexpr Duration kLongestDuration = std::chrono::hours(24 * 365 * 100);

inline google::protobuf::Timestamp ToProto(Instant instant) {
  const auto since_epoch = instant.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  google::protobuf::Timestamp result;
  result.set_seconds(seconds.count());
  result.set_nanos(static_cast<int32_t>((since_epoch - seconds).count()));
  return result;
}

inline Instant FromProto(const google::protobuf::Timestamp& timestamp) {
  return Instant(std::chrono::seconds(timestamp.seconds()) + std::chrono::nanoseconds(timestamp.nanos()));
}

inline google::protobuf::Duration ToProto(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  google::protobuf::Duration result;
  result.set_seconds(seconds.count());
  result.set_nanos(static_cast<int32_t>((duration - seconds).count()));
  return result;
}

/// Cut to kLongestDuration at either side.
inline Duration FromProto(const google::protobuf::Duration& duration) {
  constexpr int64_t kLongestSeconds = std::chrono::duration_cast<std::chrono::seconds>(kLongestDuration).count();
  const int64_t seconds = std::clamp(duration.seconds(), -kLongestSeconds, kLongestSeconds);
  const Duration whole = std::chrono::seconds(seconds);
  return std::clamp(whole + std::chrono::nanoseconds(duration.nanos()), -kLongestDuration, kLongestDuration);
}

}  // namespace wfe
