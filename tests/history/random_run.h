// Random inputs from a seed, all that can happen to a run.
#pragma once

#include "engine/base/id_source.h"
#include "tests/history/execution.h"

namespace wfe::history {

class RandomRun {
 public:
  explicit RandomRun(uint64_t seed);

  bool open() const { return execution_.state().IsOpen(); }
  const Execution& execution() const { return execution_; }
  /// Does something possible, most of the time.  True when a transition followed that must survive a crash.
  bool Step();

 private:
  void Move();
  uint64_t Pick(uint64_t n) { return random_.NextRandom() % n; }
  bool Chance(uint64_t one_in) { return Pick(one_in) == 0; }

  void Signal();
  EventId AnyActivity();
  void AnswerActivity();
  void AnswerObligation();
  temporal::api::command::v1::Command AnyCommand();
  temporal::api::command::v1::Command AnyClose();
  void CompleteTask();
  void Rare();

  SeededIdSource random_;
  Execution execution_;
  int next_id_ = 1;
};

}  // namespace wfe::history
