// Every read is preceded by a write on all paths: a forward analysis over the points before and after each node, whose
// value is the set of keys that have been written whichever way was taken.
//
// After a parallel node stands what any of its branches has written at all of its own ends.
#include <algorithm>
#include <bit>
#include <deque>
#include <unordered_map>

#include "activities/graph/validation.h"

namespace wfe::graph {
namespace {

/// A set of keys, by their numbers.
using Keys = std::vector<uint64_t>;

class WrittenBefore {
 public:
  explicit WrittenBefore(Validation& v) : v_(v) {
    for (const std::string& key : v.graph.inputs) NumberOf(key);
    for (const GraphNode& node : v.graph.nodes) {
      for (const std::string& key : node.writes) NumberOf(key);
    }
    words_ = numbers_.size() / 64 + 1;
    const size_t points = 2 * v.graph.nodes.size() + v.regions.size();
    written_.assign(points, Keys(words_, ~uint64_t{0}));
    before_.resize(points);
    after_.resize(points);
    Connect();
  }

  void Run() {
    std::deque<size_t> open;
    std::vector<bool> waits(written_.size());
    const size_t start = Before(v_.regions[0].entry);
    const auto add = [&](size_t point) {
      if (waits[point]) return;
      waits[point] = true;
      open.push_back(point);
    };
    add(start);
    std::vector<bool> seen(written_.size());
    while (!open.empty()) {
      const size_t point = open.front();
      open.pop_front();
      waits[point] = false;
      Keys now = Value(point, start);
      if (seen[point] && now == written_[point]) continue;
      seen[point] = true;
      written_[point] = std::move(now);
      for (const size_t next : after_[point]) add(next);
    }
    for (size_t n = 0; n < v_.graph.nodes.size(); ++n) {
      if (v_.region_of[n] != -1) CheckNode(static_cast<int>(n));
    }
    CheckOutputs();
  }

 private:
  // The points: before each node, after each node, at the end of each region.
  size_t Before(int node) const { return static_cast<size_t>(node); }
  size_t After(int node) const { return v_.graph.nodes.size() + static_cast<size_t>(node); }
  size_t EndOf(size_t region) const { return 2 * v_.graph.nodes.size() + region; }
  bool IsAfter(size_t point) const { return point >= v_.graph.nodes.size() && point < EndOf(0); }
  int NodeAt(size_t point) const {
    return static_cast<int>(point < v_.graph.nodes.size() ? point : point - v_.graph.nodes.size());
  }

  size_t NumberOf(const std::string& key) { return numbers_.emplace(key, numbers_.size()).first->second; }
  static void Insert(Keys& keys, size_t number) { keys[number / 64] |= uint64_t{1} << (number % 64); }

  void Arrow(size_t from, size_t to) {
    after_[from].push_back(to);
    before_[to].push_back(from);
  }

  void Connect() {
    for (size_t r = 0; r < v_.regions.size(); ++r) {
      const Region& region = v_.regions[r];
      if (region.fork != GraphIndex::kNone) {
        Arrow(Before(region.fork), Before(region.entry));
        Arrow(EndOf(r), After(region.fork));
      }
      for (const int node : region.nodes) {
        Arrow(Before(node), After(node));
        if (v_.index.edges_of(node).empty()) Arrow(After(node), EndOf(r));
        for (const int edge : v_.index.edges_of(node)) Arrow(After(node), Before(v_.index.target_of(edge)));
      }
    }
  }

  Keys Value(size_t point, size_t start) const {
    if (IsAfter(point)) {
      const int node = NodeAt(point);
      Keys keys = written_[Before(node)];
      for (const int region : v_.branches_of[static_cast<size_t>(node)]) {
        // One that has not been looked at yet still says "all"; it says less later.
        const Keys& branch = written_[EndOf(static_cast<size_t>(region))];
        for (size_t w = 0; w < words_; ++w) keys[w] |= branch[w];
      }
      for (const std::string& key : v_.node(node).writes) Insert(keys, numbers_.at(key));
      return keys;
    }
    Keys keys(words_, point == start ? 0 : ~uint64_t{0});
    if (point == start) {
      for (const std::string& key : v_.graph.inputs) Insert(keys, numbers_.at(key));
    }
    for (const size_t from : before_[point]) {
      for (size_t w = 0; w < words_; ++w) keys[w] &= written_[from][w];
    }
    return keys;
  }

  bool IsWritten(size_t point, const std::string& key) const {
    const auto number = numbers_.find(key);
    if (number == numbers_.end()) return false;
    return (written_[point][number->second / 64] >> (number->second % 64) & 1) != 0;
  }

  void CheckNode(int node) {
    const std::vector<std::string>& reads = v_.node(node).reads;
    for (size_t k = 0; k < reads.size(); ++k) {
      if (IsWritten(Before(node), reads[k])) continue;
      v_.Wrong(node, "/reads/" + std::to_string(k), "it reads " + reads[k] + ", " + WhyNot(Before(node), reads[k]));
    }
    for (const int edge : v_.index.edges_of(node)) {
      const auto& condition = v_.conditions[static_cast<size_t>(edge)];
      if (!condition) continue;
      const std::vector<std::string>& read = condition->keys();
      const std::vector<std::string>& guarded = condition->guarded_keys();
      for (const std::string& key : read) {
        if (IsWritten(After(node), key) || std::ranges::find(guarded, key) != guarded.end()) continue;
        v_.WrongEdge(static_cast<size_t>(edge), "/condition",
                     "its condition reads " + key + ", " + WhyNot(After(node), key));
      }
    }
  }

  void CheckOutputs() {
    for (size_t k = 0; k < v_.graph.outputs.size(); ++k) {
      const std::string& key = v_.graph.outputs[k];
      if (IsWritten(EndOf(0), key)) continue;
      v_.mistakes.Add("/outputs/" + std::to_string(k),
                      "the graph's output " + key + ": it is one " + WhyNot(EndOf(0), key));
    }
  }

  /// "which nothing writes", or "which is not written on the way a -> b -> c".
  std::string WhyNot(size_t point, const std::string& key) const {
    if (!numbers_.contains(key)) return "which no node writes and no input of the graph is";
    if (!v_.mistakes.has_room()) return "which is not written on every way to it";
    // Backwards, through points where it is not written, to the start.
    std::vector<size_t> next(written_.size(), written_.size());
    std::deque<size_t> open = {point};
    next[point] = point;
    const size_t start = Before(v_.regions[0].entry);
    while (!open.empty() && open.front() != start) {
      const size_t at = open.front();
      open.pop_front();
      for (const size_t from : before_[at]) {
        if (next[from] != written_.size() || IsWritten(from, key)) continue;
        next[from] = at;
        open.push_back(from);
      }
    }
    std::string way;
    for (size_t at = start; next[at] != written_.size(); at = next[at]) {
      if (at < v_.graph.nodes.size()) way += (way.empty() ? "" : " -> ") + v_.id(NodeAt(at));
      if (at == point) break;
    }
    return "which is not written on the way " + way;
  }

  Validation& v_;
  std::unordered_map<std::string, size_t> numbers_;
  size_t words_ = 0;
  std::vector<Keys> written_;
  std::vector<std::vector<size_t>> before_;
  std::vector<std::vector<size_t>> after_;
};

}  // namespace

void CheckReads(Validation& validation) { WrittenBefore(validation).Run(); }

}  // namespace wfe::graph
