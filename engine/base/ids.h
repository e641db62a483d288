// The ids that Temporal users know.
#pragma once

#include <cstdint>
#include <functional>
#include <tuple>

#include "engine/base/strong_id.h"

namespace wfe {

using Namespace = StrongId<struct NamespaceTag>;
using WorkflowId = StrongId<struct WorkflowIdTag>;
using RunId = StrongId<struct RunIdTag>;

/// The position of an event in a run's history: 1, 2, 3 …  0 means "none".
using EventId = int64_t;

/// Names one workflow id in one namespace: the unit of sharding, and of "only one open run".
struct WorkflowKey {
  Namespace ns;
  WorkflowId workflow_id;
  friend auto operator<=>(const WorkflowKey&, const WorkflowKey&) = default;
};

/// Names one run: a workflow execution.
struct ExecutionKey {
  Namespace ns;
  WorkflowId workflow_id;
  RunId run_id;

  WorkflowKey workflow() const { return {ns, workflow_id}; }
  /// "workflow w1, run 0b…", for messages.
  std::string ToString() const { return "workflow " + workflow_id.value() + ", run " + run_id.value(); }
  friend auto operator<=>(const ExecutionKey&, const ExecutionKey&) = default;
};

namespace internal {
inline size_t CombineHash(size_t a, size_t b) { return a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2)); }
}  // namespace internal

}  // namespace wfe

template <>
struct std::hash<wfe::WorkflowKey> {
  size_t operator()(const wfe::WorkflowKey& key) const noexcept {
    return wfe::internal::CombineHash(std::hash<wfe::Namespace>{}(key.ns),
                                      std::hash<wfe::WorkflowId>{}(key.workflow_id));
  }
};

template <>
struct std::hash<wfe::ExecutionKey> {
  size_t operator()(const wfe::ExecutionKey& key) const noexcept {
    return wfe::internal::CombineHash(std::hash<wfe::WorkflowKey>{}(key.workflow()),
                                      std::hash<wfe::RunId>{}(key.run_id));
  }
};
