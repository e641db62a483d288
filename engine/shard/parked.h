// Calls that wait for something, by what they wait for.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wfe::shard {

/// Lists of parked calls, each in the order they came; an empty list takes no room.  Whoever is taken out is the
/// caller's, so that answering one may park another.
template <class Key, class T>
class Parked {
 public:
  using List = std::vector<std::unique_ptr<T>>;

  T& Add(const Key& key, std::unique_ptr<T> call) {
    List& list = lists_[key];
    list.push_back(std::move(call));
    return *list.back();
  }
  bool Has(const Key& key) const { return lists_.contains(key); }
  size_t Count(const Key& key) const {
    const auto found = lists_.find(key);
    return found == lists_.end() ? 0 : found->second.size();
  }
  std::vector<T*> Of(const Key& key) const {
    std::vector<T*> calls;
    if (const auto found = lists_.find(key); found != lists_.end()) {
      for (const std::unique_ptr<T>& call : found->second) calls.push_back(call.get());
    }
    return calls;
  }

  template <class Which>
  List TakeIf(const Key& key, Which which) {
    List taken;
    const auto found = lists_.find(key);
    if (found == lists_.end()) return taken;
    List& list = found->second;
    const auto first = std::stable_partition(list.begin(), list.end(), [&](const auto& call) { return !which(*call); });
    taken.assign(std::make_move_iterator(first), std::make_move_iterator(list.end()));
    list.erase(first, list.end());
    if (list.empty()) lists_.erase(found);
    return taken;
  }
  List Take(const Key& key) {
    return TakeIf(key, [](const T&) { return true; });
  }
  List TakeAll() {
    List taken;
    for (auto& [key, list] : lists_) std::move(list.begin(), list.end(), std::back_inserter(taken));
    lists_.clear();
    return taken;
  }

 private:
  std::unordered_map<Key, List> lists_;
};

}  // namespace wfe::shard
