// The live runs of a worker.  No threads; owned by WorkflowTaskHandler.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "workers/core/acknowledgement.h"
#include "workers/core/workflow_machine.h"

namespace wfe::core {

/// The least recently used run goes when there are too many.
class RunCache {
 public:
  struct Entry {
    std::unique_ptr<WorkflowMachine> machine;  // null: the run is not here
    /// Of the last answer that the machine gave; null: it has given none, all that it knows stands in the history.
    std::shared_ptr<const Acknowledgement> answered;

    /// The history holds what the machine believes: it may go on.  An answer that was refused, or of which nothing has
    /// been heard, may be another one than the answer that counted (WIRE-F27).
    bool Trusted() const { return answered == nullptr || answered->given(); }
  };

  explicit RunCache(size_t capacity) : capacity_(capacity) {}

  /// Takes the run out; it goes back in by Put.
  Entry Take(const std::string& run_id) {
    const auto found = index_.find(run_id);
    if (found == index_.end()) return {};
    Entry entry = std::move(found->second->second);
    order_.erase(found->second);
    index_.erase(found);
    return entry;
  }
  /// How many others had to go.
  size_t Put(const std::string& run_id, Entry entry) {
    size_t evicted = 0;
    if (capacity_ == 0) return 0;
    order_.emplace_front(run_id, std::move(entry));
    index_[run_id] = order_.begin();
    while (order_.size() > capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
      ++evicted;
    }
    return evicted;
  }
  size_t size() const { return order_.size(); }

 private:
  using Order = std::list<std::pair<std::string, Entry>>;
  size_t capacity_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> index_;
};

}  // namespace wfe::core
