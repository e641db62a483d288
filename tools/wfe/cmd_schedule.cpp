// wfe schedule create, list, show, next, pause, resume, trigger, backfill, delete
#include <fmt/core.h>

#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/registry.h"
#include "tools/wfe/schedule_request.h"

namespace wfe::cli {
namespace {

namespace pb = temporal::api::schedule::v1;

nlohmann::json Times(const google::protobuf::RepeatedPtrField<google::protobuf::Timestamp>& times) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& time : times) list.push_back(IsoTime(time));
  return list;
}

nlohmann::json Actions(const google::protobuf::RepeatedPtrField<pb::ScheduleActionResult>& actions) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& action : actions) {
    list.push_back({{"scheduled", IsoTime(action.schedule_time())},
                    {"taken", IsoTime(action.actual_time())},
                    {"workflow_id", action.start_workflow_result().workflow_id()},
                    {"run_id", action.start_workflow_result().run_id()},
                    {"status", StatusName(action.start_workflow_status())}});
  }
  return list;
}

std::string Span(int64_t seconds) {
  for (const auto& [unit, name] : {std::pair<int64_t, const char*>{86400, "d"}, {3600, "h"}, {60, "m"}}) {
    if (seconds >= unit && seconds % unit == 0) return std::to_string(seconds / unit) + name;
  }
  return std::to_string(seconds) + "s";
}

std::string Field(const google::protobuf::RepeatedPtrField<pb::Range>& ranges, int low, int high) {
  std::string text;
  for (const pb::Range& range : ranges) {
    if (!text.empty()) text += ',';
    if (range.start() == low && range.end() == high) {
      text += '*';
    } else {
      text += std::to_string(range.start());
      if (range.end() > range.start()) text += '-' + std::to_string(range.end());
    }
    if (range.step() > 1) text += '/' + std::to_string(range.step());
  }
  return text.empty() ? "*" : text;
}

/// In the words of a cron expression with seconds and year.
std::string CalendarText(const pb::StructuredCalendarSpec& calendar) {
  return Field(calendar.second(), 0, 59) + ' ' + Field(calendar.minute(), 0, 59) + ' ' + Field(calendar.hour(), 0, 23) +
         ' ' + Field(calendar.day_of_month(), 1, 31) + ' ' + Field(calendar.month(), 1, 12) + ' ' +
         Field(calendar.day_of_week(), 0, 6) + ' ' + Field(calendar.year(), 0, 0);
}

nlohmann::ordered_json SpecObject(const pb::ScheduleSpec& spec) {
  nlohmann::ordered_json object;
  for (const auto& calendar : spec.structured_calendar()) object["calendars"].push_back(CalendarText(calendar));
  for (const auto& interval : spec.interval()) {
    std::string text = Span(interval.interval().seconds());
    if (interval.phase().seconds() > 0) text += '/' + Span(interval.phase().seconds());
    object["intervals"].push_back(text);
  }
  for (const auto& calendar : spec.exclude_structured_calendar()) object["skips"].push_back(CalendarText(calendar));
  object["timezone"] = spec.timezone_name().empty() ? "UTC" : spec.timezone_name();
  if (spec.jitter().seconds() > 0) object["jitter"] = Span(spec.jitter().seconds());
  if (spec.has_start_time()) object["start"] = IsoTime(spec.start_time());
  if (spec.has_end_time()) object["end"] = IsoTime(spec.end_time());
  return object;
}

Result<int> Create(Globals& globals, ScheduleOptions options, const std::string& input, const std::string& input_file) {
  if (options.crons.empty() && options.intervals.empty() && options.calendars.empty()) {
    return InvalidArgument("say when: --cron, --interval or --calendar");
  }
  WFE_ASSIGN_OR_RETURN(options.input, ReadInput(input, input_file));
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  if (options.queue.empty()) options.queue = config->client.queue;
  WFE_ASSIGN_OR_RETURN(const auto request, BuildCreateSchedule(globals.Namespace(), options));
  WFE_RETURN_IF_ERROR(globals.Call<ws::CreateScheduleResponse>("CreateSchedule", request));
  WarnAboutType(options.type, globals.format);
  PrintEvent("schedule " + options.id + " created", {{"schedule_id", options.id}}, globals.format);
  return kExitOk;
}

Result<int> List(Globals& globals, bool paused_only) {
  Table table({{"SCHEDULE", "schedule_id", true, false},
               {"STATE", "state", false, false},
               {"TYPE", "type", true, false},
               {"NEXT", "next", false, false},
               {"LAST", "last", false, false},
               {"NOTE", "note", true, false}});
  ws::ListSchedulesRequest request;
  request.set_namespace_(globals.Namespace());
  if (paused_only) request.set_query("TemporalSchedulePaused = true");
  do {
    WFE_ASSIGN_OR_RETURN(const auto page, globals.Call<ws::ListSchedulesResponse>("ListSchedules", request));
    for (const auto& entry : page.schedules()) {
      const pb::ScheduleListInfo& info = entry.info();
      nlohmann::json row = {{"schedule_id", entry.schedule_id()},
                            {"state", info.paused() ? "Paused" : "Active"},
                            {"type", info.workflow_type().name()},
                            {"note", info.notes()},
                            {"spec", SpecObject(info.spec())}};
      row["next"] = info.future_action_times_size() > 0 ? IsoTime(info.future_action_times(0)) : "";
      const auto& recent = info.recent_actions();
      row["last"] = recent.empty() ? "" : IsoTime(recent[recent.size() - 1].actual_time());
      table.Add(std::move(row));
    }
    request.set_next_page_token(page.next_page_token());
  } while (!request.next_page_token().empty());
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no schedule\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<ws::DescribeScheduleResponse> DescribeSchedule(Globals& globals, const std::string& id) {
  ws::DescribeScheduleRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_schedule_id(id);
  return globals.Call<ws::DescribeScheduleResponse>("DescribeSchedule", request);
}

Result<int> Show(Globals& globals, const std::string& id) {
  WFE_ASSIGN_OR_RETURN(const auto described, DescribeSchedule(globals, id));
  const pb::Schedule& schedule = described.schedule();
  const pb::ScheduleInfo& info = described.info();
  const auto& action = schedule.action().start_workflow();
  nlohmann::ordered_json object = {{"schedule_id", id}, {"state", schedule.state().paused() ? "Paused" : "Active"}};
  if (!schedule.state().notes().empty()) object["note"] = schedule.state().notes();
  if (schedule.state().limited_actions()) object["remaining_actions"] = schedule.state().remaining_actions();
  object["spec"] = SpecObject(schedule.spec());
  object["type"] = action.workflow_type().name();
  object["queue"] = action.task_queue().name();
  object["workflow_id"] = action.workflow_id();
  if (action.has_input()) object["input"] = FromPayloads(action.input());
  object["overlap"] = OverlapName(schedule.policies().overlap_policy());
  object["catchup_window"] = Span(schedule.policies().catchup_window().seconds());
  object["pause_on_failure"] = schedule.policies().pause_on_failure();
  object["created"] = IsoTime(info.create_time());
  if (info.has_update_time()) object["updated"] = IsoTime(info.update_time());
  object["actions"] = info.action_count();
  object["missed"] = info.missed_catchup_window();
  object["skipped"] = info.overlap_skipped();
  object["dropped"] = info.buffer_dropped();
  object["waiting"] = info.buffer_size();
  nlohmann::json running = nlohmann::json::array();
  for (const auto& workflow : info.running_workflows()) running.push_back(workflow.workflow_id());
  object["running"] = running;
  object["recent"] = Actions(info.recent_actions());
  object["next"] = Times(info.future_action_times());
  PrintObject(object, globals.format);
  return kExitOk;
}

struct NextOptions {
  std::string id;
  std::string from;
  int count = 10;
};

Result<int> Next(Globals& globals, const NextOptions& options) {
  ws::ListScheduleMatchingTimesRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_schedule_id(options.id);
  const std::string from = options.from.empty() ? FormatIso8601Millis(SystemClock().Now()) : options.from;
  WFE_ASSIGN_OR_RETURN(*request.mutable_start_time(), ParseTime("--from", from));
  WFE_ASSIGN_OR_RETURN(*request.mutable_end_time(), ParseTime("the end", "2100-12-31"));
  WFE_ASSIGN_OR_RETURN(const auto response,
                       globals.Call<ws::ListScheduleMatchingTimesResponse>("ListScheduleMatchingTimes", request));
  Table table({{"TIME", "time", false, false}});
  for (int i = 0; i < std::min(options.count, response.start_time_size()); ++i) {
    table.Add({{"time", IsoTime(response.start_time(i))}});
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no time to come\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

struct PatchOptions {
  std::string id;
  std::string note;
  std::string overlap;
  std::string from;
  std::string to;
};

Result<int> Patch(Globals& globals, const PatchOptions& options, const std::string& done,
                  const std::function<Status(pb::SchedulePatch&)>& fill) {
  ws::PatchScheduleRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_schedule_id(options.id);
  request.set_identity(Identity());
  request.set_request_id(NewRequestId());
  WFE_RETURN_IF_ERROR(fill(*request.mutable_patch()));
  WFE_RETURN_IF_ERROR(globals.Call<ws::PatchScheduleResponse>("PatchSchedule", request));
  PrintEvent("schedule " + options.id + " " + done, {{"schedule_id", options.id}, {"done", done}}, globals.format);
  return kExitOk;
}

Result<int> Pause(Globals& globals, const PatchOptions& options) {
  return Patch(globals, options, "paused", [&](pb::SchedulePatch& patch) {
    patch.set_pause(options.note.empty() ? "paused by " + Identity() : options.note);
    return Ok();
  });
}

Result<int> Resume(Globals& globals, const PatchOptions& options) {
  return Patch(globals, options, "resumed", [&](pb::SchedulePatch& patch) {
    patch.set_unpause(options.note.empty() ? "resumed by " + Identity() : options.note);
    return Ok();
  });
}

Result<int> Trigger(Globals& globals, const PatchOptions& options) {
  return Patch(globals, options, "triggered", [&](pb::SchedulePatch& patch) -> Status {
    WFE_ASSIGN_OR_RETURN(const auto overlap, ParseOverlap(options.overlap));
    patch.mutable_trigger_immediately()->set_overlap_policy(overlap);
    return Ok();
  });
}

Result<int> Backfill(Globals& globals, const PatchOptions& options) {
  return Patch(globals, options, "backfills", [&](pb::SchedulePatch& patch) -> Status {
    pb::BackfillRequest& range = *patch.add_backfill_request();
    WFE_ASSIGN_OR_RETURN(*range.mutable_start_time(), ParseTime("--from", options.from));
    WFE_ASSIGN_OR_RETURN(*range.mutable_end_time(), ParseTime("--to", options.to));
    WFE_ASSIGN_OR_RETURN(const auto overlap, ParseOverlap(options.overlap));
    range.set_overlap_policy(overlap);
    return Ok();
  });
}

Result<int> Delete(Globals& globals, const PatchOptions& options) {
  ws::DeleteScheduleRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_schedule_id(options.id);
  request.set_identity(Identity());
  WFE_RETURN_IF_ERROR(globals.Call<ws::DeleteScheduleResponse>("DeleteSchedule", request));
  PrintEvent("schedule " + options.id + " deleted", {{"deleted", options.id}}, globals.format);
  return kExitOk;
}

void AddCreate(CLI::App& schedule, Globals& globals) {
  struct CreateOptions {
    ScheduleOptions schedule;
    std::string input;
    std::string input_file;
  };
  auto options = std::make_shared<CreateOptions>();
  ScheduleOptions& wanted = options->schedule;
  CLI::App& create = *schedule.add_subcommand("create", "Create a schedule that starts a workflow");
  AddClientOptions(create, globals);
  create.add_option("id", wanted.id, "Its id")->required();
  create.add_option("--cron", wanted.crons, "\"0 2 * * *\", @daily, \"CRON_TZ=Europe/Berlin 0 2 * * *\"; repeatable")
      ->take_all();
  create.add_option("--interval", wanted.intervals, "6h, or 6h/30m with a phase; repeatable")->take_all();
  create.add_option("--calendar", wanted.calendars, "\"hour=2 minute=30 day_of_week=MON-FRI\"; repeatable")->take_all();
  create.add_option("--skip", wanted.skips, "A calendar to leave out; repeatable")->take_all();
  create.add_option("--timezone", wanted.timezone, "IANA name, e.g. Europe/Berlin (default UTC)");
  create.add_option("--jitter", wanted.jitter, "Up to so much later, always the same for one time");
  create.add_option("--start", wanted.start, "No action before this time");
  create.add_option("--end", wanted.end, "No action after this time");
  create.add_option("-T,--type", wanted.type, "Workflow type")->required();
  create.add_option("-i,--input", options->input, "JSON, @FILE or - for standard input");
  create.add_option("--input-file", options->input_file, "File with the JSON input");
  AddQueueOption(create, wanted.queue);
  create.add_option("-w,--workflow-id", wanted.workflow_id, "The time is appended to it (default: the schedule's id)");
  create.add_option("--run-timeout", wanted.run_timeout, "Each run may take so long, e.g. 2h");
  create.add_option("--overlap", wanted.overlap, "When an action is due while the last one still runs (default skip)")
      ->transform(OneOf("--overlap", OverlapNames()));
  create.add_option("--catchup-window", wanted.catchup_window, "How late an action may still run (default 365d)");
  create.add_flag("--pause-on-failure", wanted.pause_on_failure, "Pause when a run fails or times out");
  create.add_flag("--paused", wanted.paused, "Create it paused");
  create.add_option("--note", wanted.note, "Shown with its state");
  create.add_option("--actions", wanted.actions, "Stop after so many actions")->check(WholeNumber(1, 1'000'000'000));
  create.add_flag("--trigger", wanted.trigger, "Act once at once, too");
  create.footer(
      "Examples:\n"
      "  wfe schedule create nightly --cron '0 2 * * *' --timezone Europe/Berlin --type OptimizationWorkflow\n"
      "  wfe schedule create pulse --interval 15m --type Check --input '{\"deep\": false}' --overlap buffer-one");
  create.callback([&globals, options] {
    globals.Run([&] { return Create(globals, options->schedule, options->input, options->input_file); });
  });
}

}  // namespace

void AddScheduleCommands(CLI::App& app, Globals& globals) {
  CLI::App& schedule = *app.add_subcommand("schedule", "Start workflows at times");
  schedule.require_subcommand(1);
  schedule.footer("Examples:\n  wfe schedule list\n  wfe schedule next nightly\n  wfe schedule pause nightly");
  AddCreate(schedule, globals);
  {
    auto paused = std::make_shared<bool>(false);
    CLI::App& list = *schedule.add_subcommand("list", "List schedules by id");
    AddClientOptions(list, globals);
    list.add_flag("--paused", *paused, "Only those that are paused");
    list.footer("Example:\n  wfe schedule list --output json");
    list.callback([&globals, paused] { globals.Run([&] { return List(globals, *paused); }); });
  }
  {
    auto id = std::make_shared<std::string>();
    CLI::App& show = *schedule.add_subcommand("show", "Show one schedule: times, counts, recent and coming actions");
    AddClientOptions(show, globals);
    show.add_option("id", *id, "Its id")->required();
    show.footer("Example:\n  wfe schedule show nightly");
    show.callback([&globals, id] { globals.Run([&] { return Show(globals, *id); }); });
  }
  {
    auto options = std::make_shared<NextOptions>();
    CLI::App& next = *schedule.add_subcommand("next", "List the times to come, with jitter");
    AddClientOptions(next, globals);
    next.add_option("id", options->id, "Its id")->required();
    next.add_option("--count", options->count, "So many (default 10)")->check(WholeNumber(1, 1000));
    next.add_option("--from", options->from, "After this time (default: now)");
    next.footer("Example:\n  wfe schedule next nightly --count 3");
    next.callback([&globals, options] { globals.Run([&] { return Next(globals, *options); }); });
  }
  struct Verb {
    const char* name;
    const char* help;
    const char* footer;
    Result<int> (*run)(Globals&, const PatchOptions&);
  };
  static constexpr Verb kVerbs[] = {
      {"pause", "Take no action until it is resumed", "Example:\n  wfe schedule pause nightly --note 'the lab moves'",
       &Pause},
      {"resume", "Go on from now; times that passed meanwhile are not made up for",
       "Example:\n  wfe schedule resume nightly", &Resume},
      {"trigger", "Act once, now, paused or not", "Example:\n  wfe schedule trigger nightly --overlap allow-all",
       &Trigger},
      {"backfill", "Act for the times of a range, as if they passed now",
       "Example:\n  wfe schedule backfill nightly --from 2026-11-01 --to 2026-11-08 --overlap buffer-all", &Backfill},
      {"delete", "Remove it; what it started goes on", "Example:\n  wfe schedule delete nightly", &Delete},
  };
  for (const Verb& verb : kVerbs) {
    auto options = std::make_shared<PatchOptions>();
    const std::string name = verb.name;
    CLI::App& command = *schedule.add_subcommand(name, verb.help);
    AddClientOptions(command, globals);
    command.add_option("id", options->id, "Its id")->required();
    if (name == "pause" || name == "resume") command.add_option("--note", options->note, "Why; shown with its state");
    if (name == "trigger" || name == "backfill") {
      command.add_option("--overlap", options->overlap, "Instead of the schedule's own policy")
          ->transform(OneOf("--overlap", OverlapNames()));
    }
    if (name == "backfill") {
      command.add_option("--from", options->from, "After this time")->required();
      command.add_option("--to", options->to, "Up to this time")->required();
    }
    command.footer(verb.footer);
    command.callback([&globals, options, run = verb.run] { globals.Run([&] { return run(globals, *options); }); });
  }
}

}  // namespace wfe::cli
