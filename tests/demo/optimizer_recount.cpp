#include "tests/demo/optimizer_recount.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "activities/analytics/reports/format.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/optimizer/steps/session_steps.h"
#include "activities/statistics/statistics.h"
#include "tools/demo/optimizer_demo.h"
#include "workers/core/payload_codec.h"

namespace wfe::demo {
namespace {

using analytics::reports::FormatInstant;
using delivery::RunOutcome;
using optimizer::SessionCandidate;
using optimizer::GraphChange;
using optimizer::NodeRun;
using optimizer::SessionEvent;
using std::chrono::minutes;
using std::chrono::seconds;

std::string VersionName(int version) { return fmt::format("{}_v{}", kDemoWorkflow, version); }
Instant At(const std::string& iso) { return *ParseIso8601(iso); }
std::string Minute(Instant time) {
  const std::string iso = FormatIso8601Millis(time);
  return iso.substr(0, 10) + " " + iso.substr(11, 5);
}

/// The trials of each variant, as the session's history has them.
std::vector<std::vector<delivery::TrialPair>> TrialsOf(OptimizerWorld& world) {
  std::vector<std::vector<delivery::TrialPair>> trials;
  const auto history = world.History(workflows::SessionWorkflowId(std::string(kDemoWorkflow)), "");
  if (!history) return trials;
  for (const auto& event : history->events()) {
    if (!event.has_activity_task_scheduled_event_attributes()) continue;
    const auto& scheduled = event.activity_task_scheduled_event_attributes();
    if (scheduled.activity_type().name() != optimizer::kDryRunVariant.name) continue;
    trials.push_back(core::DecodePayloads(scheduled.input())->get<optimizer::DryRunVariantInput>().trials);
  }
  return trials;
}

stats::Sample Durations(const std::vector<RunOutcome>& runs) {
  std::vector<double> values;
  for (const RunOutcome& run : runs) values.push_back(run.duration_ms);
  return stats::Describe(values);
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double WelchHigher(const stats::Sample& before, const stats::Sample& now) {
  const auto test = stats::CompareMeans(before, now, stats::kConfidence, stats::Tail::kHigher);
  return test ? test->p_value : 1;
}

}  // namespace

OptimizerRecount::OptimizerRecount(OptimizerWorld& world, std::vector<Row> rows)
    : world_(world), rows_(std::move(rows)), session_(world.Session(std::string(kDemoSession))), trials_(TrialsOf(world)) {
  const auto told = delivery::MonitorLog(world.records()).Events(std::string(kDemoWorkflow));
  if (told) told_ = *told;
  CountProfiled();
}

void OptimizerRecount::CountProfiled() {
  const Instant profiled_at = At(session_.events.front().at);
  for (const Row& row : rows_) {
    if (EndOf(row) < profiled_at) profiled_.push_back(&row);
  }
  const auto n = static_cast<size_t>(session_.header.options.executions);
  if (profiled_.size() > n) profiled_.erase(profiled_.begin(), profiled_.end() - static_cast<long>(n));
  const auto of_one = 1.0 / static_cast<double>(profiled_.size());
  std::map<std::string, double> runs;
  for (const Row* row : profiled_) {
    seconds_ += of_one * static_cast<double>(row->duration_ms) / 1000;
    cost_ += of_one * row->cost_usd;
    steps_.push_back(row->nodes.get<std::vector<NodeRun>>());
    for (const NodeRun& step : steps_.back()) {
      Node& node = nodes_[step.node];
      node.seconds += of_one * static_cast<double>(step.duration_ms) / 1000;
      node.cost += of_one * step.cost_usd;
      node.input_tokens += static_cast<double>(step.input_tokens);
      node.output_tokens += static_cast<double>(step.output_tokens);
    }
  }
}

std::vector<std::string> OptimizerRecount::Sentences(const std::vector<Said>& said) {
  Story(said);
  Service();
  Profile();
  Suggestions();
  Experiment();
  Rollout();
  Monitoring();
  return sentences_;
}

/// Lines that were said while it ran: each at the time at which the records have what it tells.
void OptimizerRecount::Story(const std::vector<Said>& said) {
  ASSERT_EQ(said.size(), 6U);
  const auto of_kind = [&](std::string_view kind) {
    const auto found = std::ranges::find(session_.events, kind, &SessionEvent::kind);
    return found == session_.events.end() ? Instant() : At(found->at);
  };
  // The demo looks every ten minutes while the session works.
  const Instant began = At(session_.header.started_at);
  const auto seen = [&](Instant time) { return began + minutes(10) * (1 + (time - began - Duration(1)) / minutes(10)); };
  const Instant first = std::ranges::min(rows_, {}, &Row::started_at).started_at.empty()
                            ? Instant()
                            : StartOf(std::ranges::min(rows_, {}, &Row::started_at));
  const auto approved = std::ranges::count(session_.state.candidates, "approved", &SessionCandidate::decision);
  Tell(Minute(first) + " half an hour of runs of " + VersionName(0));
  EXPECT_EQ(Minute(first + minutes(30)), Minute(began));
  Tell(fmt::format("{} a session profiles the last {} of them", Minute(began), profiled_.size()));
  Tell(fmt::format("{} {} suggestions are approved", Minute(of_kind(optimizer::kApproved)), approved));
  const Instant ended = seen(of_kind(optimizer::kEnded));
  Tell(Minute(ended) + " the session has ended: deployed, " + VersionName(1) + " is in service");
  Tell(Minute(ended) + " " + VersionName(2) + " is put in service by hand");
  Tell(fmt::format("{} {} is in service again: {}", Minute(At(said.back().at)), VersionName(1), RegressionSentence()));
  // Looked at every quarter of an hour.
  EXPECT_LT(At(said.back().at) - At(world_.Versions(std::string(kDemoWorkflow)).changed_at), minutes(16));
}

void OptimizerRecount::Service() {
  const std::string kWorkflow(kDemoWorkflow);
  Tell("since " + FormatInstant(session_.header.started_at) + ", by demo");
  Tell("deployed: " + VersionName(1) + " is in service");
  const auto back = std::ranges::find(told_, delivery::kAutomaticRollback, &delivery::MonitoringEvent::type);
  ASSERT_NE(back, told_.end());
  Tell(fmt::format("{} is in service since {} (rolled_back: {})", VersionName(1), FormatInstant(back->time),
                   RegressionSentence()));
}

void OptimizerRecount::Profile() {
  const auto well = std::ranges::count(profiled_, true, &Row::success);
  Tell("BEFORE " + VersionName(0));
  Tell(fmt::format("{} executions, {:.2f} s and ${:.4f} on average, {:.1f} % ended well", profiled_.size(), seconds_,
                   cost_, 100.0 * static_cast<double>(well) / static_cast<double>(profiled_.size())));
  for (const optimizer::Bottleneck& bottleneck : session_.state.profile->bottlenecks) Bottleneck(bottleneck);
}

void OptimizerRecount::Bottleneck(const optimizer::Bottleneck& bottleneck) {
  const std::string& tool = bottleneck.tool_id;
  if (bottleneck.type == optimizer::kDominantNode) {  // nothing runs beside another in the original
    Tell(fmt::format("runs wait for {} {:.1f} % of their time", bottleneck.node_id,
                     100 * nodes_[bottleneck.node_id].seconds / seconds_));
  } else if (bottleneck.type == optimizer::kExpensiveTool) {
    const double each = CostOf(tool) / static_cast<double>(Calls(tool));
    Tell(fmt::format("{} takes {:.1f} % of the workflow's cost, ${:.6f} a call", tool,
                     100 * CostOf(tool) / (cost_ * static_cast<double>(profiled_.size())), each));
  } else if (bottleneck.type == optimizer::kMissingCaching) {
    int64_t same = 0;
    const int64_t repeats = Repeats(tool, same);
    Tell(fmt::format("{} of {} calls of {} had an input that had been there before, and {} of these gave", repeats,
                     Calls(tool), tool, same));
  } else {
    ADD_FAILURE() << "no recount of " << bottleneck.type;
  }
}

int64_t OptimizerRecount::Calls(const std::string& tool) const {
  int64_t calls = 0;
  for (const auto& steps : steps_) calls += std::ranges::count(steps, tool, &NodeRun::ToolId);
  return calls;
}

double OptimizerRecount::CostOf(const std::string& tool) const {
  double cost = 0;
  for (const auto& steps : steps_) {
    for (const NodeRun& step : steps) cost += step.ToolId() == tool ? step.cost_usd : 0;
  }
  return cost;
}

int64_t OptimizerRecount::Repeats(const std::string& tool, int64_t& same) const {
  std::map<std::string, std::string> answers;
  int64_t repeats = 0;
  for (const auto& steps : steps_) {
    for (const NodeRun& step : steps) {
      if (step.ToolId() != tool) continue;
      const auto [known, is_new] = answers.emplace(step.input_sha256, step.output_sha256);
      if (is_new) continue;
      ++repeats;
      if (known->second == step.output_sha256) ++same;
    }
  }
  return repeats;
}

/// The changes of the demo meet different nodes, so what they save adds up.
OptimizerRecount::Saved OptimizerRecount::SavedBy(const std::vector<GraphChange>& changes) const {
  const optimizer::Catalog catalog = DemoCatalog();
  Saved saved;
  for (const GraphChange& change : changes) {
    if (change.type == optimizer::kCreateParallelNode) {
      double longest = 0;
      for (const std::string& id : change.nodes) {
        saved.seconds += nodes_.at(id).seconds;
        longest = std::max(longest, nodes_.at(id).seconds);
      }
      saved.seconds -= longest;
      continue;
    }
    const Node& node = nodes_.at(change.nodes.front());
    if (change.type == optimizer::kEnableCache) {
      // A hit takes 10 ms and saves nine tenths of the cost (ST-9).
      int64_t same = 0;
      const std::string tool = [&] {
        for (const NodeRun& step : steps_.front()) {
          if (step.node == change.nodes.front()) return step.ToolId();
        }
        return std::string();
      }();
      const double hits = static_cast<double>(Repeats(tool, same)) / static_cast<double>(Calls(tool));
      saved.cached_seconds += hits * (node.seconds - 0.01);
      saved.cached_cost += hits * 0.9 * node.cost;
    } else if (change.type == optimizer::kSubstituteTool) {
      const optimizer::ToolInfo* const other = catalog.Tool(change.tool);
      saved.seconds += node.seconds - *other->avg_duration;
      saved.cost += node.cost - *other->avg_cost;
    } else if (change.type == optimizer::kSubstituteModel) {
      const optimizer::ModelTier* const small = catalog.Model(change.model);
      const optimizer::ModelTier* const large = catalog.Model("large");
      const auto price = [&](const optimizer::ModelTier& model) {
        return model.input_usd_per_mtok * node.input_tokens + model.output_usd_per_mtok * node.output_tokens;
      };
      saved.seconds += node.seconds * (1 - small->relative_time / large->relative_time);
      saved.cost += node.cost * (1 - price(*small) / price(*large));
    } else {
      ADD_FAILURE() << "no recount of " << change.type;
    }
  }
  saved.seconds += saved.cached_seconds;
  saved.cost += saved.cached_cost;
  return saved;
}

void OptimizerRecount::Suggestions() {
  // How sure each strategy is (docs/optimizer.md); what a search puts together is as sure as its least sure change.
  const std::map<std::string_view, double> sure = {{optimizer::kEnableCache, 0.9},
                                                   {optimizer::kCreateParallelNode, 0.8},
                                                   {optimizer::kSubstituteTool, 0.7},
                                                   {optimizer::kSubstituteModel, 0.6}};
  // Approved together, the chosen ones were tried once more, as one version.
  ASSERT_EQ(trials_.size(), session_.state.candidates.size() + 1);
  for (size_t i = 0; i < session_.state.candidates.size(); ++i) {
    const optimizer::OptimizationSuggestion& suggestion = session_.state.candidates[i].suggestion;
    const Saved saved = SavedBy(suggestion.changes);
    double least = 1;
    for (const GraphChange& change : suggestion.changes) least = std::min(least, sure.at(change.type));
    Tell(fmt::format("{} {} {} {:+.0f}% {:+.0f}% {:.2f}", suggestion.suggestion_id, suggestion.strategy_type,
                     suggestion.risk_level, -100 * saved.seconds / seconds_, -100 * saved.cost / cost_, least));
    const std::string& first = suggestion.changes.front().type;
    if (suggestion.changes.size() > 1) {
      Tell(fmt::format("{} changes that hill_climbing put together", suggestion.changes.size()));
    } else if (first == optimizer::kEnableCache) {
      int64_t same = 0;
      Tell(fmt::format("Keep results of {}: {:.0f} % of its calls had been made", suggestion.target,
                       100.0 * static_cast<double>(Repeats(suggestion.target, same)) /
                           static_cast<double>(Calls(suggestion.target))));
    }
    Trials(i, saved);
  }
  Tell(fmt::format("{} more were looked at and refused", session_.state.refused.size()));
}

/// Each variant ran on recorded inputs, once for each, so no cache had an answer: what they save is taken from the
/// recorded calls.
void OptimizerRecount::Trials(size_t number, const Saved& saved) {
  double walk = 0;
  double spent = 0;
  for (const auto& [id, node] : nodes_) {
    walk += node.seconds;
    spent += node.cost;
  }
  const double uncached_walk = walk - (saved.seconds - saved.cached_seconds);
  const double uncached_cost = spent - (saved.cost - saved.cached_cost);
  double before = 0;
  double after = 0;
  double cost_before = 0;
  double cost_after = 0;
  for (const delivery::TrialPair& pair : trials_[number]) {
    before += pair.original.duration_ms;
    after += pair.variant.duration_ms * (1 - saved.cached_seconds / uncached_walk);
    cost_before += pair.original.cost_usd;
    cost_after += pair.variant.cost_usd * (1 - saved.cached_cost / uncached_cost);
  }
  const double less = 1 - cost_after / cost_before;
  Tell(fmt::format("dry run: {:.2f} times as fast, {:.1f} % of the cost saved; speedup {:.2f} and cost {:+.1f} %",
                   before / after, 100 * less, before / after, -100 * less));
}

void OptimizerRecount::Experiment() {
  const auto ended = std::ranges::find(session_.events, optimizer::kExperimentEnded, &SessionEvent::kind);
  ASSERT_NE(ended, session_.events.end());
  learning::RowProblems problems;
  const auto arms = learning::ExperimentStore(world_.records()).Assignments(session_.state.experiment_id, problems);
  ASSERT_TRUE(arms.has_value());
  const auto judged = session_.state.experiment_result.at("evaluated_at").get<std::string>();
  std::map<std::string, std::vector<const Row*>> runs;
  for (const Row& row : rows_) {
    const auto assigned = arms->find(row.workflow_run_id);
    if (assigned != arms->end() && EndOf(row) <= At(judged)) runs[assigned->second].push_back(&row);
  }
  const auto figures = [&](const std::string& arm, auto figure) {
    std::vector<double> values;
    for (const Row* row : runs[arm]) values.push_back(figure(*row));
    return stats::Describe(values);
  };
  const auto duration = [](const Row& row) { return static_cast<double>(row.duration_ms); };
  const auto cost = [](const Row& row) { return row.cost_usd; };
  const auto share = [&](const std::string& arm) {
    return stats::Share{.hits = std::ranges::count(runs[arm], true, &Row::success),
                        .n = static_cast<int64_t>(runs[arm].size())};
  };
  const std::string control = "control";
  const std::string variant = "variant";
  const std::vector<double> p = stats::HolmAdjust(
      std::vector<double>{stats::CompareMeans(figures(control, duration), figures(variant, duration))->p_value,
                          stats::CompareMeans(figures(control, cost), figures(variant, cost))->p_value,
                          stats::CompareShares(share(control), share(variant))->p_value});
  const auto line = [&](std::string_view name, double before, double after, double p_value) {
    Tell(fmt::format("{} {:.4g} {:.4g} {:.3g}", name, before, after, p_value));
  };
  line("duration_ms", figures(control, duration).mean, figures(variant, duration).mean, p[0]);
  line("cost_usd", figures(control, cost).mean, figures(variant, cost).mean, p[1]);
  line("success", share(control).rate(), share(variant).rate(), p[2]);
}

void OptimizerRecount::Rollout() {
  const auto rollout = delivery::RolloutLog(world_.records()).Get(session_.state.rollout_id);
  ASSERT_TRUE(rollout.has_value());
  const std::vector<double> shares = {0, 0.05, 0.1, 0.25, 0.5, 1};
  int stage = 0;
  Instant entered;
  for (const delivery::RolloutEvent& event : rollout->events) {
    if (event.kind == delivery::kStageEntered) {
      ++stage;
      entered = At(event.at);
    }
    std::string line = fmt::format("{} stage {} {:g} % {}", FormatInstant(event.at), stage,
                                   100 * shares.at(static_cast<size_t>(stage)), event.kind);
    if (event.kind == delivery::kStageEntered) {
      line += fmt::format(" stage {} of 5: {:g} % of new runs", stage, 100 * shares.at(static_cast<size_t>(stage)));
    } else if (event.kind == delivery::kStageCompleted || event.kind == delivery::kStageExtended) {
      // Runs that began in the stage, and have ended.
      const auto runs = std::ranges::count_if(rows_, [&](const Row& row) {
        return row.version_id == VersionName(1) && StartOf(row) >= entered && EndOf(row) <= At(event.at);
      });
      line += fmt::format(" {} of {} runs of the new version", runs, rollout->header.plan.min_samples);
    }
    Tell(line);
  }
}

Instant OptimizerRecount::RegressionBegan() const {
  // Put in service by hand between two runs: before the first of it and after the last of the one before.
  const auto first = std::ranges::find(rows_, VersionName(2), &Row::version_id);
  return first == rows_.end() ? Instant() : StartOf(*first);
}

std::vector<RunOutcome> OptimizerRecount::Ended(const std::string& version, Instant from, Instant to) const {
  std::vector<RunOutcome> ended;
  for (const Row& row : rows_) {
    if (row.version_id == version && EndOf(row) >= from && EndOf(row) <= to) ended.push_back(OutcomeOf(row));
  }
  return ended;
}

std::string OptimizerRecount::RegressionSentence() const {
  const stats::Sample before = Durations(Ended(VersionName(1), Instant(), RegressionBegan()));
  // The first look is at fifty runs.
  std::vector<RunOutcome> runs = Ended(VersionName(2), Instant(), world_.Now());
  std::ranges::sort(runs, {}, &RunOutcome::ended);
  runs.resize(std::min<size_t>(runs.size(), 50));
  const stats::Sample after = Durations(runs);
  return fmt::format("regression: mean duration is {:.1f} % higher ({:.6g}, was {:.6g}, p = {:.2g})",
                     100 * (after.mean / before.mean - 1), after.mean, before.mean, WelchHigher(before, after));
}

void OptimizerRecount::Monitoring() {
  const std::vector<RunOutcome> before = Ended(VersionName(1), Instant(), RegressionBegan());
  for (const delivery::MonitoringEvent& event : told_) {
    const std::string line = fmt::format("{} {} {} {} {}: ", FormatInstant(event.time), event.severity, event.type,
                                         event.state, VersionName(2));
    const Instant now = At(event.time);
    const std::vector<RunOutcome> window = Ended(VersionName(2), now - seconds(3600), now);
    if (event.state == delivery::kEventCleared) {
      Tell(line + VersionName(1) + " is in service now");
    } else if (event.type == delivery::kAutomaticRollback) {
      Tell(line + "back to " + VersionName(1) + ": " + RegressionSentence());
    } else if (event.type == delivery::kPerformanceRegression) {
      const stats::Sample was = Durations(before);
      const stats::Sample is = Durations(window);
      Tell(line + fmt::format("mean duration {:.6g} ms in {} runs, {:+.1f} % of {:.6g} ms (p = {:.2g})", is.mean, is.n,
                              100 * (is.mean / was.mean - 1), was.mean, WelchHigher(was, is)));
    } else if (event.type == delivery::kAnomaly) {
      std::vector<double> logs;
      for (const RunOutcome& run : before) logs.push_back(std::log(run.duration_ms));
      const double usual = Median(logs);
      for (double& value : logs) value = std::abs(value - usual);
      const double sigma = std::max(1.4826 * Median(logs), 0.05);
      const RunOutcome longest = std::ranges::max(window, {}, &RunOutcome::duration_ms);
      Tell(line + fmt::format("run {} took {:.6g} ms, usual are {:.6g} ms (robust z = {:.1f})", longest.run_id,
                              longest.duration_ms, std::exp(usual), (std::log(longest.duration_ms) - usual) / sigma));
    } else {
      ADD_FAILURE() << "no recount of " << event.type;
    }
  }
}

}  // namespace wfe::demo
