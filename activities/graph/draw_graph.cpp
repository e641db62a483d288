#include "activities/graph/draw_graph.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>

#include "activities/graph/graph_index.h"
#include "activities/sandbox/process_runner.h"
#include "engine/base/printable.h"

namespace wfe::graph {
namespace {

bool Forks(const GraphNode& node) { return !node.branches.empty(); }

/// "callModel, small"
std::string WhatItDoes(const GraphNode& node) {
  std::string text = node.activity;
  for (const std::string* part : {&node.tool, &node.model}) {
    if (!part->empty()) text += (text.empty() ? "" : ", ") + *part;
  }
  return PrintableLine(text);
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// Visits the nodes of a walk in the order in which they are reached, with how deep the walk is nested.
class Walk {
 public:
  explicit Walk(const Graph& graph) : graph_(graph), index_(graph) {}

  void Visit(const std::function<void(const GraphNode&, size_t depth)>& visit) {
    const int start = index_.Find(graph_.start);
    if (start != GraphIndex::kNone) VisitFrom(start, 0, visit);
  }
  /// The nodes at which the walk from `entry` ends.
  std::vector<std::string> Ends(const std::string& entry) const {
    std::vector<std::string> ends;
    std::set<int> seen = {index_.Find(entry)};
    std::vector<int> open(seen.begin(), seen.end());
    for (size_t i = 0; i < open.size(); ++i) {
      if (open[i] == GraphIndex::kNone) continue;
      const std::vector<int>& edges = index_.edges_of(open[i]);
      if (edges.empty()) ends.push_back(graph_.nodes[static_cast<size_t>(open[i])].id);
      for (const int edge : edges) {
        if (seen.insert(index_.target_of(edge)).second) open.push_back(index_.target_of(edge));
      }
    }
    return ends;
  }
  const GraphIndex& index() const { return index_; }

 private:
  void VisitFrom(int entry, size_t depth, const std::function<void(const GraphNode&, size_t)>& visit) {
    std::vector<int> open = {entry};
    while (!open.empty()) {
      const int node = open.back();
      open.pop_back();
      if (!seen_.insert(node).second) continue;
      const GraphNode& what = graph_.nodes[static_cast<size_t>(node)];
      visit(what, depth);
      for (const std::string& branch : what.branches) {
        if (depth < kMaxNesting && index_.Find(branch) != GraphIndex::kNone)
          VisitFrom(index_.Find(branch), depth + 1, visit);
      }
      const std::vector<int>& edges = index_.edges_of(node);
      for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge) open.push_back(index_.target_of(*edge));
    }
  }

  const Graph& graph_;
  const GraphIndex index_;
  std::set<int> seen_;
};

std::string NoteOf(const Notes& notes, const std::string& id) {
  const auto found = notes.find(id);
  return found == notes.end() ? "" : PrintableLine(found->second);
}

/// The drawing languages differ in how they spell these.
struct Language {
  std::function<std::string(const std::string& id, const GraphNode& node, const std::string& label)> node;
  std::function<std::string(const std::string& id)> join;
  std::function<std::string(const std::string& from, const std::string& to, const std::string& label, bool of_fork)>
      edge;
  std::string line_break;
};

std::string DrawIn(const Language& language, const Graph& graph, const Notes& notes) {
  std::string text;
  Walk walk(graph);
  walk.Visit([&](const GraphNode& node, size_t) {
    std::string label = node.id;
    for (const std::string& line : {WhatItDoes(node), NoteOf(notes, node.id)}) {
      if (!line.empty()) label += language.line_break + line;
    }
    text += language.node(node.id, node, label);
    if (Forks(node)) text += language.join(node.id);
  });
  Walk again(graph);
  again.Visit([&](const GraphNode& node, size_t) {
    const std::string leaves = Forks(node) ? node.id + ".join" : node.id;
    for (const std::string& branch : node.branches) {
      text += language.edge(node.id, branch, "", true);
      for (const std::string& end : again.Ends(branch)) {
        const GraphNode* const last = FindNode(graph, end);
        text += language.edge(last != nullptr && Forks(*last) ? end + ".join" : end, leaves, "", true);
      }
    }
    for (const int edge : again.index().edges_of(again.index().Find(node.id))) {
      const GraphEdge& told = graph.edges[static_cast<size_t>(edge)];
      text += language.edge(leaves, told.target, PrintableLine(told.condition), false);
    }
  });
  return text;
}

std::string Escaped(std::string_view text, const std::map<char, std::string>& escapes) {
  std::string escaped;
  for (const char c : text) {
    const auto found = escapes.find(c);
    if (found == escapes.end()) {
      escaped += c;
    } else {
      escaped += found->second;
    }
  }
  return escaped;
}

}  // namespace

std::string DrawText(const Graph& graph, const Notes& notes) {
  std::string text = graph.id + "\n";
  if (!graph.description.empty()) text += PrintableLine(graph.description) + "\n";
  if (!graph.inputs.empty()) text += "takes " + Joined(graph.inputs) + "\n";
  text += "\n";
  size_t width = 0;
  for (const GraphNode& node : graph.nodes) width = std::max(width, node.id.size());
  Walk walk(graph);
  walk.Visit([&](const GraphNode& node, size_t depth) {
    const std::string margin(2 * depth, ' ');
    std::string line = margin + node.id + std::string(width - node.id.size() + 2, ' ') + node.kind;
    line += std::string(node.kind.size() < 8 ? 10 - node.kind.size() : 2, ' ') + WhatItDoes(node);
    if (!node.branches.empty()) line += Joined(node.branches);
    if (node.max_iterations > 0) line += ", at most " + std::to_string(node.max_iterations) + " times";
    if (node.cache) line += ", cached";
    if (!NoteOf(notes, node.id).empty()) line += "  " + NoteOf(notes, node.id);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    for (const int edge : walk.index().edges_of(walk.index().Find(node.id))) {
      const GraphEdge& told = graph.edges[static_cast<size_t>(edge)];
      text += margin + "  -> " + told.target + (told.condition.empty() ? "" : "  if " + PrintableLine(told.condition)) +
              "\n";
    }
  });
  return text;
}

std::string DrawMermaid(const Graph& graph, const Notes& notes) {
  // Ids of Mermaid are words; quotes in labels are entities.
  const auto id = [&](const std::string& name) {
    std::string word = "n_";
    for (const char c : name)
      word += std::isalnum(static_cast<unsigned char>(c)) ? std::string(1, c)
                                                          : "_" + std::to_string(static_cast<int>(c)) + "_";
    return word;
  };
  const auto label = [](const std::string& text) {
    return "\"" + Escaped(text, {{'"', "#quot;"}, {'`', "#96;"}}) + "\"";
  };
  Language language;
  language.line_break = "<br/>";
  language.node = [&](const std::string& name, const GraphNode& node, const std::string& text) {
    const bool decision = node.kind == kDecision;
    const bool fork = Forks(node);
    const std::string open = decision              ? "{"
                             : fork                ? "[/"
                             : node.kind == kAgent ? "("
                             : node.kind == kChild ? "[["
                                                   : "[";
    const std::string close = decision              ? "}"
                              : fork                ? "/]"
                              : node.kind == kAgent ? ")"
                              : node.kind == kChild ? "]]"
                                                    : "]";
    return "  " + id(name) + open + label(text) + close + "\n";
  };
  language.join = [&](const std::string& name) { return "  " + id(name + ".join") + "((\" \"))\n"; };
  language.edge = [&](const std::string& from, const std::string& to, const std::string& text, bool of_fork) {
    return "  " + id(from) +
           (of_fork        ? " -.-> "
            : text.empty() ? " --> "
                           : " -->|" + label(text) + "| ") +
           id(to) + "\n";
  };
  return "flowchart TD\n" + DrawIn(language, graph, notes);
}

std::string DrawDot(const Graph& graph, const Notes& notes) {
  const auto quoted = [](const std::string& text) {
    return "\"" + Escaped(text, {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}}) + "\"";
  };
  Language language;
  language.line_break = "\n";
  language.node = [&](const std::string& name, const GraphNode& node, const std::string& text) {
    const std::string shape = node.kind == kDecision ? "diamond"
                              : Forks(node)          ? "trapezium"
                              : node.kind == kChild  ? "component"
                                                     : "box";
    return "  " + quoted(name) + " [label=" + quoted(text) + ", shape=" + shape +
           (node.kind == kAgent ? ", style=rounded" : "") + "];\n";
  };
  language.join = [&](const std::string& name) {
    return "  " + quoted(name + ".join") + " [label=\"\", shape=circle, width=0.15];\n";
  };
  language.edge = [&](const std::string& from, const std::string& to, const std::string& text, bool of_fork) {
    return "  " + quoted(from) + " -> " + quoted(to) +
           (of_fork        ? " [style=dashed]"
            : text.empty() ? ""
                           : " [label=" + quoted(text) + "]") +
           ";\n";
  };
  return "digraph " + quoted(graph.id) +
         " {\n  node [fontname=\"sans-serif\", fontsize=11];\n"
         "  edge [fontname=\"sans-serif\", fontsize=10];\n" +
         DrawIn(language, graph, notes) + "}\n";
}

Result<std::string> DrawSvg(const Graph& graph, const Notes& notes) {
  const char* const path = std::getenv("PATH");
  const std::string dot = sandbox::FindProgram("dot", path == nullptr ? "/usr/bin:/bin" : path);
  if (dot.empty()) {
    return NotFound(
        "drawings are made by Graphviz's program dot, and there is none in PATH (Debian: apt install graphviz); text "
        "and mermaid need nothing");
  }
  sandbox::ProcessSpec spec;
  spec.argv = {dot, "-Tsvg"};
  spec.environment = {{"PATH", path == nullptr ? "/usr/bin:/bin" : path}, {"LC_ALL", "C.UTF-8"}};
  spec.standard_input = DrawDot(graph, notes);
  spec.limits.wall_clock = std::chrono::minutes(1);
  spec.limits.max_output_bytes = 64ull << 20;
  const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec);
  if (outcome.kind == sandbox::ProcessOutcome::Kind::kTimedOut)
    return DeadlineExceeded("dot has not drawn the graph in a minute");
  if (outcome.kind != sandbox::ProcessOutcome::Kind::kExited || outcome.exit_code != 0 || outcome.out.truncated) {
    return Unavailable("dot could not draw the graph: " +
                       PrintableLine(outcome.start_error + outcome.err.text.substr(0, 500)));
  }
  return outcome.out.text;
}

}  // namespace wfe::graph
