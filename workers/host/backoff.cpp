#include "workers/host/backoff.h"

#include <algorithm>

namespace wfe::worker {

Duration Backoff::Next(IdSource& ids) {
  const Duration delay = current_;
  current_ = std::min(current_ * 2, maximum_);
  const auto half = static_cast<uint64_t>(delay.count() / 2);
  return Duration(static_cast<int64_t>(half + ids.NextRandom() % (half + 1)));
}

bool IsTransient(StatusCode code) {
  switch (code) {
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kResourceExhausted:
    case StatusCode::kAborted:
    case StatusCode::kCancelled:
    case StatusCode::kUnknown:
    case StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

bool IsTooLarge(const Error& error) {
  return error.code == StatusCode::kResourceExhausted && error.message.find("larger than max") != std::string::npos;
}

}  // namespace wfe::worker
