// A graph for people: as lines of text, as Mermaid, as Graphviz's language, and drawn by Graphviz.
#pragma once

#include <map>
#include <string>

#include "activities/graph/graph.h"
#include "engine/base/result.h"

namespace wfe::graph {

/// What is written beside a node, by its id: a duration, say.
using Notes = std::map<std::string, std::string>;

/// Nodes in the order in which they are reached, branches below their node, edges below their source.
std::string DrawText(const Graph& graph, const Notes& notes = {});
std::string DrawMermaid(const Graph& graph, const Notes& notes = {});
std::string DrawDot(const Graph& graph, const Notes& notes = {});

/// Has Graphviz's program `dot`, found in PATH, draw it.  NOT_FOUND when there is none; blocks for at most a minute.
Result<std::string> DrawSvg(const Graph& graph, const Notes& notes = {});

}  // namespace wfe::graph
