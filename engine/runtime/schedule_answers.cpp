#include "engine/runtime/schedule_answers.h"

#include <algorithm>

#include "engine/base/proto_time.h"

namespace wfe::runtime {

namespace ws = temporal::api::workflowservice::v1;

namespace {

constexpr size_t kFutureTimes = 10;
constexpr size_t kListedTimes = 5;
constexpr size_t kMaxMatchingTimes = 1000;

/// Absent when there are none, not empty: SDKs compare with what they sent (WIRE-F16).
template <class Answer>
void FillAttributes(const engine::v1::ScheduleRow& row, Answer* answer) {
  if (!row.memo().fields().empty()) *answer->mutable_memo() = row.memo();
  if (!row.search_attributes().indexed_fields().empty()) {
    *answer->mutable_search_attributes() = row.search_attributes();
  }
}

void FillInfo(const schedules::State& state, Instant now, temporal::api::schedule::v1::ScheduleInfo* info) {
  const engine::v1::ScheduleRow& row = state.row;
  *info = row.info();
  for (const auto& action : row.running()) {
    auto& running = *info->add_running_workflows();
    running.set_workflow_id(action.workflow_id());
    running.set_run_id(action.first_run_id());
  }
  for (const Instant time : schedules::FutureActionTimes(state, now, kFutureTimes)) {
    *info->add_future_action_times() = ToProto(time);
  }
  info->set_buffer_size(row.buffer_size());
  info->set_state_size_bytes(static_cast<int64_t>(row.ByteSizeLong()));
}

}  // namespace

ws::DescribeScheduleResponse DescribeSchedule(const schedules::State& state, Instant now) {
  ws::DescribeScheduleResponse response;
  *response.mutable_schedule() = state.row.schedule();
  FillInfo(state, now, response.mutable_info());
  FillAttributes(state.row, &response);
  response.set_conflict_token(std::to_string(state.row.conflict_token()));
  return response;
}

void FillListEntry(const schedules::State& state, Instant now, temporal::api::schedule::v1::ScheduleListEntry* entry) {
  const engine::v1::ScheduleRow& row = state.row;
  entry->set_schedule_id(row.schedule_id());
  FillAttributes(row, entry);
  auto& info = *entry->mutable_info();
  *info.mutable_spec() = row.schedule().spec();
  *info.mutable_workflow_type() = row.schedule().action().start_workflow().workflow_type();
  info.set_notes(row.schedule().state().notes());
  info.set_paused(row.schedule().state().paused());
  const auto& recent = row.info().recent_actions();
  for (int i = std::max(0, recent.size() - static_cast<int>(kListedTimes)); i < recent.size(); ++i) {
    *info.add_recent_actions() = recent[i];
  }
  for (const Instant time : schedules::FutureActionTimes(state, now, kListedTimes)) {
    *info.add_future_action_times() = ToProto(time);
  }
  info.set_state_size_bytes(static_cast<int64_t>(row.ByteSizeLong()));
}

ws::ListScheduleMatchingTimesResponse MatchingTimesOf(const schedules::State& state, Instant start, Instant end) {
  ws::ListScheduleMatchingTimesResponse response;
  for (const Instant time : state.spec.Matching(start, end, kMaxMatchingTimes)) {
    *response.add_start_time() = ToProto(time);
  }
  return response;
}

}  // namespace wfe::runtime
