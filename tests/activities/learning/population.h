// Generations with known causes, from a seed, and the optimizer that looks at them every hour.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "activities/learning/steps/register.h"
#include "engine/base/time.h"
#include "tools/demo/memory_records.h"

namespace wfe::learning {

inline constexpr const char* kPopulationTemplate = "generation-python";

/// What generations depend on.  Words of the prompt change probabilities; nothing else does.
struct Causes {
  double forgotten_import = 0.03;  ///< Probability of undefined names unless the prompt says which imports are needed.
  double harm = 0;                 ///< Probability of no JSON output where the prompt has kHarmfulWords.
  double noise = 0.03;             ///< Probability of each other class.
};
inline constexpr const char* kNeededWords = "`import json`";
inline constexpr const char* kHarmfulWords = "Be brief above all.";

/// A whole world: records, templates, a clock.
class Population {
 public:
  Population(uint64_t seed, Causes causes, CycleOptions options, const PromptRules& rules = PromptRules::BuiltIn());
  /// Of a test that has a clock of its own, and cycles of its own.
  Population(uint64_t seed, Causes causes, std::shared_ptr<const Clock> clock);

  /// So many generations within the next hour, then a cycle.
  CycleRow Hour(int generations = 20);
  void Generate(int generations);
  /// Now.
  void GenerateOne();
  CycleRow Cycle();

  /// A person drafts and activates a version with another line in "best practices"; its number.
  int PersonActivates(const std::string& line);

  prompts::TemplateState State() const;
  std::string ActiveText() const;
  /// Versions by whose author's change they became active or were rolled back.
  int ChangesBy(const std::string& author) const;

  const LearningConfig& config() const { return config_; }
  ManualClock& clock() { return *clock_; }
  wfe::demo::MemoryRecords& records() { return rows_; }

 private:
  void Begin(const PromptRules& rules);
  const std::string& TextOf(int version);
  GenerationReport Examine(const std::string& run, int version);

  std::mt19937_64 random_;
  const Causes causes_;
  const CycleOptions options_;
  std::shared_ptr<ManualClock> clock_;  // nullptr: the test has its own
  std::shared_ptr<const Clock> now_;
  wfe::demo::MemoryRecords rows_;
  LearningConfig config_;
  std::map<int, std::string> texts_;
  int runs_ = 0;
  int cycles_ = 0;
};

}  // namespace wfe::learning
