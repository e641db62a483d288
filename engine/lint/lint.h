// Judges histories: the invariants H1 to H44 of docs/reference/reliability.md that can be decided from one history, from
// one stored run, or from the runs of one workflow id.  Independent of the code that writes histories, so that it can
// disagree with it.  Pure functions, callable from any thread; they never stop the process, whatever they are given.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/history/limits.h"
#include "engine/history/rebuild.h"
#include "temporal/api/enums/v1/command_type.pb.h"
#include "temporal/api/history/v1/message.pb.h"
#include "wfe/engine/v1/obligation.pb.h"
#include "wfe/engine/v1/schedule.pb.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::lint {

using HistoryEvent = temporal::api::history::v1::HistoryEvent;

/// One broken rule.
struct Finding {
  std::string rule;      ///< "H8".
  EventId event_id = 0;  ///< Where; 0 when it is about the run as a whole.
  std::string message;   ///< What was expected and what is there.

  /// "H8 at event 5: …".
  std::string ToString() const;
};

/// All findings, one a line; empty for none.
std::string Describe(const std::vector<Finding>& findings);

/// The commands of one workflow task as the worker sent them (H10).
struct RecordedCommands {
  EventId workflow_task_completed_event_id = 0;
  std::vector<temporal::api::enums::v1::CommandType> types;
};

struct LintOptions {
  /// The history was written by another server of Temporal's API.  Such a server gives an event that arrived while a
  /// workflow task was out its time of arrival, keeps timer times to the millisecond, may write ActivityTaskStarted
  /// before the activity closes, and may change a deadline without an event; the linter then allows for that.
  bool foreign = false;
  /// First event ids of the commit batches, ascending (H9: a command's event is in its completion's batch).
  /// Empty: not known.
  std::vector<EventId> batch_starts;
  /// What the worker commanded, where that was recorded (H10).
  std::vector<RecordedCommands> commands;
};

/// The file rules: H1, H2, H7-H20, H22-H27, H39, H40.  `events` is one run's history from its first event.
std::vector<Finding> LintHistory(const std::vector<HistoryEvent>& events, const LintOptions& options = {});

/// One run as the store has it.
struct StoredRun {
  /// Events as they are stored: a serialized temporal.api.history.v1.History.
  struct Batch {
    EventId first_event_id = 0;
    int32_t count = 0;
    std::string bytes;
    std::string notes;  ///< What the transition changed beside its events, as it is stored; empty: not kept.
  };

  ExecutionKey key;
  std::vector<Batch> batches;
  /// The same of transitions without events, as far as they are kept.
  std::vector<std::string> journal;
  engine::v1::MutableState state;
  std::optional<engine::v1::VisibilityRecord> visibility;
  std::optional<engine::v1::CurrentRun> current_run;
  /// The de-duplication rows of the run (H22); nullopt: not known.
  std::optional<std::vector<std::string>> request_ids;
  /// The run's place in the timer index (H21, H28).  Outer nullopt: not known; inner nullopt: it has none.
  std::optional<std::optional<Instant>> timer_index;
  /// Tasks of this run that wait in task queues (H28); nullopt: not known.
  std::optional<int64_t> queued_tasks;
};

/// Rebuilds the folded part of a state from events (wfe::history::Fold).
using FoldFunction = std::function<engine::v1::Folded(const ExecutionKey&, const std::vector<HistoryEvent>&)>;

/// Rebuilds the whole state of a run from its transitions (wfe::history::Rebuild); nullopt: they do not reach back to its
/// first event.
using RebuildFunction = std::function<Result<std::optional<engine::v1::MutableState>>(
    const ExecutionKey&, const std::vector<history::StoredStep>&, int64_t last)>;

struct StoreLintOptions {
  history::Limits limits;
  /// H5 is checked when given, over what is a fold of the events and over the bookkeeping.  Called only with histories
  /// that broke no file rule.
  FoldFunction fold;
  RebuildFunction rebuild;
  std::vector<RecordedCommands> commands;
};

/// The store rules H3-H6, H21, H22's rows and H28, and the file rules over the decoded events.
std::vector<Finding> LintStored(const StoredRun& run, const StoreLintOptions& options);

/// One of several runs that may follow each other.
struct RunHistory {
  ExecutionKey key;
  std::vector<HistoryEvent> events;
  /// That wait behind a workflow task, where that is known.
  std::vector<HistoryEvent> buffered = {};
};

/// H29 (a run that another one continues points back and carries its input), H32 (one open run per workflow id), H41
/// (a parent and its children tell the same) and H42 (requests between workflows arrive once).  `complete`: every run of
/// these workflow ids, and of their children's, is here, so a successor or a child that is missing is a finding.
std::vector<Finding> LintAcrossRuns(const std::vector<RunHistory>& runs, bool complete = true);

/// What the rules over several runs need of one: all of it, or, of a run that no rule connects with another, its first
/// and its last event.  Keeps a store of a million runs in memory while they are judged.
RunHistory ForRulesAcrossRuns(RunHistory run);

/// H37: every time of a schedule that came up went exactly one way, and what it says it started is there, once.
/// `runs`: every run of its namespace.
std::vector<Finding> LintSchedule(const engine::v1::ScheduleRow& row, const std::vector<RunHistory>& runs);

/// What one run owes to another, as the store has it.
struct OwedObligation {
  ExecutionKey owner;
  engine::v1::Obligation obligation;
};

/// H43 (nothing owed is lost) and H44 (nothing is paid twice).  `runs`: every run of the store.
std::vector<Finding> LintObligations(const std::vector<RunHistory>& runs, const std::vector<OwedObligation>& owed);

/// A rule's id and what it says, for listings.
struct RuleInfo {
  std::string_view id;
  std::string_view title;
};
std::vector<RuleInfo> Rules();

}  // namespace wfe::lint
