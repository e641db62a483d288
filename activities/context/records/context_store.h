// Hook events, recommended sets and their experiments, in the records service (RC-10, CE-5, XB-5).
//   table                   key                    value
//   "hook_events"           "<day>/<step>"         StepHooks
//   "agent_tool_calls"      "<day>/<step>"         StepToolCalls
//   "mutable_context_sets"  SubjectOf              ContextSets: the versions of one category's set, and which is in use
// An experiment on a set is one of activities/learning/experiments with the subject "context:<SubjectOf>".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "activities/agent/step/hook_events.h"
#include "activities/agent/step/tool_calls.h"
#include "activities/learning/records/experiment_store.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/row_store.h"

namespace wfe::context {

inline constexpr std::string_view kContextSetsTable = "mutable_context_sets";

/// One version of a recommended set.
struct ContextSet {
  std::string version;  ///< "1", "2" …
  std::vector<std::string> paths;
  std::string made_at;
  int64_t tokens = 0;                      ///< Of the files together, when it was made.
  std::optional<double> expected_percent;  ///< Efficiency on the steps that it was made from.
};
WFE_RECORD(ContextSet, version, paths, made_at, tokens, expected_percent);

struct ContextSets {
  std::string category;
  std::string project;
  std::string active;  ///< The version that is given; empty: none.
  std::vector<ContextSet> versions;

  const ContextSet* Find(const std::string& version) const;
};
WFE_RECORD(ContextSets, category, project, active, versions);

/// Names a category in a project in keys: 24 hexadecimal digits.
std::string SubjectOf(const std::string& category, const std::string& project);

/// The steps of the days [from, to]; a row that cannot be read is one of `problems`.
Result<std::vector<agent::StepHooks>> ReadHooks(RowStore& rows, Instant from, Instant to,
                                                std::vector<std::string>& problems);
Status WriteHooks(RowStore& rows, const std::string& key, const agent::StepHooks& hooks);
/// The same of the calls in agents' transcripts.
Result<std::vector<agent::StepToolCalls>> ReadToolCalls(RowStore& rows, Instant from, Instant to,
                                                        std::vector<std::string>& problems);
Status WriteToolCalls(RowStore& rows, const std::string& key, const agent::StepToolCalls& calls);

/// Calls block; callable from any thread.
class ContextSetStore {
 public:
  explicit ContextSetStore(RowStore& rows) : rows_(rows) {}

  /// An empty one when nothing was ever made.
  Result<ContextSets> Get(const std::string& category, const std::string& project);
  /// Keeps the set as a new version, unless the last version has the same files; gives its version.
  Result<std::string> Add(const std::string& category, const std::string& project, ContextSet set);
  /// Which version is given from now on; empty: none.  NOT_FOUND: there is no such version.
  Status Use(const std::string& category, const std::string& project, const std::string& version);

 private:
  Status Change(const std::string& category, const std::string& project,
                const std::function<Status(ContextSets&)>& change);
  RowStore& rows_;
};

/// What a worker is configured with.
struct GivePolicy {
  std::string give{agent::kGiveNone};
  int64_t max_tokens = 100'000;
};

/// The experiment that runs on a category, if any.  A function, so that tests need no service.
using RunningOn = std::function<Result<std::optional<learning::Experiment>>(const std::string& subject)>;
using AssignRun =
    std::function<Result<learning::Assignment>(const learning::Experiment& experiment, const std::string& run_id)>;

/// The files of a step: while an experiment runs on its category those of the run's arm, else what the policy says.
/// The control arm has what would be given without the experiment; where a set is in use, its files.
Result<agent::FileChoice> ChooseFiles(RowStore& rows, const GivePolicy& policy, const agent::FileAsk& ask,
                                      const RunningOn& running_on, const AssignRun& assign);

/// The subject of a category's experiments.
std::string ExperimentSubject(const std::string& category, const std::string& project);

/// A set against what is given without it (XB-5): tokens of a run's steps (fewer are better) and their success.
learning::Experiment ExperimentOnSet(const ContextSets& sets, const std::string& version, double share,
                                     int64_t min_samples, Instant now);

/// What each run gave: sums over the steps of the experiment.
std::vector<learning::Observation> ObservationsOf(const learning::Experiment& experiment,
                                                  const std::vector<agent::StepHooks>& steps);

}  // namespace wfe::context
