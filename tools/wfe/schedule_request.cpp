#include "tools/wfe/schedule_request.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"

namespace wfe::cli {

namespace {

namespace pb = temporal::api::schedule::v1;
namespace enums = temporal::api::enums::v1;

constexpr int64_t kLongestSeconds = 100LL * 366 * 86400;

Status AddInterval(const std::string& text, pb::ScheduleSpec* spec) {
  const size_t slash = text.find('/');
  pb::IntervalSpec& interval = *spec->add_interval();
  WFE_ASSIGN_OR_RETURN(*interval.mutable_interval(), ParseSpan("--interval", text.substr(0, slash)));
  if (slash != std::string::npos) {
    WFE_ASSIGN_OR_RETURN(*interval.mutable_phase(), ParseSpan("the phase of --interval", text.substr(slash + 1)));
  }
  return Ok();
}

/// "hour=2 minute=30"; the server reads the values.
Result<pb::CalendarSpec> ParseCalendarOption(const std::string& option, const std::string& text) {
  pb::CalendarSpec calendar;
  std::istringstream words(text);
  std::string word;
  while (words >> word) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto* field = pb::CalendarSpec::descriptor()->FindFieldByName(name);
    if (equals == std::string::npos || field == nullptr || name == "comment") {
      return InvalidArgument(
          option + ": \"" + word +
          "\" is not one of second, minute, hour, day_of_month, month, year, day_of_week with =VALUE");
    }
    pb::CalendarSpec::GetReflection()->SetString(&calendar, field, word.substr(equals + 1));
  }
  if (calendar.ByteSizeLong() == 0) return InvalidArgument(option + " is empty");
  return calendar;
}

}  // namespace

const std::vector<std::string>& OverlapNames() {
  static const std::vector<std::string> kNames = {"skip",         "buffer-one",      "buffer-all",
                                                  "cancel-other", "terminate-other", "allow-all"};
  return kNames;
}

Result<enums::ScheduleOverlapPolicy> ParseOverlap(const std::string& name) {
  if (name.empty()) return enums::SCHEDULE_OVERLAP_POLICY_UNSPECIFIED;
  const auto& names = OverlapNames();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return InvalidArgument("\"" + name + "\" is no overlap policy");
  return static_cast<enums::ScheduleOverlapPolicy>(found - names.begin() + 1);
}

std::string OverlapName(enums::ScheduleOverlapPolicy policy) {
  const auto index = static_cast<size_t>(policy);
  return index >= 1 && index <= OverlapNames().size() ? OverlapNames()[index - 1] : "unspecified";
}

Result<google::protobuf::Duration> ParseSpan(const std::string& what, const std::string& text) {
  const auto bad = [&] {
    return InvalidArgument(what + ": \"" + text + "\" is no duration; write it like 90s, 5m, 1h30m or 7d");
  };
  int64_t seconds = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  if (at == end) return bad();
  while (at != end) {
    int64_t number = 0;
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc() || rest == end || *at == '-') return bad();
    const char unit = *rest;
    const int64_t factor = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
    if (factor == 0 || number > kLongestSeconds / factor) return bad();
    seconds += number * factor;
    at = rest + 1;
  }
  google::protobuf::Duration duration;
  duration.set_seconds(std::min(seconds, kLongestSeconds));
  return duration;
}

Result<google::protobuf::Timestamp> ParseTime(const std::string& what, const std::string& text) {
  auto instant = ParseIso8601(text);
  if (!instant) instant = ParseIso8601(text + "T00:00:00Z");
  if (!instant) {
    return InvalidArgument(what + ": \"" + text + "\" is no time; write it like 2026-11-21T02:00:00Z or 2026-11-21");
  }
  google::protobuf::Timestamp time;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*instant);
  time.set_seconds(seconds.time_since_epoch().count());
  time.set_nanos(static_cast<int32_t>((*instant - seconds).count()));
  return time;
}

Result<ws::CreateScheduleRequest> BuildCreateSchedule(const std::string& ns, const ScheduleOptions& options) {
  ws::CreateScheduleRequest request;
  request.set_namespace_(ns);
  request.set_schedule_id(options.id);
  request.set_identity(Identity());
  request.set_request_id(NewRequestId());

  auto& spec = *request.mutable_schedule()->mutable_spec();
  for (const std::string& cron : options.crons) spec.add_cron_string(cron);
  for (const std::string& interval : options.intervals) WFE_RETURN_IF_ERROR(AddInterval(interval, &spec));
  for (const std::string& calendar : options.calendars) {
    WFE_ASSIGN_OR_RETURN(*spec.add_calendar(), ParseCalendarOption("--calendar", calendar));
  }
  for (const std::string& calendar : options.skips) {
    WFE_ASSIGN_OR_RETURN(*spec.add_exclude_calendar(), ParseCalendarOption("--skip", calendar));
  }
  spec.set_timezone_name(options.timezone);
  if (!options.jitter.empty()) {
    WFE_ASSIGN_OR_RETURN(*spec.mutable_jitter(), ParseSpan("--jitter", options.jitter));
  }
  if (!options.start.empty()) {
    WFE_ASSIGN_OR_RETURN(*spec.mutable_start_time(), ParseTime("--start", options.start));
  }
  if (!options.end.empty()) {
    WFE_ASSIGN_OR_RETURN(*spec.mutable_end_time(), ParseTime("--end", options.end));
  }

  auto& action = *request.mutable_schedule()->mutable_action()->mutable_start_workflow();
  action.set_workflow_id(options.workflow_id.empty() ? options.id : options.workflow_id);
  action.mutable_workflow_type()->set_name(options.type);
  action.mutable_task_queue()->set_name(options.queue);
  if (options.input) *action.mutable_input()->add_payloads() = ToPayload(*options.input);
  if (!options.run_timeout.empty()) {
    WFE_ASSIGN_OR_RETURN(*action.mutable_workflow_run_timeout(), ParseSpan("--run-timeout", options.run_timeout));
  }

  auto& policies = *request.mutable_schedule()->mutable_policies();
  WFE_ASSIGN_OR_RETURN(const auto overlap, ParseOverlap(options.overlap));
  policies.set_overlap_policy(overlap);
  if (!options.catchup_window.empty()) {
    WFE_ASSIGN_OR_RETURN(*policies.mutable_catchup_window(), ParseSpan("--catchup-window", options.catchup_window));
  }
  policies.set_pause_on_failure(options.pause_on_failure);
  auto& state = *request.mutable_schedule()->mutable_state();
  state.set_paused(options.paused);
  state.set_notes(options.note);
  state.set_limited_actions(options.actions > 0);
  state.set_remaining_actions(options.actions);
  if (options.trigger) request.mutable_initial_patch()->mutable_trigger_immediately();
  return request;
}

}  // namespace wfe::cli
