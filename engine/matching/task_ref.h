// What matching knows of a task: which it is, not what is in it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/ids.h"

namespace wfe::matching {

enum class TaskKind : uint8_t { kWorkflow, kActivity, kQuery };

/// Workflow tasks and queries wait in the same queues; activities in their own.
enum class QueueType : uint8_t { kWorkflow, kActivity };

inline QueueType QueueTypeOf(TaskKind kind) {
  return kind == TaskKind::kActivity ? QueueType::kActivity : QueueType::kWorkflow;
}

/// Says which thing a task stands for.  Two tasks with the same identity are the same or one replaces the other: an
/// execution has one workflow task at a time, an activity one attempt, a query one delivery.
struct TaskIdentity {
  ExecutionKey execution;
  TaskKind kind = TaskKind::kWorkflow;
  EventId scheduled_event_id = 0;  ///< Of an activity; 0 for others.
  std::string query_id;            ///< Of a query.

  friend bool operator==(const TaskIdentity&, const TaskIdentity&) = default;
};

/// A task that somebody may take.
struct TaskRef {
  ExecutionKey execution;
  TaskKind kind = TaskKind::kWorkflow;
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
  std::string query_id;

  TaskIdentity identity() const {
    return {execution, kind, kind == TaskKind::kActivity ? scheduled_event_id : 0, query_id};
  }
  std::string ToString() const;
  friend bool operator==(const TaskRef&, const TaskRef&) = default;
};

/// Hashes and compares a task and an identity alike, so that a set of tasks is searched by identity.
struct TaskIdentityHash {
  size_t operator()(const TaskIdentity& identity) const noexcept;
  size_t operator()(const TaskRef& task) const noexcept;
};
bool HasIdentity(const TaskRef& task, const TaskIdentity& identity);

/// Which of an execution's tasks, without the execution.
struct TaskOfExecution {
  TaskKind kind = TaskKind::kWorkflow;
  EventId scheduled_event_id = 0;
  std::string query_id;

  explicit TaskOfExecution(const TaskIdentity& identity)
      : kind(identity.kind), scheduled_event_id(identity.scheduled_event_id), query_id(identity.query_id) {}
  friend bool operator==(const TaskOfExecution&, const TaskOfExecution&) = default;
};

struct TaskOfExecutionHash {
  size_t operator()(const TaskOfExecution& task) const noexcept;
};

}  // namespace wfe::matching
