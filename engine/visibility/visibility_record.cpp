#include "engine/visibility/visibility_record.h"

#include "engine/base/proto_time.h"

namespace wfe::visibility {


engine::v1::VisibilityRecord VisibilityOf(const history::MutableState& state) {
  const engine::v1::Folded& folded = state.folded();
  engine::v1::VisibilityRecord record;
  record.set_workflow_id(folded.workflow_id());
  record.set_run_id(folded.run_id());
  record.set_workflow_type(folded.workflow_type().name());
  *record.mutable_start_time() = folded.start_time();
  if (folded.has_close_time()) *record.mutable_close_time() = folded.close_time();
  *record.mutable_execution_time() =
      ToProto(FromProto(folded.start_time()) + FromProto(folded.first_workflow_task_backoff()));
  record.set_status(folded.status());
  record.set_history_length(folded.next_event_id() - 1);
  record.set_task_queue(folded.task_queue());
  if (folded.has_memo()) *record.mutable_memo() = folded.memo();
  if (folded.has_search_attributes()) *record.mutable_search_attributes() = folded.search_attributes();
  record.set_history_size_bytes(state.bookkeeping().history_size_bytes());
  record.set_state_transition_count(state.bookkeeping().state_transition_count());
  record.set_first_run_id(folded.first_execution_run_id());
  if (folded.has_parent()) {
    record.mutable_parent()->set_workflow_id(folded.parent().workflow_id());
    record.mutable_parent()->set_run_id(folded.parent().run_id());
    record.set_parent_namespace(folded.parent().namespace_());
  }
  if (folded.has_root()) *record.mutable_root() = folded.root();
  return record;
}

}  // namespace wfe::visibility
