// What is wrong with a graph, and where.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::graph {

struct Mistake {
  std::string pointer;  ///< Where in the graph's JSON: "/nodes/3/reads/0"; "" is all of it.
  std::string node;     ///< The node it is about; empty: none.
  int64_t edge = -1;    ///< The edge it is about; -1: none.
  std::string message;  ///< One sentence that names node, edge or key itself.
};
WFE_RECORD(Mistake, pointer, node, edge, message);
constexpr RecordRules RulesOf(const Mistake*) { return {.seldom = "node edge"}; }

/// Mistakes in the order in which they are found, and how many there are.
struct Mistakes {
  static constexpr size_t kMaxTold = 100;

  std::vector<Mistake> told;  ///< The first kMaxTold.
  size_t count = 0;

  bool empty() const { return count == 0; }
  /// Another one could still be told: a witness is worth looking for.
  bool has_room() const { return told.size() < kMaxTold; }
  void Add(Mistake mistake) {
    if (has_room()) told.push_back(std::move(mistake));
    ++count;
  }
  void Add(std::string pointer, std::string message) { Add({std::move(pointer), "", -1, std::move(message)}); }
};

}  // namespace wfe::graph
