// One piece of work for each run at a time.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wfe::worker {

/// Who works on a run, and who waits for it.  Plain data; its owner calls it from one strand.
template <class Work>
class Turns {
 public:
  using WorkPtr = std::shared_ptr<Work>;

  /// True: nobody was at the run, and `work` is now.  Else it waits until Next gives it out.
  bool Take(const std::string& run_id, WorkPtr work) {
    const auto [found, free] = runs_.try_emplace(run_id);
    if (free) {
      found->second.holder = std::move(work);
    } else {
      found->second.waiting.push_back(std::move(work));
    }
    return free;
  }
  /// Before all others that wait; somebody holds the run.
  void PutFirst(const std::string& run_id, WorkPtr work) {
    runs_.at(run_id).waiting.push_front(std::move(work));
  }
  bool Holds(const std::string& run_id, const WorkPtr& work) const {
    const auto found = runs_.find(run_id);
    return found != runs_.end() && found->second.holder == work;
  }
  /// nullptr: nobody works on the run.
  WorkPtr Holder(const std::string& run_id) const {
    const auto found = runs_.find(run_id);
    return found == runs_.end() ? nullptr : found->second.holder;
  }
  /// Somebody waits for the run.
  bool Contested(const std::string& run_id) const {
    const auto found = runs_.find(run_id);
    return found != runs_.end() && !found->second.waiting.empty();
  }
  /// The holder lets go; whose turn it is now, or nullptr.
  WorkPtr Next(const std::string& run_id) {
    const auto found = runs_.find(run_id);
    std::deque<WorkPtr>& waiting = found->second.waiting;
    if (waiting.empty()) {
      runs_.erase(found);
      return nullptr;
    }
    found->second.holder = std::move(waiting.front());
    waiting.pop_front();
    return found->second.holder;
  }
  /// Takes those out of the line for which `over` holds.
  template <class Over>
  std::vector<WorkPtr> Drop(const std::string& run_id, Over over) {
    std::vector<WorkPtr> dropped;
    std::erase_if(runs_.at(run_id).waiting, [&](const WorkPtr& work) {
      if (!over(*work)) return false;
      dropped.push_back(work);
      return true;
    });
    return dropped;
  }

 private:
  struct Run {
    WorkPtr holder;
    std::deque<WorkPtr> waiting;
  };
  std::unordered_map<std::string, Run> runs_;  // those that somebody holds
};

}  // namespace wfe::worker
