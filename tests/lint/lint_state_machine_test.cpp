// The linter and the state machine were written apart; here each judges the other.  Random runs of the machine must
// lint clean, and what the machine keeps as state must be the fold the linter expects.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/id_source.h"
#include "engine/lint/lint.h"
#include "tests/history/execution.h"

namespace wfe::lint {
namespace {

using namespace std::chrono_literals;

/// Does something possible, most of the time.
class RandomRun {
 public:
  explicit RandomRun(uint64_t seed) : random_(seed) { EXPECT_TRUE(execution_.Start()); }

  const history::Execution& execution() const { return execution_; }
  const std::vector<RecordedCommands>& commands() const { return commands_; }

  void Step() {
    execution_.now += std::chrono::milliseconds(Pick(500));
    switch (Pick(10)) {
      case 0:
      case 1:
        execution_.StartTask("poll-" + std::to_string(random_.NextRandom()));
        break;
      case 2:
      case 3:
        Complete();
        break;
      case 4:
        execution_.Do(execution_.TaskFailure());
        break;
      case 5:
        execution_.Do(history::SignalReceived{.signal_name = "go", .request_id = std::to_string(random_.NextRandom())});
        break;
      case 6:
      case 7:
        Activity();
        break;
      default:
        if (history::NextDeadline(execution_.state())) execution_.TickNext();
        break;
    }
  }

 private:
  uint64_t Pick(uint64_t bound) { return random_.NextRandom() % bound; }

  void Activity() {
    const auto& activities = execution_.state().activities();
    if (activities.empty()) return;
    const EventId id = std::next(activities.begin(), static_cast<ptrdiff_t>(Pick(activities.size())))->first;
    execution_.StartActivity(id);
    const history::ActivityRef ref = execution_.Activity(id);
    switch (Pick(4)) {
      case 0:
        execution_.Do(history::ActivityTaskFailed{.activity = ref, .identity = "worker"});
        break;
      case 1:
        execution_.Do(history::ActivityTaskCanceled{.activity = ref, .identity = "worker"});
        break;
      default:
        execution_.Do(
            history::ActivityTaskCompleted{.activity = ref, .result = history::Text("ok"), .identity = "worker"});
        break;
    }
  }

  temporal::api::command::v1::Command Command() {
    const history::MutableState& state = execution_.state();
    switch (Pick(6)) {
      case 0:
        return history::Timer("t" + std::to_string(next_id_++), std::chrono::seconds(Pick(20)));
      case 1:
        if (!state.timers().empty()) {
          return history::CancelTimer(state.timers().begin()->second.started.timer_id());
        }
        return history::Marker("m");
      case 2:
        if (!state.activities().empty()) return history::CancelActivity(state.activities().begin()->first);
        return history::Marker("m");
      default:
        return history::Schedule("a" + std::to_string(next_id_++), std::chrono::seconds(1 + Pick(20)));
    }
  }

  void Complete() {
    history::WorkflowTaskCompleted completed = execution_.Completion();
    for (uint64_t i = Pick(4); i > 0; --i) *completed.request.add_commands() = Command();
    if (Pick(15) == 0) *completed.request.add_commands() = history::Complete();
    const size_t before = execution_.history().size();
    if (!execution_.Do(completed)) return;
    for (size_t i = before; i < execution_.history().size(); ++i) {
      if (!execution_.history()[i].has_workflow_task_completed_event_attributes()) continue;
      RecordedCommands recorded{.workflow_task_completed_event_id = execution_.history()[i].event_id(), .types = {}};
      for (const auto& command : completed.request.commands()) recorded.types.push_back(command.command_type());
      commands_.push_back(std::move(recorded));
    }
  }

  SeededIdSource random_;
  history::Execution execution_;
  std::vector<RecordedCommands> commands_;
  int next_id_ = 1;
};

TEST(StateMachineRuns, LintCleanWhateverHappensToThem) {
  size_t events = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    RandomRun run(seed);
    for (int step = 0; step < 100; ++step) run.Step();
    LintOptions options;
    options.commands = run.commands();  // H10
    const auto findings = LintHistory(run.execution().history(), options);
    ASSERT_THAT(findings, testing::IsEmpty()) << "seed " << seed << "\n" << Describe(findings);
    events += run.execution().history().size();
  }
  EXPECT_GE(events, 3000u) << "the runs are too short to say much";
}

}  // namespace
}  // namespace wfe::lint
