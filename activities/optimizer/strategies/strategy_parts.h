// What the six strategies share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "activities/optimizer/strategies/graph_facts.h"
#include "activities/optimizer/strategies/strategy.h"

namespace wfe::optimizer {

class StrategyBase : public Strategy {
 public:
  std::string_view type() const override { return type_; }
  bool CanApply(const Bottleneck& bottleneck, const PerformanceProfile& profile) const override;
  EstimatedImprovement EstimateImprovement(const StrategyContext& context,
                                           const OptimizationSuggestion& suggestion) const override;

 protected:
  /// `against`: types of bottlenecks.
  StrategyBase(std::string_view type, double confidence, std::initializer_list<std::string_view> against)
      : type_(type), confidence_(confidence), against_(against) {}

  /// Fills in id, estimate and risk, and keeps it where it can be applied; else it is refused.
  void Add(const StrategyContext& context, OptimizationSuggestion suggestion, Suggestions& suggestions) const;
  void Refuse(const StrategyContext& context, const std::string& target, const std::string& reason,
              Suggestions& suggestions) const;

 private:
  const std::string_view type_;
  const double confidence_;
  const std::vector<std::string_view> against_;
};

std::unique_ptr<Strategy> MakePruning();
std::unique_ptr<Strategy> MakeParallelization();
std::unique_ptr<Strategy> MakeToolSelection();
std::unique_ptr<Strategy> MakeModelSelection();
std::unique_ptr<Strategy> MakeCaching();
std::unique_ptr<Strategy> MakeBatching();

/// What is saved where the graph becomes `changed`.
void EstimateFrom(const StrategyContext& context, const graph::Graph& changed, EstimatedImprovement& improvement);

/// An activity or an agent: one call of something.
bool IsCall(const graph::GraphNode& node);
std::string Percent(double share);  ///< "62 %"
std::string Joined(const std::vector<std::string>& names, std::string_view between = ",");

/// Whether equal inputs give equal results, and how that is known (ST-20).
struct Determinism {
  bool certain = false;  ///< Declared, or never contradicted in enough repeats; contradicted is never certain.
  double rate = 0;       ///< Measured; 1 where it is only declared.
  int64_t repeats = 0;
  int64_t contradictions = 0;
  std::string why;  ///< A part of a sentence.
};
Determinism DeterminismOf(const StrategyContext& context, const graph::GraphNode& node);

}  // namespace wfe::optimizer
