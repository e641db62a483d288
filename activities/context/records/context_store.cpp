#include "activities/context/records/context_store.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "activities/learning/records/rows.h"
#include "engine/base/hash.h"

namespace wfe::context {
namespace {

using agent::StepHooks;
using agent::StepToolCalls;

constexpr int kPutTries = 5;
/// Days that are read one by one; a longer time is one scan of the whole table.
constexpr int64_t kDaysOneByOne = 62;

/// The rows of a table whose keys begin with a day, of the days [from, to].
template <class Row>
Result<std::vector<Row>> ReadDays(RowStore& rows, std::string_view table_name, Instant from, Instant to,
                                  std::vector<std::string>& problems) {
  using std::chrono::days;
  std::vector<Row> steps;
  const std::string table(table_name);
  const std::string first = FormatIso8601Millis(from).substr(0, 10);
  const std::string last = FormatIso8601Millis(to).substr(0, 10);
  const auto take = [&](const std::string& key, const std::string& value) {
    const std::string day = key.substr(0, 10);
    if (day < first || day > last) return;
    Result<Row> step = learning::ReadRow<Row>(table, key, value);
    if (step) {
      steps.push_back(*std::move(step));
    } else {
      problems.push_back(step.error().message);
    }
  };
  const int64_t whole_days = std::chrono::floor<days>(to - from).count();
  if (whole_days > kDaysOneByOne) {
    WFE_RETURN_IF_ERROR(rows.ScanRows(table, "", take));
    return steps;
  }
  for (Instant day = std::chrono::floor<days>(from); day <= to; day += days(1)) {
    WFE_RETURN_IF_ERROR(rows.ScanRows(table, FormatIso8601Millis(day).substr(0, 10) + "/", take));
  }
  return steps;
}

}  // namespace

const ContextSet* ContextSets::Find(const std::string& version) const {
  const auto found = std::ranges::find(versions, version, &ContextSet::version);
  return found == versions.end() ? nullptr : &*found;
}

std::string SubjectOf(const std::string& category, const std::string& project) {
  return ToHex(Sha256({category, std::string("\n"), project})).substr(0, 24);
}

std::string ExperimentSubject(const std::string& category, const std::string& project) {
  return "context:" + SubjectOf(category, project);
}

Result<std::vector<StepHooks>> ReadHooks(RowStore& rows, Instant from, Instant to, std::vector<std::string>& problems) {
  return ReadDays<StepHooks>(rows, agent::kHookEventsTable, from, to, problems);
}

Result<std::vector<StepToolCalls>> ReadToolCalls(RowStore& rows, Instant from, Instant to,
                                                 std::vector<std::string>& problems) {
  return ReadDays<StepToolCalls>(rows, agent::kAgentToolCallsTable, from, to, problems);
}

Status WriteHooks(RowStore& rows, const std::string& key, const StepHooks& hooks) {
  WFE_RETURN_IF_ERROR(rows.AppendRow(std::string(agent::kHookEventsTable), key, learning::RowText(hooks)));
  return Ok();
}

Status WriteToolCalls(RowStore& rows, const std::string& key, const StepToolCalls& calls) {
  WFE_RETURN_IF_ERROR(rows.AppendRow(std::string(agent::kAgentToolCallsTable), key, learning::RowText(calls)));
  return Ok();
}

Result<ContextSets> ContextSetStore::Get(const std::string& category, const std::string& project) {
  const std::string table(kContextSetsTable);
  const std::string key = SubjectOf(category, project);
  WFE_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows_.GetRow(table, key));
  if (!row) return ContextSets{.category = category, .project = project, .active = {}, .versions = {}};
  return learning::ReadRow<ContextSets>(table, key, *row);
}

Status ContextSetStore::Change(const std::string& category, const std::string& project,
                               const std::function<Status(ContextSets&)>& change) {
  const std::string table(kContextSetsTable);
  const std::string key = SubjectOf(category, project);
  Status last = Ok();
  for (int i = 0; i < kPutTries; ++i) {
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> seen, rows_.GetRow(table, key));
    ContextSets sets{.category = category, .project = project, .active = {}, .versions = {}};
    if (seen) {
      WFE_ASSIGN_OR_RETURN(sets, learning::ReadRow<ContextSets>(table, key, *seen));
    }
    WFE_RETURN_IF_ERROR(change(sets));
    last = rows_.PutRow(table, key, learning::RowText(sets), seen);
    if (last || last.error().code != StatusCode::kAborted) return last;
  }
  return last;
}

Result<std::string> ContextSetStore::Add(const std::string& category, const std::string& project, ContextSet set) {
  std::string version;
  WFE_RETURN_IF_ERROR(Change(category, project, [&](ContextSets& sets) -> Status {
    if (!sets.versions.empty() && sets.versions.back().paths == set.paths) {
      version = sets.versions.back().version;
      return Ok();
    }
    version = std::to_string(sets.versions.size() + 1);
    set.version = version;
    sets.versions.push_back(set);
    return Ok();
  }));
  return version;
}

Status ContextSetStore::Use(const std::string& category, const std::string& project, const std::string& version) {
  return Change(category, project, [&](ContextSets& sets) -> Status {
    if (!version.empty() && sets.Find(version) == nullptr) {
      return NotFound("there is no version " + version + " of the set of " + category);
    }
    sets.active = version;
    return Ok();
  });
}

namespace {

/// What is given where no experiment has a say.
agent::FileChoice UsualChoice(const ContextSets& sets, const GivePolicy& policy) {
  agent::FileChoice choice{.policy = policy.give, .max_tokens = policy.max_tokens};
  if (policy.give != agent::kGiveRecommended) return choice;
  const ContextSet* const active = sets.Find(sets.active);
  if (active == nullptr) {
    choice.policy = agent::kGiveNone;
    return choice;
  }
  choice.paths = active->paths;
  choice.set_version = active->version;
  return choice;
}

}  // namespace

Result<agent::FileChoice> ChooseFiles(RowStore& rows, const GivePolicy& policy, const agent::FileAsk& ask,
                                      const RunningOn& running_on, const AssignRun& assign) {
  WFE_ASSIGN_OR_RETURN(const ContextSets sets, ContextSetStore(rows).Get(ask.category, ask.project));
  agent::FileChoice choice = UsualChoice(sets, policy);
  // Without a set there is nothing to try, and most categories have none.
  if (sets.versions.empty()) return choice;
  WFE_ASSIGN_OR_RETURN(const std::optional<learning::Experiment> experiment,
                       running_on(ExperimentSubject(ask.category, ask.project)));
  if (!experiment) return choice;
  WFE_ASSIGN_OR_RETURN(const learning::Assignment drawn, assign(*experiment, ask.run_id));
  choice.experiment_arm = drawn.experiment_id + "/" + drawn.arm;
  if (drawn.arm != learning::kVariantArm) return choice;
  if (const ContextSet* const tried = sets.Find(drawn.value)) {
    choice.policy = agent::kGiveRecommended;
    choice.paths = tried->paths;
    choice.set_version = tried->version;
  }
  return choice;
}

learning::Experiment ExperimentOnSet(const ContextSets& sets, const std::string& version, double share,
                                     int64_t min_samples, Instant now) {
  learning::Experiment experiment;
  experiment.started_at = FormatIso8601Millis(now);
  experiment.subject = ExperimentSubject(sets.category, sets.project);
  experiment.experiment_id =
      "context-" + SubjectOf(sets.category, sets.project) + "-" + version + "-" +
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  experiment.control = sets.active.empty() ? "usual" : sets.active;
  experiment.variant = version;
  experiment.metrics = {{.name = "tokens", .kind = std::string(learning::kMeanMetric), .higher_is_better = false},
                        {.name = "success",
                         .kind = std::string(learning::kShareMetric),
                         .higher_is_better = true,
                         .tolerated_loss = 0.05}};
  experiment.variant_share = share;
  experiment.min_samples = min_samples;
  experiment.max_hours = 24 * 28;
  experiment.author = "wfe context";
  experiment.reason = "the recommended files of " + sets.category;
  return experiment;
}

std::vector<learning::Observation> ObservationsOf(const learning::Experiment& experiment,
                                                  const std::vector<StepHooks>& steps) {
  std::map<std::string, learning::Observation> runs;
  std::set<std::string> seen;
  for (const StepHooks& step : steps) {
    const std::string prefix = experiment.experiment_id + "/";
    if (!step.experiment_arm.starts_with(prefix) || !seen.insert(step.id).second) continue;
    learning::Observation& run = runs[step.run_id];
    run.run_id = step.run_id;
    run.arm = step.experiment_arm.substr(prefix.size());
    run.error = run.error || !step.success;
    run.metrics["tokens"] += static_cast<double>(step.tokens);
    run.metrics["success"] = run.error ? 0.0 : 1.0;
  }
  std::vector<learning::Observation> observations;
  for (auto& [id, run] : runs) observations.push_back(std::move(run));
  return observations;
}

}  // namespace wfe::context
