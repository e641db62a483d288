#include "activities/optimizer/learning/features.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "activities/graph/graph_index.h"
#include "engine/base/check.h"
#include "engine/base/time.h"

namespace wfe::optimizer {
namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

/// Where each node's walk may go next: along its edges and into its branches.
std::vector<std::vector<int>> StepsOf(const graph::Graph& graph, const graph::GraphIndex& index) {
  std::vector<std::vector<int>> steps(index.size());
  for (size_t n = 0; n < index.size(); ++n) {
    for (const int edge : index.edges_of(static_cast<int>(n))) steps[n].push_back(index.target_of(edge));
    if (graph.nodes[n].kind != graph::kParallel) continue;
    for (const std::string& branch : graph.nodes[n].branches) {
      const int entry = index.Find(branch);
      if (entry != graph::GraphIndex::kNone) steps[n].push_back(entry);
    }
  }
  return steps;
}

/// Depth first without recursion: nodes in the order in which they are done with, and steps that lead back left out.
std::vector<int> DoneOrder(std::vector<std::vector<int>>& steps, int start) {
  enum class Mark : char { kNew, kOpen, kDone };
  std::vector<Mark> marks(steps.size(), Mark::kNew);
  std::vector<int> order;
  std::vector<std::pair<int, size_t>> stack;
  const auto open = [&](int node) {
    marks[static_cast<size_t>(node)] = Mark::kOpen;
    stack.emplace_back(node, 0);
  };
  if (start != graph::GraphIndex::kNone) open(start);
  while (!stack.empty()) {
    const auto [node, at] = stack.back();
    std::vector<int>& next = steps[static_cast<size_t>(node)];
    if (at == next.size()) {
      marks[static_cast<size_t>(node)] = Mark::kDone;
      order.push_back(node);
      stack.pop_back();
      continue;
    }
    const Mark mark = marks[static_cast<size_t>(next[at])];
    if (mark == Mark::kOpen) {
      next.erase(next.begin() + static_cast<std::ptrdiff_t>(at));
      continue;
    }
    ++stack.back().second;
    if (mark == Mark::kNew) open(next[at]);
  }
  return order;
}

int64_t LongestWay(const graph::Graph& graph, const graph::GraphIndex& index, const std::vector<int>& done,
                   const std::vector<std::vector<int>>& steps) {
  std::vector<int64_t> way(index.size(), 0);
  int64_t longest = 0;
  for (const int node : done) {
    const auto n = static_cast<size_t>(node);
    int64_t inside = 0;
    int64_t behind = 0;
    for (const int next : steps[n]) {
      const bool branch = graph.nodes[n].kind == graph::kParallel &&
                          std::ranges::find(graph.nodes[n].branches, graph.nodes[static_cast<size_t>(next)].id) !=
                              graph.nodes[n].branches.end();
      int64_t& longer = branch ? inside : behind;
      longer = std::max(longer, way[static_cast<size_t>(next)]);
    }
    way[n] = 1 + inside + behind;
    longest = std::max(longest, way[n]);
  }
  return longest;
}

std::string_view KeyOfPointer(std::string_view pointer) {
  if (pointer.starts_with('/')) pointer.remove_prefix(1);
  return pointer.substr(0, pointer.find('/'));
}

std::vector<std::string_view> KeysThatAreRead(const graph::GraphNode& node) {
  std::vector<std::string_view> keys(node.reads.begin(), node.reads.end());
  keys.insert(keys.end(), node.optional_reads.begin(), node.optional_reads.end());
  for (const auto& [place, pointer] : node.inputs) keys.push_back(KeyOfPointer(pointer));
  if (!node.items.empty()) keys.push_back(KeyOfPointer(node.items));
  return keys;
}

double ParallelSteps(const graph::Graph& graph, const std::vector<int>& done) {
  std::map<std::string_view, int64_t> written_at;  // the longest chain that ends in a write of the key
  std::map<std::string_view, int64_t> read_at;
  int64_t workers = 0;
  int64_t chain = 0;
  for (auto at = done.rbegin(); at != done.rend(); ++at) {
    const graph::GraphNode& node = graph.nodes[static_cast<size_t>(*at)];
    if (node.kind == graph::kParallel || node.kind == graph::kDecision) continue;
    ++workers;
    const std::vector<std::string_view> reads = KeysThatAreRead(node);
    int64_t level = 0;
    const auto follow = [&](const std::map<std::string_view, int64_t>& levels, std::string_view key) {
      if (const auto found = levels.find(key); found != levels.end()) level = std::max(level, found->second);
    };
    for (const std::string_view key : reads) follow(written_at, key);
    for (const std::string& key : node.writes) {
      follow(written_at, key);
      follow(read_at, key);
    }
    ++level;
    for (const std::string_view key : reads) read_at[key] = std::max(read_at[key], level);
    for (const std::string& key : node.writes) written_at[key] = std::max(written_at[key], level);
    chain = std::max(chain, level);
  }
  return workers == 0 ? 0 : 1 - static_cast<double>(chain) / static_cast<double>(workers);
}

struct InputCounts {
  double files = 0;
  std::set<nlohmann::json::value_t> types;
};

/// A text without blanks that has a slash or ends in a dot and one to five letters or digits.  It is a guess.
bool LooksLikeFile(std::string_view text) {
  if (text.empty() || text.size() > 4096) return false;
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  if (std::ranges::any_of(text, is_blank)) return false;
  if (text.find("://") != std::string_view::npos) return false;
  if (text.find('/') != std::string_view::npos) return true;
  const size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view ending = text.substr(dot + 1);
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !ending.empty() && ending.size() <= 5 && is_letter(ending[0]);
}

/// Values from outside are at most kMaxJsonDepth deep, so this may recurse.
void CountInput(const nlohmann::json& value, InputCounts& counts) {
  using Type = nlohmann::json::value_t;
  const bool number = value.is_number();
  counts.types.insert(number ? Type::number_float : value.type());
  if (value.is_string() && LooksLikeFile(value.get_ref<const std::string&>())) ++counts.files;
  if (value.is_structured()) {
    for (const nlohmann::json& element : value) CountInput(element, counts);
  }
}

/// Bits of one byte.
double EntropyOf(std::string_view text) {
  std::array<int64_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int64_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

double WordsOf(std::string_view text) {
  double words = 0;
  bool inside = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= 'a' && byte <= 'z') || byte == '_';
    if (letter && !inside) ++words;
    inside = letter;
  }
  return words;
}

void AppendInput(Features& features, const nlohmann::json& input) {
  if (input.is_null() || input.is_discarded()) {
    features.insert(features.end(), 6, kNotKnown);
    return;
  }
  const std::string text = input.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  InputCounts counts;
  CountInput(input, counts);
  const auto bytes = static_cast<double>(text.size());
  // Four bytes a token: what a tokenizer would count is not needed to tell long inputs from short ones.
  features.insert(features.end(), {bytes, WordsOf(text), std::ceil(bytes / 4), EntropyOf(text), counts.files,
                                   static_cast<double>(counts.types.size())});
}

void AppendContext(Features& features, const RunContext& context) {
  if (const auto at = ParseIso8601(context.at)) {
    const auto day = std::chrono::floor<std::chrono::days>(*at);
    const double hour = std::chrono::duration<double, std::ratio<3600>>(*at - day).count();
    const std::chrono::weekday weekday(day);
    features.insert(features.end(), {hour, static_cast<double>(weekday.iso_encoding() - 1)});
  } else {
    features.insert(features.end(), 2, kNotKnown);
  }
  features.push_back(context.recent_load.value_or(kNotKnown));
  features.push_back(context.resource_availability.value_or(kNotKnown));
}

}  // namespace

const std::vector<std::string_view>& FeatureNames() {
  static const std::vector<std::string_view> kNames = {
      "nodes",           "edges",          "max_depth",          "cyclomatic",       "parallelization",
      "input_bytes",     "input_words",    "input_tokens",       "input_entropy",    "input_files",
      "input_types",     "hour_of_day",    "day_of_week",        "recent_load",      "resource_availability",
      "similar_duration_s", "similar_success_rate", "similar_cost_usd", "similar_cpu_s", "similar_memory_mb",
  };
  return kNames;
}

GraphShape ShapeOf(const graph::Graph& graph) {
  const graph::GraphIndex index(graph);
  GraphShape shape{.nodes = static_cast<int64_t>(graph.nodes.size())};
  for (size_t n = 0; n < index.size(); ++n) {
    const auto leave = static_cast<int64_t>(index.edges_of(static_cast<int>(n)).size());
    shape.edges += leave;
    shape.cyclomatic += std::max<int64_t>(0, leave - 1);
    if (graph.nodes[n].kind == graph::kParallel) shape.edges += static_cast<int64_t>(graph.nodes[n].branches.size());
  }
  std::vector<std::vector<int>> steps = StepsOf(graph, index);
  const std::vector<int> done = DoneOrder(steps, index.Find(graph.start));
  shape.max_depth = LongestWay(graph, index, done, steps);
  shape.parallelization = ParallelSteps(graph, done);
  return shape;
}

Features FeaturesOf(const graph::Graph* graph, const nlohmann::json& input, const RunContext& context,
                    const SimilarRuns& similar) {
  Features features;
  features.reserve(FeatureNames().size());
  if (graph != nullptr) {
    const GraphShape shape = ShapeOf(*graph);
    for (const int64_t count : {shape.nodes, shape.edges, shape.max_depth, shape.cyclomatic}) {
      features.push_back(static_cast<double>(count));
    }
    features.push_back(shape.parallelization);
  } else {
    features.insert(features.end(), 5, kNotKnown);
  }
  AppendInput(features, input);
  AppendContext(features, context);
  for (const std::optional<double>& value : {similar.mean_duration_s, similar.success_rate, similar.mean_cost_usd,
                                             similar.mean_cpu_s, similar.mean_memory_mb}) {
    features.push_back(value.value_or(kNotKnown));
  }
  for (double& value : features) {
    if (!std::isfinite(value)) value = kNotKnown;
  }
  WFE_CHECK(features.size() == FeatureNames().size());
  return features;
}

std::map<std::string, double> NamedFeatures(const Features& features) {
  std::map<std::string, double> named;
  for (size_t i = 0; i < std::min(features.size(), FeatureNames().size()); ++i) {
    if (std::isfinite(features[i])) named.emplace(FeatureNames()[i], features[i]);
  }
  return named;
}

Features FeaturesFrom(const std::map<std::string, double>& named) {
  Features features;
  for (const std::string_view name : FeatureNames()) {
    const auto found = named.find(std::string(name));
    features.push_back(found == named.end() || !std::isfinite(found->second) ? kNotKnown : found->second);
  }
  return features;
}

std::string_view SizeClassOf(size_t nodes) {
  if (nodes <= 10) return "small";
  return nodes <= 50 ? "medium" : "large";
}

}  // namespace wfe::optimizer
