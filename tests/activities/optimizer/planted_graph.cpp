#include "tests/activities/optimizer/planted_graph.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/activities/optimizer/planted_runs.h"
#include "tests/simulation/random.h"

namespace wfe::optimizer {
namespace {

using graph::GraphNode;

class Gardener {
 public:
  Gardener(uint64_t seed, PlantedOptions options) : random_(seed), options_(options) {}

  PlantedGraph Make() {
    made_.graph.id = "planted";
    made_.graph.inputs = {"seed"};
    made_.catalog.models = {{"small", "tiny-model", 0.1, 0.4, 0.35},
                            {"medium", "middle-model", 0.5, 2, 0.6},
                            {"large", "giant-model", 2, 10, 1}};
    std::vector<int> order;
    while (static_cast<int>(made_.graph.nodes.size()) < options_.nodes) {
      if (order.empty()) {
        for (int block = 0; block < 14; ++block) order.push_back(block);
      }
      const size_t at = random_.Below(order.size());
      Block(order[at]);
      order.erase(order.begin() + static_cast<std::ptrdiff_t>(at));
    }
    made_.graph.outputs = {anchor_};
    LiveThrough(habits_, options_.executions, random_.Fork("runs"), made_);
    return std::move(made_);
  }

 private:
  /// A step behind what there is.
  GraphNode& Step(const std::string& name, const std::vector<std::string>& reads, const std::string& writes) {
    GraphNode node;
    node.id = name + std::to_string(next_++);
    node.activity = "callTool";
    node.tool = "tool_of_" + node.id;
    node.reads = reads;
    if (!writes.empty()) node.writes = {writes};
    node.parameters = {{"p", random_.Below(1000)}};
    if (made_.graph.start.empty()) made_.graph.start = node.id;
    if (!last_.empty()) made_.graph.edges.push_back({last_, node.id, ""});
    last_ = node.id;
    Habit habit;
    habit.duration = 1 + static_cast<double>(random_.Below(200)) / 10;
    habit.cost = static_cast<double>(random_.Below(100)) / 1000;
    habits_[node.id] = habit;
    made_.graph.nodes.push_back(std::move(node));
    return made_.graph.nodes.back();
  }
  Habit& HabitOf(const GraphNode& node) { return habits_[node.id]; }
  std::string Key() { return "k" + std::to_string(next_++); }
  /// What the block gave goes on as one result, on which everything after it depends.
  void Close(std::vector<std::string> keys) {
    const std::string key = Key();
    if (keys.empty()) keys.push_back(anchor_);
    Step("join", keys, key);
    anchor_ = key;
  }

  void Block(int kind) {
    switch (kind) {
      case 0: return Independent();
      case 1: return TwoSteps();
      case 2: return WriteConflict();
      case 3: return Tools();
      case 4: return Models();
      case 5: return Repeated();
      case 6: return NotToBeCached();
      case 7: return Unused();
      case 8: return LooksUnused();
      case 9: return Failing();
      case 10: return Twice();
      case 11: return LooksTwice();
      case 12: return Many();
      default: return Choice();
    }
  }

  void Independent() {
    std::vector<std::string> ids;
    std::vector<std::string> keys;
    for (uint64_t n = 2 + random_.Below(3); n > 0; --n) {
      keys.push_back(Key());
      ids.push_back(Step("free", {anchor_}, keys.back()).id);
    }
    made_.plants.push_back({"independent steps", std::string(kCreateParallelNode), ids, "", ""});
    Close(keys);
  }

  /// The third needs the first only by way of the second.
  void TwoSteps() {
    const std::string a = Key();
    const std::string b = Key();
    const std::string c = Key();
    const std::string first = Step("first", {anchor_}, a).id;
    Step("second", {a}, b);
    const std::string third = Step("third", {b}, c).id;
    made_.traps.push_back({"a dependency two steps long", std::string(kCreateParallelNode), {first, third}, "", false});
    Close({a, c});
  }

  /// Both read the same, and write the same; or the second writes what the first one reads.
  void WriteConflict() {
    const std::string key = Key();
    if (random_.Chance(0.5)) {
      const std::string a = Step("writes", {anchor_}, key).id;
      const std::string b = Step("overwrites", {anchor_}, key).id;
      made_.traps.push_back({"a write conflict", std::string(kCreateParallelNode), {a, b}, "", false});
      return Close({key});
    }
    const std::string a = Step("reads", {anchor_}, key).id;
    const std::string old = anchor_;
    const std::string b = Step("replaces", {"seed"}, old).id;
    made_.traps.push_back({"a key written after it is read", std::string(kCreateParallelNode), {a, b}, "", false});
    Close({key, old});
  }

  void Tools() {
    const std::string key = Key();
    const std::string id = Step("search", {anchor_}, key).id;
    const std::string hosted = "tool_of_" + id;
    HabitOf(made_.graph.nodes.back()) = {.duration = 6, .cost = 0.08, .success = 1};
    const auto tool = [&](const std::string& name, double cost, double duration, double success,
                          const std::vector<std::string>& capabilities) {
      ToolInfo info;
      info.tool_id = name;
      info.capabilities = capabilities;
      info.avg_cost = cost;
      info.avg_duration = duration;
      info.success_rate = success;
      made_.catalog.tools.push_back(std::move(info));
    };
    const std::string what = "search" + id;
    tool(hosted, 0.08, 6, 1, {what, "ranking"});
    tool("local_" + id, 0.01, 2, 0.99, {what, "ranking", "offline"});
    tool("wrong_" + id, 0.001, 0.5, 0.7, {what, "ranking"});
    tool("sloppy_" + id, 0.001, 0.5, 0.93, {what, "ranking"});
    tool("half_" + id, 0.001, 0.5, 1, {what});
    tool("gone_" + id, 0.001, 0.5, 1, {what, "ranking"});
    made_.catalog.tools.back().status = "retired";
    tool("other_form_" + id, 0.001, 0.5, 1, {what, "ranking"});
    made_.catalog.tools.back().output_schema = {{"type", "array"}};
    made_.catalog.tools[made_.catalog.tools.size() - 7].output_schema = {{"type", "object"}};
    made_.plants.push_back({"a dominated tool", std::string(kSubstituteTool), {id}, "local_" + id, ""});
    for (const char* const bad : {"wrong_", "sloppy_", "half_", "gone_", "other_form_"})
      made_.traps.push_back({bad + std::string("tool"), std::string(kSubstituteTool), {id}, bad + id, false});
    Close({key});
  }

  void Models() {
    const std::string key = Key();
    const auto agent = [&](const std::string& name, double in, double out, double success) {
      GraphNode& node = Step(name, {anchor_}, key);
      node.kind = graph::kAgent;
      node.model = "giant-model";
      HabitOf(node) = {.duration = 8, .cost = (2 * in + 10 * out) / 1e6, .success = success, .input_tokens = in,
                       .output_tokens = out};
      return node.id;
    };
    switch (random_.Below(4)) {
      case 0: {
        const std::string id = agent("simple", 300, 100, 1);
        made_.plants.push_back(
            {"an oversized model", std::string(kSubstituteModel), {id}, "tiny-model", std::string(kAfterExperiment)});
        break;
      }
      case 1: {
        const std::string id = agent("middling", 1'200, 500, 1);
        made_.plants.push_back({"an oversized model", std::string(kSubstituteModel), {id}, "middle-model", ""});
        made_.traps.push_back({"a model too small", std::string(kSubstituteModel), {id}, "tiny-model", false});
        break;
      }
      case 2:
        made_.traps.push_back(
            {"complex work", std::string(kSubstituteModel), {agent("complex", 4'000, 800, 1)}, "", false});
        break;
      default:
        made_.traps.push_back({"a model that fails as it is", std::string(kSubstituteModel),
                               {agent("failing", 300, 100, 0.6)}, "", false});
    }
    Close({key});
  }

  void Repeated() {
    const std::string key = Key();
    GraphNode& node = Step("embed", {anchor_}, key);
    node.deterministic = random_.Chance(0.5);
    HabitOf(node).inputs = 3 + static_cast<int>(random_.Below(4));
    made_.plants.push_back({"an uncached deterministic call", std::string(kEnableCache), {node.id}, "",
                            std::string(kAfterValidation)});
    Close({key});
  }

  void NotToBeCached() {
    const std::string key = Key();
    GraphNode& node = Step("keep", {anchor_}, key);
    Habit& habit = HabitOf(node);
    habit.inputs = 4;
    const uint64_t kind = random_.Below(4);
    if (kind == 0) {
      node.deterministic = true;
      node.side_effects = true;
    } else if (kind == 1) {
      habit.contradicts = 0.5;
    } else if (kind == 2) {
      node.deterministic = true;  // it says so
      habit.contradicts = 0.12;
    } else {
      habit.inputs = 0;  // never the same
      node.deterministic = true;
    }
    const char* const names[] = {"a cache of side effects", "a cache of what contradicts itself",
                                 "a cache of what is wrongly declared", "a cache without hits"};
    made_.traps.push_back({names[kind], std::string(kEnableCache), {node.id}, "", kind == 2});
    Close({key});
  }

  void Unused() {
    const std::string used = Key();
    const std::string id = Step("unused", {anchor_}, Key()).id;
    if (random_.Chance(0.5)) {
      const std::string between = made_.graph.nodes.back().writes[0];
      const std::string also = Step("unused_too", {between}, Key()).id;
      made_.plants.push_back({"an output that only an unused one reads", std::string(kRemoveNode), {id, also}, "", ""});
      made_.plants.push_back({"an unused output", std::string(kRemoveNode), {also}, "", std::string(kAfterValidation)});
    } else {
      made_.plants.push_back({"an unused output", std::string(kRemoveNode), {id}, "", std::string(kAfterValidation)});
    }
    Step("used", {anchor_}, used);
    Close({used});
  }

  void LooksUnused() {
    const std::string key = Key();
    GraphNode& node = Step("notify", {anchor_}, key);
    const uint64_t kind = random_.Below(3);
    const std::string id = node.id;
    std::string used = Key();
    if (kind == 0) {
      node.side_effects = true;
      Step("next", {anchor_}, used);
    } else if (kind == 1) {
      Step("next", {anchor_}, used).optional_reads = {key};
    } else {
      node.writes.clear();  // it only fails, when something is wrong
      Step("next", {anchor_}, used);
    }
    made_.traps.push_back({"a node that looks unused", std::string(kRemoveNode), {id}, "", false});
    Close({used});
  }

  void Failing() {
    const std::string key = Key();
    GraphNode& node = Step("fails", {anchor_}, key);
    const std::string id = node.id;
    switch (random_.Below(3)) {
      case 0:
        HabitOf(node).success = 0.3;
        made_.plants.push_back(
            {"a failing node", std::string(kRemoveNode), {id}, "", std::string(kAfterReview)});
        return Close({});
      case 1:
        HabitOf(node).success = 0.3;
        made_.traps.push_back({"a failing node that is needed", std::string(kRemoveNode), {id}, "", false});
        return Close({key});
      default:
        HabitOf(node).success = 0.65;
        made_.plants.push_back({"a node that fails now and then", std::string(kSetRetry), {id}, "", ""});
        made_.traps.push_back({"a node that fails now and then", std::string(kRemoveNode), {id}, "", false});
        return Close({key});
    }
  }

  /// Two calls that are the same, one after the other.
  std::pair<std::string, std::string> Pair(const std::string& a, const std::string& b, const std::string& between) {
    GraphNode& first = Step("same", {anchor_}, a);
    first.deterministic = true;
    const std::string id = first.id;
    const GraphNode call = first;
    if (!between.empty()) Step("between", {"seed"}, between);
    GraphNode& second = Step("again", {anchor_}, b);
    second.tool = call.tool;
    second.parameters = call.parameters;
    second.deterministic = true;
    HabitOf(second) = habits_[id];
    return {id, second.id};
  }

  void Twice() {
    const std::string a = Key();
    const std::string b = Key();
    const auto [keep, gone] = Pair(a, b, "");
    made_.plants.push_back(
        {"the same twice", std::string(kMergeNodes), {keep, gone}, "", std::string(kAfterExperiment)});
    std::vector<std::string> keys = {a, b};
    if (random_.Chance(0.5)) keys.pop_back();
    const std::string c = Key();
    Step("reads_again", {b}, c);
    keys.push_back(c);
    Close(keys);
  }

  void LooksTwice() {
    const std::string a = Key();
    const std::string b = Key();
    if (random_.Chance(0.5)) {
      const auto [keep, gone] = Pair(a, b, anchor_);  // what they read was written in between
      made_.traps.push_back({"the same call of something else", std::string(kMergeNodes), {keep, gone}, "", false});
    } else {
      const auto [keep, gone] = Pair(a, b, "");
      for (GraphNode& node : made_.graph.nodes) {
        if (node.id == keep || node.id == gone) node.deterministic = false;
      }
      made_.traps.push_back({"two draws", std::string(kMergeNodes), {keep, gone}, "", false});
    }
    Close({a, b});
  }

  void Many() {
    const bool worth_it = random_.Chance(0.6);
    const bool chained = !worth_it && random_.Chance(0.5);
    const std::string tool = "embedder" + std::to_string(next_++);
    std::vector<std::string> ids;
    std::vector<std::string> keys;
    for (uint64_t n = worth_it || chained ? 4 + random_.Below(3) : 3; n > 0; --n) {
      keys.push_back(Key());
      GraphNode& node = Step("embeds", {chained && keys.size() > 1 ? keys[keys.size() - 2] : anchor_}, keys.back());
      node.tool = tool;
      HabitOf(node) = {.duration = 2, .cost = 0.01};
      ids.push_back(node.id);
    }
    ToolInfo info;
    info.tool_id = tool;
    info.supports_batch = true;
    info.batch_kind = "embedding";
    made_.catalog.tools.push_back(std::move(info));
    if (worth_it) {
      made_.plants.push_back({"calls that can be one", std::string(kCreateBatchNode), ids, "", ""});
    } else {
      made_.traps.push_back({chained ? "calls that need each other" : "too few calls", std::string(kCreateBatchNode),
                             {ids[0], ids[1]}, "", false});
    }
    Close(keys);
  }

  /// One of two ways: nodes of different ways are never together.
  void Choice() {
    const std::string a = Key();
    const std::string id = Step("look", {anchor_}, a).id;
    const auto node = [&](const std::string& name) {
      last_.clear();
      const std::string start = made_.graph.start;
      GraphNode& step = Step(name, {a}, "way" + id);
      made_.graph.start = start;
      HabitOf(step).taken = 0.5;
      return step.id;
    };
    const std::string left = node("left");
    const std::string right = node("right");
    last_.clear();
    GraphNode join;
    join.id = "meet" + std::to_string(next_++);
    join.kind = graph::kDecision;
    last_ = join.id;
    made_.graph.edges.push_back({id, left, "/" + a + "/n < 50"});
    made_.graph.edges.push_back({id, right, ""});
    made_.graph.edges.push_back({left, join.id, ""});
    made_.graph.edges.push_back({right, join.id, ""});
    made_.graph.nodes.push_back(std::move(join));
    made_.traps.push_back({"two ways of a condition", std::string(kCreateParallelNode), {left, right}, "", false});
    made_.traps.push_back({"what a condition reads", std::string(kRemoveNode), {id}, "", false});
    Close({"way" + id});
  }

  simulation::Random random_;
  const PlantedOptions options_;
  int next_ = 0;
  std::string anchor_ = "seed";
  std::string last_;
  std::map<std::string, Habit> habits_;
  PlantedGraph made_;
};

bool Becomes(const GraphChange& change, const std::string& what) {
  return what.empty() || change.tool == what || change.model == what;
}

std::set<std::string> NodesOf(const OptimizationSuggestion& suggestion, const std::string& type,
                              const std::string& becomes) {
  std::set<std::string> nodes;
  for (const GraphChange& change : suggestion.changes) {
    if (change.type == type && Becomes(change, becomes)) nodes.insert(change.nodes.begin(), change.nodes.end());
  }
  return nodes;
}

}  // namespace

PlantedGraph PlantGraph(uint64_t seed, PlantedOptions options) { return Gardener(seed, options).Make(); }

bool Finds(const std::vector<OptimizationSuggestion>& made, const Plant& plant) {
  const std::set<std::string> wanted(plant.nodes.begin(), plant.nodes.end());
  return std::ranges::any_of(made, [&](const OptimizationSuggestion& suggestion) {
    return NodesOf(suggestion, plant.type, plant.becomes) == wanted &&
           (plant.needs.empty() || suggestion.needs == plant.needs);
  });
}

bool FallsInto(const std::vector<OptimizationSuggestion>& made, const Trap& trap) {
  return std::ranges::any_of(made, [&](const OptimizationSuggestion& suggestion) {
    if (trap.with_approval && suggestion.needs != kAfterValidation) return false;
    const std::set<std::string> nodes = NodesOf(suggestion, trap.type, trap.becomes);
    return std::ranges::all_of(trap.nodes, [&](const std::string& node) { return nodes.contains(node); });
  });
}

}  // namespace wfe::optimizer
