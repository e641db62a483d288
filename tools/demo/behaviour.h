// How the simulated builds behave: when they run, with what context, what goes wrong in them and what it costs.  Pure
// data and functions of a seed.  Up to four causes are planted, each of which an audit should find.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "tools/demo/random.h"

namespace wfe::demo {

/// What makes a difference.  All off: nothing does, although template versions change all the same (the null corpus).
struct Causes {
  bool costly_class = true;       ///< Repairs of one error class cost several times the tokens of the others.
  bool constraint_change = true;  ///< A new rule in GEMINI.md makes one error class rarer.
  bool worse_prompt = true;       ///< A trial of another Implementation Prompt passes less often at first.
  bool context_churn = true;      ///< A section of GEMINI.md changes every few days, without effect.

  static Causes None() { return {false, false, false, false}; }
  /// "costly_class,context_churn"; INVALID_ARGUMENT names an unknown one and the known ones.
  static Result<Causes> Parse(std::string_view list);
  std::vector<std::string> Names() const;
};

enum class Check { kTsc, kEslint, kJest };

struct ErrorClass {
  std::string_view name;
  Check check;
  double probability;        ///< That an implementation has it, when no cause changes that.
  std::string_view symptom;  ///< Of one finding.
};
inline constexpr size_t kErrorClassCount = 5;
extern const std::array<ErrorClass, kErrorClassCount> kErrorClasses;
/// Indices of those that the causes are about.
inline constexpr size_t kCostlyClass = 0;
inline constexpr size_t kRuledClass = 2;

/// A cause's size, for truth.json and the tests.
inline constexpr double kCostlyFactor = 3.5;       ///< Tokens of a repair of the costly class, about.
inline constexpr double kRuledBefore = 0.42;       ///< Probability of the ruled class before its rule …
inline constexpr double kRuledAfter = 0.05;        ///< … and after it.
inline constexpr double kTrialJestFailure = 0.78;  ///< Probability of a failing test under the trial's prompt.

/// One build that will run.
struct BuildPlan {
  std::string workflow_id;
  std::string task;
  Instant start;       ///< Not before this.
  int lane = 0;        ///< Builds of a lane run one after the other in one directory.
  std::string folder;  ///< Of its trace, relative.
  int template_version = 1;
  int specifics_period = 0;
  std::optional<Duration> cancel_after;  ///< A person loses patience.
  bool agent_fails = false;              ///< The model gives up while it implements.
};

class Behaviour {
 public:
  Behaviour(uint64_t seed, int runs, Causes causes);

  const std::vector<BuildPlan>& plans() const { return plans_; }
  const Causes& causes() const { return causes_; }
  uint64_t seed() const { return seed_; }

  /// Probability that the implementation of a build with this template version has the error class.
  double Probability(size_t error_class, int template_version) const;
  /// Probability that it has none.
  double FirstPassRate(int template_version) const;

  /// The error classes of a fresh implementation, and what a repair leaves of them.
  std::set<size_t> Implement(const BuildPlan& plan) const;
  std::set<size_t> Repair(const BuildPlan& plan, const std::string& step, const std::set<size_t>& defects) const;

  struct AgentCost {
    int turns = 1;
    int64_t completion_tokens = 0;
    int64_t latency_ms = 0;
  };
  /// `repaired`: the class that a repair is about, kErrorClassCount for a mixture; absent for scaffold and
  /// implement_v1.
  AgentCost CostOf(const BuildPlan& plan, const std::string& step, std::optional<size_t> repaired) const;

  Random RandomFor(const BuildPlan& plan, std::string_view what) const;

  /// The Monday on which the first build starts.
  static Instant FirstDay();
  /// From this day on the rule is in the template; with it the trial, and its half of the builds.
  static Instant RuleDay();
  static Instant TrialDay();

 private:
  const uint64_t seed_;
  const Causes causes_;
  std::vector<BuildPlan> plans_;
};

}  // namespace wfe::demo
