// A fleet of workflows in virtual time, each with a planted change; three in ten are harmful.  Every change goes
// through all gates: validation on recorded inputs, an experiment on a tenth of the traffic, a rollout in stages, a day
// under the monitor.  Printed is which gate stopped what; asserted is what TG-6 and the gates promise.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <map>

#include "activities/delivery/records/version_experiment.h"
#include "activities/delivery/rules/validation.h"
#include "activities/delivery/steps/register.h"
#include "tests/activities/delivery/traffic.h"

namespace wfe::delivery {
namespace {

using namespace std::chrono_literals;

const Instant kStart = *ParseIso8601("2026-03-02T00:00:00.000Z");
constexpr int kRunsAnHour = 120;
constexpr const char* kWorkflow = "w";

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return result ? *std::move(result) : T();
}

/// A change of a workflow, and what is true of it.
struct Plant {
  const char* name;
  bool harmful;
  Truth truth;            ///< Of its runs on live traffic.
  double wrong_outputs;   ///< Share of inputs on which it does something else.
  double trial_duration;  ///< As a dry run sees it, relative to the original.
  double trial_cost;
  double later_slowdown;  ///< From six hours after its deployment on; 1: none.
  double contention = 0;  ///< Its runs are in each other's way: so much longer where it has all the traffic.
};

constexpr double kMs = 60'000;
constexpr double kUsd = 0.02;

const Plant kGood[] = {
    {"steps in parallel", false, {.duration_ms = 0.6 * kMs}, 0, 0.6, 1, 1},
    {"a smaller model", false, {.duration_ms = 0.9 * kMs, .cost_usd = 0.6 * kUsd}, 0, 0.9, 0.6, 1},
    {"a cache", false, {.duration_ms = 0.7 * kMs, .cost_usd = 0.75 * kUsd}, 0, 0.7, 0.75, 1},
    {"an unused step less", false, {.duration_ms = 0.8 * kMs, .cost_usd = 0.8 * kUsd}, 0, 0.8, 0.8, 1},
};
const Plant kHarmful[] = {
    {"another result", true, {.duration_ms = 0.5 * kMs}, 0.4, 0.5, 0.9, 1},
    {"a model too small", true, {.cost_usd = 0.5 * kUsd, .success = 0.80}, 0.02, 0.9, 0.5, 1},
    {"slow under load", true, {.duration_ms = 1.35 * kMs}, 0, 0.7, 0.8, 1},
    {"dear in practice", true, {.duration_ms = 0.7 * kMs, .cost_usd = 1.4 * kUsd}, 0, 0.7, 0.7, 1},
    {"a lock that its runs share", true, {.duration_ms = 0.7 * kMs}, 0, 0.7, 0.9, 1, 1.5},
    {"slow once its cache is full", true, {.duration_ms = 0.6 * kMs}, 0, 0.6, 0.8, 2.5},
    {"fails now and then", true, {.duration_ms = 0.6 * kMs, .success = 0.88}, 0, 0.6, 0.9, 1},
};

/// What became of a change.
enum class Fate { kRejected, kLostExperiment, kRolledBackInStages, kRolledBackByMonitor, kStays };
constexpr const char* kFates[] = {"rejected by validation", "stopped by the experiment", "taken back in a stage",
                                  "taken back by the monitor", "stays"};

/// One workflow and one change of it.
class Delivery {
 public:
  Delivery(uint64_t seed, const Plant& plant) : plant_(plant), random_(seed), traffic_(seed) {
    traffic_.load = [this](int version, Instant now) {
      if (version == 0) return 1.0;
      return (now >= slow_from_ ? plant_.later_slowdown : 1.0) * (1 + plant_.contention * Share());
    };
    config_.records = traffic_.records();
    traffic_.Add(kWorkflow, {.duration_ms = kMs, .cost_usd = kUsd, .success = 0.97}, now_);
    Live(6h);
    traffic_.Add(kWorkflow, plant.truth, now_);
  }

  Fate Run() {
    if (!Validated()) return Fate::kRejected;
    if (!WinsExperiment()) return Fate::kLostExperiment;
    if (!RollsOut()) return Fate::kRolledBackInStages;
    return StaysUnderTheMonitor() ? Fate::kStays : Fate::kRolledBackByMonitor;
  }
  bool reached_all_traffic() const { return reached_all_; }

 private:
  void Live(Duration time) {
    const auto runs = static_cast<int>(kRunsAnHour * std::chrono::duration<double, std::ratio<3600>>(time).count());
    traffic_.Run(kWorkflow, runs, now_, now_ + time);
    now_ += time;
  }
  double Share() {
    const VersionState state = traffic_.State(kWorkflow);
    if (state.in_service == 1) return 1;
    return state.split ? state.split->share : 0.1;  // of the experiment
  }
  std::string Now() const { return FormatIso8601Millis(now_); }

  /// Twenty recorded inputs, with the noise that durations have.
  bool Validated() {
    std::uniform_real_distribution<> uniform(0, 1);
    std::lognormal_distribution<> noise(0, 0.1);
    std::vector<TrialPair> trials;
    for (int i = 0; i < 20; ++i) {
      const bool wrong = uniform(random_) < plant_.wrong_outputs;
      trials.push_back({.input = std::to_string(i),
                        .original = {.output = i, .duration_ms = kMs * noise(random_), .cost_usd = kUsd},
                        .variant = {.output = wrong ? -1 : i,
                                    .duration_ms = kMs * plant_.trial_duration * noise(random_),
                                    .cost_usd = kUsd * plant_.trial_cost}});
    }
    const ConstraintReport constraints = CheckConstraints({}, {.equivalent = true, .security_checked = true});
    const ValidationResult result = Validate(trials, {}, constraints);
    return result.recommendation == kApprove || result.recommendation == kConditionalApprove;
  }

  /// XB-1: a tenth of the traffic, 100 runs in each arm, at most 24 hours.
  bool WinsExperiment() {
    const learning::Experiment experiment{.experiment_id = "ab", .variant = "1", .started_at = Now()};
    Must(StartVersionExperiment(*config_.records, kWorkflow, experiment));
    for (;;) {
      Live(1h);
      learning::RowProblems problems;
      const auto result = Must(JudgeVersionExperiment(*config_.records, "ab", {}, now_, problems));
      if (result.decided()) return result.winner == learning::kWinnerVariant;
    }
  }

  /// As RolloutWorkflow does it, with a check every quarter of an hour.
  bool RollsOut() {
    RolloutPlan plan;
    plan.check_every_s = 900;
    const auto begun = Must(BeginRollout(config_, {.rollout_id = "r1",
                                                   .workflow_id = kWorkflow,
                                                   .version = "1",
                                                   .plan = plan,
                                                   .author = "optimizer",
                                                   .reason = "won",
                                                   .now = Now()}));
    EXPECT_EQ(begun.refused, "");
    RolloutState state;
    const auto carry = [&](const RolloutEvents& events) {
      if (events.empty()) return;
      const auto carried = Must(SetTrafficSplit(config_, {.rollout_id = "r1",
                                                          .workflow_id = kWorkflow,
                                                          .version = 1,
                                                          .control = 0,
                                                          .first = state.events + 1,
                                                          .events = events,
                                                          .regression = plan.regression}));
      EXPECT_EQ(carried.overtaken, "");
      for (const RolloutEvent& event : events) Apply(state, event);
    };
    carry(BeginRollout(plan, "optimizer", "won", now_));
    while (!state.ended()) {
      if (state.phase == kRolloutWaiting) {
        carry(Must(DecideControl(plan, state, {.action = "resume", .author = "ada", .reason = "go on"}, now_)));
      }
      Live(NextLook(plan, state, now_) - now_);
      const auto seen = Must(CheckRegression(config_, {.rollout_id = "r1",
                                                       .workflow_id = kWorkflow,
                                                       .version = 1,
                                                       .control = 0,
                                                       .regression = plan.regression,
                                                       .harm_alpha = plan.harm_alpha,
                                                       .stages = static_cast<int64_t>(plan.stages.size()),
                                                       .now = Now()}));
      carry(DecideObserved(plan, state, {.samples = seen.samples, .check = seen.check, .overtaken = seen.overtaken},
                           now_));
      if (state.share >= 1) reached_all_ = true;
    }
    return state.phase == kRolloutSucceeded;
  }

  bool StaysUnderTheMonitor() {
    slow_from_ = now_ + 6h;
    for (int hours = 0; hours < 24; ++hours) {
      Live(1h);
      const auto seen = Must(WatchWorkflow(config_, {.workflow_id = kWorkflow, .now = Now()}));
      if (!seen.roll_back_to) continue;
      const auto back = Must(
          RollBackVersion(config_, {.workflow_id = kWorkflow, .from = 1, .to = 0, .reason = seen.why, .now = Now()}));
      EXPECT_TRUE(back.changed);
      EXPECT_EQ(traffic_.State(kWorkflow).in_service, 0);
      return false;
    }
    return true;
  }

  const Plant& plant_;
  std::mt19937_64 random_;
  Traffic traffic_;
  DeliveryConfig config_;
  Instant now_ = kStart;
  Instant slow_from_ = Instant::max();
  bool reached_all_ = false;
};

int FleetSize() {
  const char* const text = std::getenv("WFE_FLEET");
  return text == nullptr ? 20 : std::atoi(text);
}

TEST(Fleet, HarmfulChangesAreStoppedAndGoodOnesArrive) {  // TG-6, RB-2, RO-1, XB-3, VA-3, MO-2
  const int size = FleetSize();
  std::map<std::string, std::map<Fate, int>> fates;
  std::map<Fate, int> of_harmful;
  std::map<Fate, int> of_good;
  int harmful = 0;
  int harmful_at_all_traffic = 0;
  double time_saved = 0;
  double cost_saved = 0;
  for (int i = 0; i < size; ++i) {
    const bool is_harmful = i % 10 < 3;
    const int n = i / 10 * (is_harmful ? 3 : 7) + i % 10 - (is_harmful ? 0 : 3);
    const Plant& plant = is_harmful ? kHarmful[n % std::size(kHarmful)] : kGood[n % std::size(kGood)];
    Delivery delivery(static_cast<uint64_t>(i) + 1, plant);
    const Fate fate = delivery.Run();
    ++fates[plant.name][fate];
    ++(is_harmful ? of_harmful : of_good)[fate];
    harmful += is_harmful ? 1 : 0;
    if (is_harmful && delivery.reached_all_traffic()) ++harmful_at_all_traffic;
    if (fate != Fate::kStays) continue;
    time_saved += 1 - plant.truth.duration_ms / kMs;
    cost_saved += 1 - plant.truth.cost_usd / kUsd;
  }
  const int good = size - harmful;
  std::printf("%d changes, %d harmful\n", size, harmful);
  for (int fate = 0; fate <= static_cast<int>(Fate::kStays); ++fate) {
    std::printf("  %-26s harmful %3d of %d, good %3d of %d\n", kFates[fate], of_harmful[static_cast<Fate>(fate)],
                harmful, of_good[static_cast<Fate>(fate)], good);
  }
  for (const auto& [name, ends] : fates) {
    std::printf("  %-28s", name.c_str());
    for (const auto& [fate, count] : ends) std::printf("  %s: %d", kFates[static_cast<int>(fate)], count);
    std::printf("\n");
  }
  const int stay = of_good[Fate::kStays];
  std::printf("harmful at 100 %%: %d of %d changes; left there: %d; of those that stay, time -%.0f %%, cost -%.0f %%\n",
              harmful_at_all_traffic, size, of_harmful[Fate::kStays], 100 * time_saved / std::max(stay, 1),
              100 * cost_saved / std::max(stay, 1));
  EXPECT_LT(20 * of_harmful[Fate::kStays], size);
  EXPECT_LE(20 * of_good[Fate::kRolledBackInStages] + 20 * of_good[Fate::kRolledBackByMonitor], std::max(good, 20))
      << "at most one in twenty good ones is taken back by mistake";
  EXPECT_GE(10 * stay, 8 * good);
}

/// What a monitor tells and takes back in a month in which nothing changes: the version before and the one in service
/// are the same.  Every ten minutes the last hour is looked at.
struct Month {
  std::map<std::string, int> raised;
  int rollbacks = 0;
};

Month NoisyMonth(uint64_t seed, const MonitorRules& rules) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<> tail(-0.1116, 0.4724);
  std::uniform_real_distribution<> uniform(0, 1);
  int runs = 0;
  const auto make = [&](Instant at) {
    return RunOutcome{.run_id = std::to_string(++runs),
                      .ended = at,
                      .duration_ms = kMs * tail(random),
                      .cost_usd = kUsd * tail(random),
                      .success = uniform(random) < 0.97};
  };
  std::vector<RunOutcome> before;
  for (int i = 0; i < 1000; ++i) before.push_back(make(kStart));
  const PerformanceWindow baseline = Describe(before);
  Month month;
  std::vector<RunOutcome> since;
  std::map<std::string, bool> open;
  bool taken_back = false;
  for (Instant now = kStart; now < kStart + std::chrono::days(30); now += 10min) {
    for (int i = 0; i < kRunsAnHour / 6; ++i) since.push_back(make(now + i * 30s));
    const size_t hour = std::min<size_t>(since.size(), kRunsAnHour);
    const std::vector<RunOutcome> window(since.end() - static_cast<long>(hour), since.end());
    bool critical = false;
    for (const Condition& condition : Assess(baseline, window, rules)) {
      if (condition.holds && !std::exchange(open[condition.type], true)) ++month.raised[condition.type];
      if (condition.gone) open[condition.type] = false;
      critical |= condition.holds && condition.severity == kCritical && condition.p_value < rules.rollback_significance;
    }
    const bool on_probation = now < kStart + std::chrono::days(kProbationDays);
    const bool regression =
        on_probation &&
        ((since.size() <= 7000 && CheckAgainst(baseline, since, {}).regression) ||
         (hour >= 50 && Compare(baseline, Describe(window), {}, rules.rollback_significance).regression));
    if ((critical || regression) && !std::exchange(taken_back, true)) ++month.rollbacks;
  }
  return month;
}

TEST(Fleet, NoisyMonthWithoutAnyChangeTellsLittleAndTakesNothingBack) {  // MO-1, MO-2, RB-2
  const int months = std::max(2, FleetSize() / 10);
  for (const bool by_thresholds_alone : {false, true}) {
    MonitorRules rules;
    if (by_thresholds_alone) rules.significance = 1;
    std::map<std::string, int> raised;
    int rollbacks = 0;
    int total = 0;
    for (int seed = 1; seed <= months; ++seed) {
      const Month month = NoisyMonth(static_cast<uint64_t>(seed), rules);
      for (const auto& [type, count] : month.raised) raised[type] += count;
      rollbacks += month.rollbacks;
    }
    std::printf("%d months without a change, %s:", months, by_thresholds_alone ? "thresholds alone" : "as it is");
    for (const auto& [type, count] : raised) {
      std::printf(" %s %d,", type.c_str(), count);
      if (type != kAnomaly) total += count;
    }
    std::printf(" rollbacks %d\n", rollbacks);
    EXPECT_LE(rollbacks, std::max(1, months / 20));
    EXPECT_TRUE(by_thresholds_alone || total <= 4 * months) << total;
  }
}

}  // namespace
}  // namespace wfe::delivery
