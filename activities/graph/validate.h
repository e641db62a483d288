// Whether a graph can be run (GW-2): every mistake, each with its place and one sentence.  Pure, in time that grows
// with nodes and edges (and, for what is written before what, with the keys of the state).
#pragma once

#include <set>
#include <string>

#include "activities/graph/graph.h"
#include "activities/graph/mistake.h"

namespace wfe::graph {

/// What a worker knows.  nullptr: any name is good.
struct KnownTypes {
  const std::set<std::string>* activities = nullptr;
  const std::set<std::string>* workflows = nullptr;
};

/// Adds what is wrong.  A graph without mistakes is one that GraphWorkflow can run to its end or to a clear failure.
void Validate(const Graph& graph, const KnownTypes& known, Mistakes& mistakes);

inline Mistakes Validate(const Graph& graph, const KnownTypes& known = {}) {
  Mistakes mistakes;
  Validate(graph, known, mistakes);
  return mistakes;
}

}  // namespace wfe::graph
