// TG-11: a feature-implementation graph whose runs are slow and dear, an optimizer session of it, a rollout in five
// stages; then a change that hurts, and how it is taken back.  Everything in virtual time, nothing is asked of a model.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/optimizer/profile/catalog.h"
#include "engine/base/result.h"
#include "tools/demo/optimizer_world.h"

namespace wfe::demo {

inline constexpr const char* kDemoWorkflow = "feature-implementation";
inline constexpr const char* kDemoSession = "demo-session";

struct OptimizerDemoOptions {
  uint64_t seed = 1;
  std::string graph;             ///< Its JSON (workflows/graph/samples/feature_implementation.json).
  bool planted_regression = true;  ///< The second act.
  /// Told of each step, for people.
  std::function<void(const std::string& sentence)> say = [](const std::string&) {};
};

/// The tools and models that its steps could use instead.
optimizer::Catalog DemoCatalog();

/// Runs it in `world`, which was just made; what came of it is in the world's records.
Status RunOptimizerDemo(OptimizerWorld& world, const OptimizerDemoOptions& options);

}  // namespace wfe::demo
