#include "tests/activities/graph/random_graph.h"

#include <algorithm>
#include <vector>

#include "engine/base/fnv.h"
#include "tests/simulation/random.h"

namespace wfe::graph {
namespace {

using nlohmann::json;

class Maker {
 public:
  Maker(uint64_t seed, RandomGraphOptions options) : random_(seed), left_(options.nodes) {}

  json Make() {
    std::vector<std::string> written = {"seed"};
    std::string start;
    std::string last;
    while (left_ > 0 || start.empty()) Append(Block(written, 0), start, last);
    return {{"id", "random"}, {"start", start}, {"inputs", {"seed"}}, {"nodes", nodes_}, {"edges", edges_}};
  }

 private:
  /// A piece with one way in and one way out.
  struct Piece {
    std::string entry;
    std::string exit;
  };

  void Append(const Piece& piece, std::string& start, std::string& last) {
    if (start.empty()) start = piece.entry;
    if (!last.empty()) Edge(last, piece.entry);
    last = piece.exit;
  }
  void Edge(const std::string& source, const std::string& target, const std::string& condition = "") {
    json edge = {{"source", source}, {"target", target}};
    if (!condition.empty()) edge["condition"] = condition;
    edges_.push_back(edge);
  }
  std::string NewId(const char* kind) { return kind + std::to_string(next_++); }
  const std::string& Pick(const std::vector<std::string>& keys) { return keys[random_.Below(keys.size())]; }
  std::string Guard(const std::vector<std::string>& written) {
    const std::string& key = Pick(written);
    if (key == "seed") return "/seed < 50";
    return "/" + key + "/n " + (random_.Chance(0.5) ? "<" : ">=") + " " + std::to_string(random_.Below(100));
  }

  json Step(const std::vector<std::string>& written, const std::string& key) {
    --left_;
    json node = {{"id", NewId("a")},
                 {"kind", random_.Chance(0.2) ? "agent" : "activity"},
                 {"activity", "step"},
                 {"parameters", {{"p", random_.Below(1000)}}},
                 {"writes", {key}},
                 {"timeout_s", 5},
                 {"retry", {{"maximum_attempts", 0}, {"initial_interval_s", 1}}}};
    std::vector<std::string> reads = {Pick(written)};
    const std::string& other = Pick(written);
    if (other != reads[0]) reads.push_back(other);
    node["reads"] = reads;
    if (random_.Chance(0.2) && std::ranges::find(reads, key) == reads.end()) node["optional_reads"] = {key};
    return node;
  }

  Piece Activity(std::vector<std::string>& written) {
    const std::string key = NewId("k");
    json node = Step(written, key);
    const std::string id = node["id"];
    nodes_.push_back(std::move(node));
    written.push_back(key);
    return {id, id};
  }

  Piece Block(std::vector<std::string>& written, int depth) {
    const uint64_t kind = depth >= 3 ? 0 : random_.Below(10);
    if (kind <= 3) return Activity(written);
    if (kind <= 5) return Choice(written, depth);
    if (kind == 6) return Loop(written, depth);
    if (kind == 7) return Batch(written);
    return Parallel(written, depth);
  }

  Piece Chain(std::vector<std::string>& written, int depth) {
    std::string start;
    std::string last;
    for (uint64_t n = 1 + random_.Below(3); n > 0; --n) Append(Block(written, depth), start, last);
    return {start, last};
  }

  /// One of two ways, and together again: what only one of them writes is not read later.
  Piece Choice(const std::vector<std::string>& written, int depth) {
    const std::string decide = NewId("d");
    const std::string join = NewId("j");
    nodes_.push_back({{"id", decide}, {"kind", "decision"}});
    nodes_.push_back({{"id", join}, {"kind", "decision"}});
    for (const bool first : {true, false}) {
      std::vector<std::string> of_way = written;
      const Piece way = Chain(of_way, depth + 1);
      Edge(decide, way.entry, first ? Guard(written) : "");
      Edge(way.exit, join);
    }
    return {decide, join};
  }

  Piece Loop(std::vector<std::string>& written, int depth) {
    const Piece head = Activity(written);
    nodes_.back()["max_iterations"] = 1 + random_.Below(4);
    const Piece body = Chain(written, depth + 1);
    Edge(head.exit, body.entry);
    const std::string again = NewId("d");
    const std::string out = NewId("j");
    nodes_.push_back({{"id", again}, {"kind", "decision"}});
    nodes_.push_back({{"id", out}, {"kind", "decision"}});
    Edge(body.exit, again);
    Edge(again, head.entry, Guard(written));
    // Now and then nothing but the way back: when that is used up, the run is stuck.
    Edge(again, out, random_.Chance(0.9) ? "" : "/seed >= 1000");
    return {head.entry, out};
  }

  Piece Parallel(std::vector<std::string>& written, int depth) {
    const std::string id = NewId("p");
    std::vector<std::string> branches;
    std::vector<std::string> after = written;
    for (uint64_t n = 2 + random_.Below(2); n > 0; --n) {
      std::vector<std::string> of_branch = written;
      branches.push_back(Chain(of_branch, depth + 1).entry);
      after.insert(after.end(), of_branch.begin() + static_cast<std::ptrdiff_t>(written.size()), of_branch.end());
    }
    nodes_.push_back({{"id", id}, {"kind", "parallel"}, {"branches", branches}});
    written = after;
    return {id, id};
  }

  Piece Batch(std::vector<std::string>& written) {
    --left_;
    const std::string id = NewId("b");
    json node = {
        {"id", id}, {"kind", "batch"}, {"activity", "steps"}, {"timeout_s", 5}, {"retry", {{"maximum_attempts", 0}}}};
    std::vector<std::string> members;
    std::vector<std::string> keys;
    for (uint64_t n = 2 + random_.Below(3); n > 0; --n) {
      keys.push_back(NewId("k"));
      json member = Step(written, keys.back());
      members.push_back(member["id"]);
      nodes_.push_back(std::move(member));
    }
    node["branches"] = members;
    written.insert(written.end(), keys.begin(), keys.end());
    nodes_.push_back(std::move(node));
    return {id, id};
  }

  simulation::Random random_;
  int left_;
  int next_ = 0;
  json nodes_ = json::array();
  json edges_ = json::array();
};

class Plain {
 public:
  Plain(const json& graph, json state) : graph_(graph) {
    expected_.state = std::move(state);
    for (const json& node : graph["nodes"]) nodes_[node["id"]] = &node;
  }

  Expected Run() {
    Walk(graph_["start"]);
    return std::move(expected_);
  }

 private:
  void Walk(std::string id) {
    std::map<std::string, int64_t> runs;
    while (!id.empty() && expected_.stuck_at.empty()) {
      ++runs[id];
      Do(*nodes_.at(id));
      if (expected_.stuck_at.empty()) id = Next(id, runs);
    }
  }

  json InputOf(const json& node) const {
    json input = node.value("parameters", json::object());
    for (const json& key : node.value("reads", json::array())) input[key.get<std::string>()] = expected_.state.at(key);
    for (const json& key : node.value("optional_reads", json::array())) {
      if (expected_.state.contains(key)) input[key.get<std::string>()] = expected_.state.at(key);
    }
    return input;
  }

  void Do(const json& node) {
    const std::string id = node["id"];
    ++expected_.runs[id];
    if (node["kind"] == "activity" || node["kind"] == "agent") {
      ++expected_.calls[id];
      expected_.state[node["writes"][0].get<std::string>()] = StepOf(InputOf(node));
    } else if (node["kind"] == "parallel") {
      ++nesting_;
      for (const json& branch : node["branches"]) Walk(branch);
      --nesting_;
    } else if (node["kind"] == "batch") {
      ++expected_.calls[id];
      const json before = expected_.state;
      std::map<std::string, json> writes;
      for (const json& member : node["branches"]) {
        const json& what = *nodes_.at(member);
        ++expected_.runs[member];
        writes[what["writes"][0]] = StepOf(InputOf(what));
      }
      for (const auto& [key, value] : writes) expected_.state[key] = value;
    }
  }

  bool Holds(const std::string& condition) const {
    if (condition == "true") return true;
    const size_t sign = condition.find(' ');
    const size_t value = condition.find(' ', sign + 1);
    const json::json_pointer place(condition.substr(0, sign));
    const int64_t left = expected_.state.at(place);
    const int64_t right = std::stoll(condition.substr(value + 1));
    return condition.substr(sign + 1, value - sign - 1) == "<" ? left < right : left >= right;
  }

  std::string Next(const std::string& id, std::map<std::string, int64_t>& runs) {
    bool any = false;
    for (const json& edge : graph_["edges"]) {
      if (edge["source"] != id) continue;
      any = true;
      const std::string target = edge["target"];
      const int64_t limit = nodes_.at(target)->value("max_iterations", int64_t{0});
      if (limit > 0 && runs[target] >= limit) continue;
      if (!edge.contains("condition") || Holds(edge["condition"])) return target;
    }
    if (any) {
      expected_.stuck_at = id;
      expected_.stuck_in_branch = nesting_ > 0;
    }
    return "";
  }

  const json& graph_;
  std::map<std::string, const json*> nodes_;
  int nesting_ = 0;
  Expected expected_;
};

}  // namespace

json StepOf(const json& input) {
  Fnv1a hash(7);
  hash.Add(input.dump());
  const auto n = static_cast<int64_t>(hash.value() >> 17) % 100;
  return {{"n", n}, {"duration_ms", 10 + n * 7}};
}

json StepsOf(const json& input) {
  json results = json::array();
  for (const json& item : input.at("items")) results.push_back(StepOf(item));
  return results;
}

json RandomGraph(uint64_t seed, RandomGraphOptions options) { return Maker(seed, options).Make(); }

Expected Interpret(const json& graph, const json& state) { return Plain(graph, state).Run(); }

}  // namespace wfe::graph
