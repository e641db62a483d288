// Schedules (S90-S98).
#include <charconv>
#include <regex>

#include "engine/base/excerpt.h"
#include "engine/base/proto_time.h"
#include "engine/frontend/blocking.h"
#include "engine/frontend/method_table.h"
#include "engine/frontend/search_attributes.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/schedule_answers.h"
#include "engine/runtime/services.h"
#include "engine/schedules/start_request.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;

namespace {

constexpr int kSchedulesOnPage = 100;
constexpr int kMaxPageSize = 1000;

Status CheckSchedule(const Services& services, const std::string& schedule_id) {
  return CheckId(services, "ScheduleId", schedule_id, /*required=*/true);
}

/// What a schedule would start is checked when it is made, not at night when it is due; the types of search attributes
/// are noted on the way.
Status CheckAction(const Services& services, const std::string& ns, const std::string& schedule_id,
                   temporal::api::schedule::v1::Schedule* made) {
  if (!made->action().has_start_workflow()) return Ok();
  if (auto& action = *made->mutable_action()->mutable_start_workflow(); action.has_search_attributes()) {
    WFE_RETURN_IF_ERROR(CheckSearchAttributes(services, ns, action.mutable_search_attributes()));
  }
  const auto& schedule = *made;
  engine::v1::ScheduleRow row;
  row.set_namespace_(ns);
  row.set_schedule_id(schedule_id);
  *row.mutable_schedule() = schedule;
  WFE_RETURN_IF_ERROR(CheckId(services, "WorkflowId", schedule.action().start_workflow().workflow_id(), true));
  engine::v1::ScheduledStart start;
  start.set_number(1);
  ws::StartWorkflowExecutionRequest request = schedules::StartRequest(row, start);
  return CheckStart(services, &request);
}

runtime::ScheduleKey KeyOf(const std::string& ns, const std::string& schedule_id) { return {Namespace(ns), schedule_id}; }

void Create(Services& services, ws::CreateScheduleRequest request, Call call) {
  for (Status valid :
       {CheckSchedule(services, request.schedule_id()),
        CheckId(services, "RequestId", request.request_id(), false), CheckPayload(services, "Memo", request.memo())}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  for (Status valid :
       {CheckAction(services, request.namespace_(), request.schedule_id(), request.mutable_schedule()),
        CheckSearchAttributes(services, request.namespace_(), request.mutable_search_attributes())}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  const runtime::ScheduleKey key = KeyOf(request.namespace_(), request.schedule_id());
  services.OnScheduleRunner(
      key, [key, request = std::move(request), call = std::move(call)](runtime::ScheduleRunner& runner) mutable {
        schedules::NewSchedule schedule;
        schedule.ns = request.namespace_();
        schedule.schedule_id = request.schedule_id();
        schedule.schedule = std::move(*request.mutable_schedule());
        schedule.memo = std::move(*request.mutable_memo());
        schedule.search_attributes = std::move(*request.mutable_search_attributes());
        schedule.request_id = request.request_id();
        schedule.initial_patch = std::move(*request.mutable_initial_patch());
        runner.Create(std::move(schedule), [call = std::move(call)](Result<uint64_t> token) {
          if (!token) return call.Fail(std::move(token).error());
          ws::CreateScheduleResponse response;
          response.set_conflict_token(std::to_string(*token));
          call.Reply(response);
        });
      });
}

void Describe(Services& services, const ws::DescribeScheduleRequest& request, Call call) {
  if (Status valid = CheckSchedule(services, request.schedule_id()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  const runtime::ScheduleKey key = KeyOf(request.namespace_(), request.schedule_id());
  services.OnScheduleRunner(key, [key, call = std::move(call)](runtime::ScheduleRunner& runner) mutable {
    runner.Describe(key, [call = std::move(call)](Result<ws::DescribeScheduleResponse> response) {
      if (!response) return call.Fail(std::move(response).error());
      call.Reply(*response);
    });
  });
}

/// Updates and patches answer with an empty message.
void Apply(Services& services, const runtime::ScheduleKey& key, schedules::Input input, Call call) {
  services.OnScheduleRunner(key,
                       [key, input = std::move(input), call = std::move(call)](runtime::ScheduleRunner& runner) mutable {
                         runner.Apply(key, std::move(input),
                                         [call = std::move(call)](Result<uint64_t> token) { call.ReplyEmpty(token); });
                       });
}

void Update(Services& services, ws::UpdateScheduleRequest request, Call call) {
  for (Status valid :
       {CheckSchedule(services, request.schedule_id()),
        CheckId(services, "RequestId", request.request_id(), false), CheckPayload(services, "Memo", request.memo())}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  const bool sets_attributes = request.has_search_attributes();
  for (Status valid :
       {CheckAction(services, request.namespace_(), request.schedule_id(), request.mutable_schedule()),
        CheckSearchAttributes(services, request.namespace_(), request.mutable_search_attributes())}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  schedules::Updated update;
  if (const std::string& token = request.conflict_token(); !token.empty()) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
    if (error != std::errc() || end != token.data() + token.size()) {
      return call.Fail(InvalidArgument("the conflict token is malformed"));
    }
    update.conflict_token = number;
  }
  update.schedule = std::move(*request.mutable_schedule());
  if (request.has_memo()) update.memo = std::move(*request.mutable_memo());
  if (sets_attributes) update.search_attributes = std::move(*request.mutable_search_attributes());
  update.request_id = request.request_id();
  Apply(services, KeyOf(request.namespace_(), request.schedule_id()), std::move(update), std::move(call));
}

void Patch(Services& services, ws::PatchScheduleRequest request, Call call) {
  for (Status valid : {CheckSchedule(services, request.schedule_id()),
                       CheckId(services, "RequestId", request.request_id(), false)}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  schedules::Patched patch;
  patch.patch = std::move(*request.mutable_patch());
  patch.request_id = request.request_id();
  Apply(services, KeyOf(request.namespace_(), request.schedule_id()), std::move(patch), std::move(call));
}

void Delete(Services& services, const ws::DeleteScheduleRequest& request, Call call) {
  if (Status valid = CheckSchedule(services, request.schedule_id()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  const runtime::ScheduleKey key = KeyOf(request.namespace_(), request.schedule_id());
  services.OnScheduleRunner(key, [key, call = std::move(call)](runtime::ScheduleRunner& runner) mutable {
    runner.Delete(key, [call = std::move(call)](Result<bool> deleted) { call.ReplyEmpty(deleted); });
  });
}

void MatchingTimes(Services& services, const ws::ListScheduleMatchingTimesRequest& request, Call call) {
  if (Status valid = CheckSchedule(services, request.schedule_id()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  for (const auto* time : {&request.start_time(), &request.end_time()}) {
    if (Status valid = schedules::CheckTime("the time range", *time); !valid) {
      return call.Fail(std::move(valid).error());
    }
  }
  const runtime::ScheduleKey key = KeyOf(request.namespace_(), request.schedule_id());
  services.OnScheduleRunner(
      key, [key, start = FromProto(request.start_time()), end = FromProto(request.end_time()),
            call = std::move(call)](runtime::ScheduleRunner& runner) mutable {
        runner.MatchingTimes(key, start, end,
                                [call = std::move(call)](Result<ws::ListScheduleMatchingTimesResponse> response) {
                                  if (!response) return call.Fail(std::move(response).error());
                                  call.Reply(*response);
                                });
      });
}

/// Schedules are listed all, or by whether they are paused; nothing else of them is indexed.
struct ListQuery {
  std::optional<bool> paused;
  bool Matches(const engine::v1::ScheduleRow& row) const {
    return !paused || *paused == row.schedule().state().paused();
  }
};

Result<ListQuery> ParseQuery(const std::string& query) {
  static const std::regex kPaused(R"(\s*`?TemporalSchedulePaused`?\s*=\s*(true|false)\s*)");
  ListQuery parsed;
  std::smatch match;
  if (query.find_first_not_of(" \t\n") == std::string::npos) return parsed;
  if (query.size() > 200 || !std::regex_match(query, match, kPaused)) {
    return InvalidArgument("schedules are listed with no query or with TemporalSchedulePaused = true|false, got \"" +
                           Excerpt(query) + "\"");
  }
  parsed.paused = match[1] == "true";
  return parsed;
}

void List(Services& services, ws::ListSchedulesRequest request, Call call) {
  Result<ListQuery> query = ParseQuery(request.query());
  if (!query) return call.Fail(std::move(query).error());
  if (request.maximum_page_size() < 0) return call.Fail(InvalidArgument("MaximumPageSize is negative."));
  const int page_size =
      request.maximum_page_size() > 0 ? std::min(request.maximum_page_size(), kMaxPageSize) : kSchedulesOnPage;
  Blocking(services, call, [&services, request = std::move(request), query = *query, page_size, call] {
        ws::ListSchedulesResponse response;
        const Instant now = services.host.clock.Now();
        int64_t bytes = 0;
        const Status read = services.host.store.schedules().ForEachAfter(
            request.namespace_(), request.next_page_token(), [&](engine::v1::ScheduleRow row) {
              if (!query.Matches(row)) return true;
              if (response.schedules_size() == page_size || bytes >= services.options.max_list_page_bytes) {
                response.set_next_page_token(response.schedules(response.schedules_size() - 1).schedule_id());
                return false;
              }
              Result<schedules::State> state = schedules::Load(std::move(row));
              // One that cannot be read was named at the start.
              if (!state) return true;
              runtime::FillListEntry(*state, now, response.add_schedules());
              bytes += static_cast<int64_t>(response.schedules(response.schedules_size() - 1).ByteSizeLong());
              return true;
            });
        if (!read) return call.Fail(read.error());
        call.Reply(response);
      });
}

void Count(Services& services, const ws::CountSchedulesRequest& request, Call call) {
  Result<ListQuery> query = ParseQuery(request.query());
  if (!query) return call.Fail(std::move(query).error());
  Blocking(services, call, [&services, ns = request.namespace_(), query = *query, call] {
    ws::CountSchedulesResponse response;
    const Status read = services.host.store.schedules().ForEachAfter(ns, "", [&](const engine::v1::ScheduleRow& row) {
      if (query.Matches(row)) response.set_count(response.count() + 1);
      return true;
    });
    if (!read) return call.Fail(read.error());
    call.Reply(response);
  });
}

}  // namespace

void ServeSchedules(MethodTable& table, Services& services) {
  table.Serve<ws::CreateScheduleRequest>(kWorkflowService, "CreateSchedule", [&services](auto request, Call call) {
    Create(services, std::move(request), std::move(call));
  });
  table.ServeBriefly<ws::DescribeScheduleRequest>(
      kWorkflowService, "DescribeSchedule",
      [&services](const auto& request, Call call) { Describe(services, request, std::move(call)); });
  table.Serve<ws::UpdateScheduleRequest>(kWorkflowService, "UpdateSchedule", [&services](auto request, Call call) {
    Update(services, std::move(request), std::move(call));
  });
  table.Serve<ws::PatchScheduleRequest>(kWorkflowService, "PatchSchedule", [&services](auto request, Call call) {
    Patch(services, std::move(request), std::move(call));
  });
  table.ServeBriefly<ws::DeleteScheduleRequest>(
      kWorkflowService, "DeleteSchedule",
      [&services](const auto& request, Call call) { Delete(services, request, std::move(call)); });
  table.ServeBriefly<ws::ListScheduleMatchingTimesRequest>(
      kWorkflowService, "ListScheduleMatchingTimes",
      [&services](const auto& request, Call call) { MatchingTimes(services, request, std::move(call)); });
  table.Serve<ws::ListSchedulesRequest>(kWorkflowService, "ListSchedules", [&services](auto request, Call call) {
    List(services, std::move(request), std::move(call));
  });
  table.ServeBriefly<ws::CountSchedulesRequest>(
      kWorkflowService, "CountSchedules",
      [&services](const auto& request, Call call) { Count(services, request, std::move(call)); });
}

}  // namespace wfe::frontend
