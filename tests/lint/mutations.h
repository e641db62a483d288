// Single damages to a history, each of which some rule must notice.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/lint/history_builder.h"

namespace wfe::lint {

struct Mutation {
  std::string name;
  /// Damages `events` in one place that `random` picks; false when this history offers no such place.
  std::function<bool(std::vector<HistoryEvent>& events, std::mt19937_64& random)> apply;
};

std::vector<Mutation> AllMutations();

}  // namespace wfe::lint
