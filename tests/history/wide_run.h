// A run with many things pending, for counting what one more costs.  Nothing is checked on the way, so that a test
// counts the engine and not itself.
#pragma once

#include "tests/history/execution.h"

namespace wfe::history {

class WideRun {
 public:
  /// Carries out `commands` with its first workflow task.
  explicit WideRun(const std::vector<temporal::api::command::v1::Command>& commands);

  /// CHECKs that the input is not refused.
  Transition Do(const Input& input);
  void TakeTask();

  Instant now{std::chrono::seconds(1'700'000'000)};
  Limits limits;
  MutableState state;
  Transition made;  ///< All that the constructor did, but for its state.

 private:
  Transition Keep(Result<Transition> result);
};

/// The first scheduled event of a run that schedules nothing but activities.
inline constexpr EventId kFirstScheduled = 5;

std::vector<temporal::api::command::v1::Command> ManyActivities(int count);
std::vector<temporal::api::command::v1::Command> ManyTimers(int count, Duration duration);

}  // namespace wfe::history
