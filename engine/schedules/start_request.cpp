#include "engine/schedules/start_request.h"

#include <absl/time/time.h>

#include <nlohmann/json.hpp>

#include "engine/base/hash.h"

namespace wfe::schedules {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

namespace {

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

std::string RequestId(const engine::v1::ScheduleRow& row, uint64_t number) {
  // The time of creation tells a schedule from an earlier one of the same name.
  const auto& created = row.info().create_time();
  const std::string what =
      std::to_string(created.seconds()) + "." + std::to_string(created.nanos()) + "/" + std::to_string(number);
  const std::string_view separator("\0", 1);
  return "schedule-" + ToHex(Sha256({row.namespace_(), separator, row.schedule_id(), separator, what})).substr(0, 32);
}

void AddAttribute(ws::StartWorkflowExecutionRequest* request, const char* name, const char* type,
                  const std::string& json) {
  auto& payload = (*request->mutable_search_attributes()->mutable_indexed_fields())[name];
  (*payload.mutable_metadata())["encoding"] = "json/plain";
  (*payload.mutable_metadata())["type"] = type;
  payload.set_data(json);
}

}  // namespace

ws::StartWorkflowExecutionRequest StartRequest(const engine::v1::ScheduleRow& row,
                                               const engine::v1::ScheduledStart& start) {
  const auto& action = row.schedule().action().start_workflow();
  const std::string nominal = Rfc3339(start.nominal_time());
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_(row.namespace_());
  request.set_workflow_id(action.workflow_id());
  if (!row.schedule().policies().keep_original_workflow_id()) request.mutable_workflow_id()->append("-" + nominal);
  *request.mutable_workflow_type() = action.workflow_type();
  *request.mutable_task_queue() = action.task_queue();
  if (action.has_input()) *request.mutable_input() = action.input();
  if (action.has_workflow_execution_timeout()) {
    *request.mutable_workflow_execution_timeout() = action.workflow_execution_timeout();
  }
  if (action.has_workflow_run_timeout()) *request.mutable_workflow_run_timeout() = action.workflow_run_timeout();
  if (action.has_workflow_task_timeout()) *request.mutable_workflow_task_timeout() = action.workflow_task_timeout();
  if (action.has_retry_policy()) *request.mutable_retry_policy() = action.retry_policy();
  if (action.has_memo()) *request.mutable_memo() = action.memo();
  if (action.has_search_attributes()) *request.mutable_search_attributes() = action.search_attributes();
  if (action.has_header()) *request.mutable_header() = action.header();
  if (action.has_user_metadata()) *request.mutable_user_metadata() = action.user_metadata();
  if (action.has_priority()) *request.mutable_priority() = action.priority();
  request.set_identity("wfe-schedule " + row.schedule_id());
  request.set_request_id(RequestId(row, start.number()));
  request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE);
  AddAttribute(&request, "TemporalScheduledStartTime", "Datetime", nlohmann::json(nominal).dump());
  AddAttribute(&request, "TemporalScheduledById", "Keyword", nlohmann::json(row.schedule_id()).dump());
  if (!start.overlapping()) {  // S95
    if (row.has_last_completion_result()) *request.mutable_last_completion_result() = row.last_completion_result();
    if (row.has_last_failure()) *request.mutable_continued_failure() = row.last_failure();
  }
  return request;
}

}  // namespace wfe::schedules
