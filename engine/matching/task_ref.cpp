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

size_t TaskIdentityHash::operator()(const TaskIdentity& identity) const noexcept {
  size_t hash = std::hash<ExecutionKey>{}(identity.execution);
  hash = internal::CombineHash(hash, static_cast<size_t>(identity.kind));
  hash = internal::CombineHash(hash, static_cast<size_t>(identity.scheduled_event_id));
  return internal::CombineHash(hash, std::hash<std::string>{}(identity.query_id));
}

}  // namespace wfe::matching
