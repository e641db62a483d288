// How long a step waits for a model that does not answer, and when it asks again (AB-6, RW-D4).  Pure: the clock and the
// chance are given.
#pragma once

#include <string>

#include "activities/agent/backends/model_backend.h"
#include "engine/base/time.h"

namespace wfe::agent {

/// Since when a model has not answered, kept in the step's journal.
struct Unavailability {
  Instant since{};
  int failures = 0;  ///< In a row; 0: it answers.
};

struct NextTry {
  bool give_up = false;
  Duration delay{};     ///< Until the next try; not for give_up.
  std::string message;  ///< For people; says how long it has been when the step gives up.
};

/// What follows from one more failure (`unavailable.failures` counts it).  The server's own delay is kept; a day's
/// quota waits for its reset; else the waits grow to 5 minutes.  `chance` in [0, 1) spreads the tries of many steps.
/// Given up once `patience` is over, and at once where the server names a moment beyond it.
NextTry DecideNextTry(const ModelError& error, const Unavailability& unavailable, Instant now, Duration patience,
                      double chance);

/// The next midnight in Pacific time, when daily quotas are reset.
Instant NextQuotaReset(Instant now);

/// "24 h", "90 min", "15 s".
std::string PlainDuration(Duration duration);

}  // namespace wfe::agent
