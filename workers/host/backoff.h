// How long to wait before trying again, and after which errors.
#pragma once

#include "engine/base/id_source.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::worker {

/// Doubles from `initial` to `maximum`; each delay is drawn from its upper half, so that many workers that lost the
/// same server do not come back in step.
class Backoff {
 public:
  Backoff(Duration initial, Duration maximum) : initial_(initial), maximum_(maximum), current_(initial) {}

  Duration Next(IdSource& ids);
  void Reset() { current_ = initial_; }

 private:
  Duration initial_;
  Duration maximum_;
  Duration current_;
};

/// The same call may succeed later: the server restarts, is overloaded, or the answer was lost.
bool IsTransient(StatusCode code);
/// RESOURCE_EXHAUSTED because the message itself is too large: it will never be accepted.  Servers say it by this text.
bool IsTooLarge(const Error& error);

}  // namespace wfe::worker
