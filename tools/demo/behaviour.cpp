#include "tools/demo/behaviour.h"

#include <algorithm>
#include <cstdio>

#include "tools/demo/contexts.h"

namespace wfe::demo {

using namespace std::chrono_literals;

const std::array<ErrorClass, kErrorClassCount> kErrorClasses = {{
    {"TSC_ERROR_TS2345", Check::kTsc, 0.14,
     "Argument of type 'string | undefined' is not assignable to type 'string'."},
    {"TSC_ERROR_TS2532", Check::kTsc, 0.08,
     "Object is possibly 'undefined'; the access needs a check of its own here."},
    {"ESLINT_ERROR_NO_ANY", Check::kEslint, 0.15, "Unexpected any. Specify a different type. (no-explicit-any, typed)"},
    {"ESLINT_ERROR_NO_UNUSED_VARS", Check::kEslint, 0.07, "'entries' is defined but never used. (no-unused-vars, all)"},
    {"JEST_FAILURE", Check::kJest, 0.16, "expect(received).toBe(expected): expected 3 entries, received 2 of them."},
}};

namespace {

constexpr int kWorkingDays = 30;
constexpr int kRuleWorkingDay = 12;
constexpr int kTrialWorkingDay = 15;
constexpr int kLanes = 3;

constexpr std::string_view kTasks[] = {
    "Write a parser for comma-separated values with quoted fields: parse(text) gives rows, errors name line and "
    "column.",
    "Write a rate limiter with a token bucket: take(key, now) says whether a request may pass and when the next may.",
    "Write a loader of layered configuration: load(defaults, file, environment) merges and checks against a schema."};

/// Said in the task itself while the trial runs, as its authors wanted.
constexpr std::string_view kTrialTask = " Think about the architecture at length first.";

Instant WorkingDay(int day) { return Behaviour::FirstDay() + std::chrono::hours(24) * (day / 5 * 7 + day % 5); }

/// Changes on the days 3, 8, 13 …: never together with another change.
int SpecificsPeriod(int day) { return std::min((day + 2) / 5, kSpecificsPeriods - 1); }

}  // namespace

Result<Causes> Causes::Parse(std::string_view list) {
  Causes causes = None();
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    if (name == "costly_class") {
      causes.costly_class = true;
    } else if (name == "constraint_change") {
      causes.constraint_change = true;
    } else if (name == "worse_prompt") {
      causes.worse_prompt = true;
    } else if (name == "context_churn") {
      causes.context_churn = true;
    } else {
      return InvalidArgument("there is no cause \"" + std::string(name) +
                             "\"; there are costly_class, constraint_change, worse_prompt and context_churn");
    }
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return causes;
}

std::vector<std::string> Causes::Names() const {
  std::vector<std::string> names;
  if (costly_class) names.emplace_back("costly_class");
  if (constraint_change) names.emplace_back("constraint_change");
  if (worse_prompt) names.emplace_back("worse_prompt");
  if (context_churn) names.emplace_back("context_churn");
  return names;
}

Instant Behaviour::FirstDay() { return std::chrono::sys_days(std::chrono::year(2026) / 9 / 7); }
Instant Behaviour::RuleDay() { return WorkingDay(kRuleWorkingDay); }
Instant Behaviour::TrialDay() { return WorkingDay(kTrialWorkingDay); }

Behaviour::Behaviour(uint64_t seed, int runs, Causes causes) : seed_(seed), causes_(causes) {
  for (int i = 0; i < runs; ++i) {
    BuildPlan plan;
    char number[16];
    std::snprintf(number, sizeof(number), "%05d", i + 1);
    plan.workflow_id = std::string("demo-build-") + number;
    Random random = RandomFor(plan, "plan");
    // Spread evenly over the working days, and over ten hours of each.
    const int64_t day = int64_t{i} * kWorkingDays / runs;
    const int64_t first_of_day = (day * runs + kWorkingDays - 1) / kWorkingDays;
    const int64_t builds_of_day =
        std::max<int64_t>(1, ((day + 1) * runs + kWorkingDays - 1) / kWorkingDays - first_of_day);
    plan.start = WorkingDay(static_cast<int>(day)) + 8h + Duration(10h) / builds_of_day * (i - first_of_day) +
                 std::chrono::seconds(random.Between(0, 600));
    plan.lane = i % kLanes;
    plan.folder = "week-" + std::to_string(day / 5 + 1) + "-" + std::string(1, static_cast<char>('a' + plan.lane));
    plan.task = kTasks[random.Between(0, std::size(kTasks) - 1)];
    plan.template_version = day < kRuleWorkingDay ? kFirstVersion : kRuleVersion;
    // Every other build, so that the trial and what it is compared with share their days.
    if (day >= kTrialWorkingDay && i % 2 == 1) {
      plan.template_version = kTrialVersion;
      plan.task += kTrialTask;
    }
    if (causes_.context_churn) plan.specifics_period = SpecificsPeriod(static_cast<int>(day));
    // Seldom, but in every corpus of some size.
    if (i % 97 == 41) plan.cancel_after = std::chrono::seconds(random.Between(12, 30));
    plan.agent_fails = i % 89 == 30;
    plans_.push_back(std::move(plan));
  }
}

Random Behaviour::RandomFor(const BuildPlan& plan, std::string_view what) const {
  return {seed_, plan.workflow_id + "/" + std::string(what)};
}

double Behaviour::Probability(size_t error_class, int template_version) const {
  if (causes_.constraint_change && error_class == kRuledClass) {
    return template_version >= kRuleVersion ? kRuledAfter : kRuledBefore;
  }
  if (causes_.worse_prompt && template_version == kTrialVersion && kErrorClasses[error_class].check == Check::kJest) {
    return kTrialJestFailure;
  }
  return kErrorClasses[error_class].probability;
}

double Behaviour::FirstPassRate(int template_version) const {
  double rate = 1;
  for (size_t i = 0; i < kErrorClassCount; ++i) rate *= 1 - Probability(i, template_version);
  return rate;
}

std::set<size_t> Behaviour::Implement(const BuildPlan& plan) const {
  Random random = RandomFor(plan, "implement");
  std::set<size_t> defects;
  for (size_t i = 0; i < kErrorClassCount; ++i) {
    if (random.Chance(Probability(i, plan.template_version))) defects.insert(i);
  }
  return defects;
}

std::set<size_t> Behaviour::Repair(const BuildPlan& plan, const std::string& step,
                                   const std::set<size_t>& defects) const {
  Random random = RandomFor(plan, step + "/repair");
  std::set<size_t> left;
  for (const size_t defect : defects) {
    if (!random.Chance(0.8)) left.insert(defect);
  }
  if (random.Chance(0.06)) left.insert(static_cast<size_t>(random.Between(0, kErrorClassCount - 1)));
  return left;
}

Behaviour::AgentCost Behaviour::CostOf(const BuildPlan& plan, const std::string& step,
                                       std::optional<size_t> repaired) const {
  Random random = RandomFor(plan, step + "/cost");
  const bool costly = causes_.costly_class && repaired == kCostlyClass;
  const double factor = costly ? kCostlyFactor : 1;
  const double mean = repaired ? 1700 : step == "scaffold" ? 1400 : 4600;
  AgentCost cost;
  cost.turns = static_cast<int>(static_cast<double>(random.Between(2, 4)) * factor);
  cost.completion_tokens = random.Around(mean * factor, 0.3);
  cost.latency_ms = cost.turns * 2500 + cost.completion_tokens * 7;
  return cost;
}

}  // namespace wfe::demo
