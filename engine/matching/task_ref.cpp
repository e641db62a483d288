#include "engine/matching/task_ref.h"

#include <functional>

namespace wfe::matching {

std::string TaskRef::ToString() const {
  const char* what = kind == TaskKind::kWorkflow   ? "workflow task "
                     : kind == TaskKind::kActivity ? "activity "
                                                   : "query ";
  return what + (kind == TaskKind::kQuery ? query_id : std::to_string(scheduled_event_id)) + " attempt " +
         std::to_string(attempt) + " of " + execution.ToString();
}

namespace {

size_t HashOf(const ExecutionKey& execution, TaskKind kind, EventId scheduled_event_id, const std::string& query_id) {
  size_t hash = std::hash<ExecutionKey>{}(execution);
  hash = internal::CombineHash(hash, static_cast<size_t>(kind));
  hash = internal::CombineHash(hash, static_cast<size_t>(kind == TaskKind::kActivity ? scheduled_event_id : 0));
  return internal::CombineHash(hash, std::hash<std::string>{}(query_id));
}

}  // namespace

size_t TaskIdentityHash::operator()(const TaskIdentity& identity) const noexcept {
  return HashOf(identity.execution, identity.kind, identity.scheduled_event_id, identity.query_id);
}

size_t TaskIdentityHash::operator()(const TaskRef& task) const noexcept {
  return HashOf(task.execution, task.kind, task.scheduled_event_id, task.query_id);
}

bool HasIdentity(const TaskRef& task, const TaskIdentity& identity) {
  return task.kind == identity.kind &&
         (task.kind != TaskKind::kActivity || task.scheduled_event_id == identity.scheduled_event_id) &&
         task.query_id == identity.query_id && task.execution == identity.execution;
}

size_t TaskOfExecutionHash::operator()(const TaskOfExecution& task) const noexcept {
  const size_t hash = internal::CombineHash(static_cast<size_t>(task.kind), static_cast<size_t>(task.scheduled_event_id));
  return task.query_id.empty() ? hash : internal::CombineHash(hash, std::hash<std::string>{}(task.query_id));
}

}  // namespace wfe::matching
