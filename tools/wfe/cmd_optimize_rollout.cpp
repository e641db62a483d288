// wfe optimize rollout start|status|pause|resume|abort|skip
#include <fmt/core.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "activities/delivery/records/rollout_log.h"
#include "tools/wfe/ask_workflow.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/schedule_request.h"
#include "tools/wfe/start.h"
#include "workflows/delivery/rollout_workflow.h"

namespace wfe::cli {
namespace {

using delivery::RolloutPlan;
using delivery::StoredRollout;
using delivery::VersionId;
using workflows::RolloutProgress;

struct StartRolloutOptions {
  RecordsOptions records;
  std::string workflow;
  std::string version;
  std::string stages;
  std::string stage_time;
  std::string check_every;
  int64_t min_samples = -1;
  double threshold = -1;
  std::string author;
  std::string reason;
  std::string id;
  std::string queue;
  bool wait = false;
};

Result<int64_t> SecondsOf(const std::string& option, const std::string& text) {
  WFE_ASSIGN_OR_RETURN(const auto span, ParseSpan(option, text));
  return span.seconds();
}

/// "5,10,25,50,100", each with a time of its own where it has one: "5:10m,50:1h,100".
Result<std::vector<delivery::RolloutStage>> ParseStages(const std::string& text, int64_t duration_s) {
  std::vector<delivery::RolloutStage> stages;
  std::stringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    delivery::RolloutStage stage{.percent = 0, .duration_s = duration_s};
    const size_t colon = word.find(':');
    if (colon != std::string::npos) {
      WFE_ASSIGN_OR_RETURN(stage.duration_s, SecondsOf("--stages", word.substr(colon + 1)));
    }
    char* end = nullptr;
    const std::string number = word.substr(0, colon);
    stage.percent = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0') {
      return InvalidArgument("--stages takes percents like 5,10,25,50,100 or 5:10m,100:1h, not \"" + word + "\"");
    }
    stages.push_back(stage);
  }
  return stages;
}

Result<RolloutPlan> PlanOf(const StartRolloutOptions& options) {
  RolloutPlan plan;
  int64_t duration_s = plan.stages.front().duration_s;
  if (!options.stage_time.empty()) {
    WFE_ASSIGN_OR_RETURN(duration_s, SecondsOf("--stage-time", options.stage_time));
    for (delivery::RolloutStage& stage : plan.stages) stage.duration_s = duration_s;
  }
  if (!options.stages.empty()) {
    WFE_ASSIGN_OR_RETURN(plan.stages, ParseStages(options.stages, duration_s));
  }
  if (!options.check_every.empty()) {
    WFE_ASSIGN_OR_RETURN(plan.check_every_s, SecondsOf("--check-every", options.check_every));
  }
  if (options.min_samples >= 0) plan.min_samples = options.min_samples;
  if (options.threshold >= 0) plan.regression.threshold = options.threshold / 100;
  try {
    CheckRecord(plan);
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument("this is no plan of a rollout: " + JsonErrorText(e));
  }
  return plan;
}

Result<int> StartRollout(Globals& globals, const StartRolloutOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  workflows::RolloutInput input{.workflow_id = options.workflow,
                                .version = options.version,
                                .author = PersonAtTheKeyboard(options.author),
                                .reason = options.reason};
  WFE_ASSIGN_OR_RETURN(input.plan, PlanOf(options));
  // Said here and now rather than by a run that fails.
  WFE_ASSIGN_OR_RETURN(const auto state, delivery::VersionStore(*connection.records()).Get(options.workflow));
  WFE_ASSIGN_OR_RETURN(const int version, delivery::ParseVersion(options.workflow, options.version));
  WFE_RETURN_IF_ERROR(state.Usable(version));
  if (version == state.in_service) {
    return FailedPrecondition(VersionId(options.workflow, version) + " is in service already");
  }
  input.rollout_id =
      !options.id.empty() ? options.id : VersionId(options.workflow, version) + "-" + NewRequestId().substr(0, 8);
  WFE_ASSIGN_OR_RETURN(const Target target, StartWorkflow(globals, {.type = std::string(workflows::kRolloutWorkflow),
                                                                    .input = nlohmann::json(input),
                                                                    .id = input.rollout_id,
                                                                    .queue = options.queue}));
  WarnAboutQueue(globals, options.queue.empty() ? config->client.queue : options.queue);
  if (options.wait) {
    WFE_ASSIGN_OR_RETURN(const Outcome outcome, FollowRun(globals, target, {.show_steps = false, .timeout = {}}));
    return ReportOutcome(outcome, target, globals.format);
  }
  PrintEvent(fmt::format("rollout {} has begun; `wfe optimize rollout status {}` shows how it goes", input.rollout_id,
                         input.rollout_id),
             {{"rollout_id", input.rollout_id}, {"run_id", target.run_id}}, globals.format);
  return kExitOk;
}

struct RolloutOptions {
  RecordsOptions records;
  std::string id;
  std::string author;
  std::string reason;
};

std::string StageText(const StoredRollout& rollout) {
  return fmt::format("{} of {}", rollout.state.stage, rollout.header.plan.stages.size());
}

Result<int> ListRollouts(Globals& globals, const delivery::RolloutLog& log) {
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const auto rollouts, log.List(problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  Table table({{"ROLLOUT", "rollout_id", true, false},
               {"VERSION", "version_id", true, false},
               {"STATE", "phase", false, false},
               {"STAGE", "stage", false, true},
               {"SHARE", "share", false, true, &ShareAsPercent},
               {"SINCE", "since", false, false},
               {"WHY", "reason", true, false}});
  for (const StoredRollout& rollout : rollouts) {
    nlohmann::json row = rollout.state;
    row["rollout_id"] = rollout.header.rollout_id;
    row["version_id"] = VersionId(rollout.header.workflow_id, rollout.header.version);
    row["stage"] = StageText(rollout);
    row["share"] = rollout.state.share;
    row["since"] = MinuteOf(rollout.state.updated_at);
    table.Add(std::move(row));
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no rollouts\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

/// What only the run itself knows; a run that does not answer is told of, and the records stand for themselves.
std::optional<RolloutProgress> LiveProgress(Globals& globals, const StoredRollout& rollout) {
  if (rollout.state.ended()) return std::nullopt;
  const auto answer = AskWorkflow(globals, {rollout.header.rollout_id, ""}, workflows::kRolloutStatusQuery);
  if (answer) {
    try {
      return answer->get<RolloutProgress>();
    } catch (const nlohmann::json::exception& e) {
      Warn("the rollout's answer cannot be read: " + JsonErrorText(e), globals.format);
      return std::nullopt;
    }
  }
  Warn("the rollout does not answer, so nobody watches its traffic: " + answer.error().message +
           "; `wfe optimize rollback " + rollout.header.workflow_id + "` ends it",
       globals.format);
  return std::nullopt;
}

Result<int> ShowRollout(Globals& globals, const RolloutOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  const delivery::RolloutLog log(*connection.records());
  if (options.id.empty()) return ListRollouts(globals, log);
  WFE_ASSIGN_OR_RETURN(const StoredRollout rollout, log.Get(options.id));
  const std::optional<RolloutProgress> live = LiveProgress(globals, rollout);
  if (globals.format != OutputFormat::kText) {
    nlohmann::ordered_json object = nlohmann::json(rollout);
    if (live) object["next_look_at"] = live->next_look_at;
    if (live && live->last_check) object["last_check"] = nlohmann::json(*live->last_check);
    PrintObject(object, globals.format);
    return kExitOk;
  }
  const delivery::RolloutHeader& header = rollout.header;
  nlohmann::ordered_json about = {{"rollout", header.rollout_id},
                                  {"version", VersionId(header.workflow_id, header.version)},
                                  {"instead of", VersionId(header.workflow_id, header.control)},
                                  {"state", rollout.state.phase},
                                  {"stage", StageText(rollout)},
                                  {"new runs", fmt::format("{:g} %", 100 * rollout.state.share)},
                                  {"started by", header.author + ": " + header.reason}};
  if (live && live->last_check) {
    about["runs in this stage"] = live->last_check->samples;
    about["last check"] = live->last_check->check.sentence;
  }
  if (live && !live->next_look_at.empty()) about["next check"] = live->next_look_at;
  PrintObject(about, globals.format);
  fmt::print("\n");
  Table table({{"TIME", "at", false, false},
               {"WHAT", "kind", false, false},
               {"STAGE", "stage", false, true},
               {"SHARE", "share", false, true, &ShareAsPercent},
               {"AUTHOR", "author", true, false},
               {"REASON", "reason", true, false}});
  for (const delivery::RolloutEvent& event : rollout.events) {
    nlohmann::json row = event;
    row["share"] = event.share;
    table.Add(std::move(row));
  }
  table.Print(globals.format);
  return kExitOk;
}

/// Asks, and waits until the rollout has answered: a signal alone says nothing of what became of it.
Result<int> ControlRollout(Globals& globals, const RolloutOptions& options, const std::string& action) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  const delivery::RolloutLog log(*connection.records());
  WFE_ASSIGN_OR_RETURN(const StoredRollout rollout, log.Get(options.id));
  if (rollout.state.ended()) {
    return FailedPrecondition(fmt::format("rollout {} has ended: it is {}", options.id, rollout.state.phase));
  }
  const delivery::RolloutControl control{.action = action,
                                         .author = PersonAtTheKeyboard(options.author),
                                         .reason = options.reason,
                                         .request_id = NewRequestId(),
                                         .stage = action == "skip" ? rollout.state.stage : 0};
  WFE_RETURN_IF_ERROR(SendSignal(globals, options.id, workflows::kRolloutControlSignal, nlohmann::json(control)));
  constexpr int kPatience = 50;
  for (int i = 0; i < kPatience; ++i) {
    WFE_ASSIGN_OR_RETURN(const nlohmann::json answer, AskWorkflow(globals, {options.id, ""}, workflows::kRolloutStatusQuery));
    const auto progress = answer.get<RolloutProgress>();
    for (const workflows::RolloutAnswer& each : progress.answers) {
      if (each.request_id != control.request_id) continue;
      if (!each.refused.empty()) return FailedPrecondition("rollout " + options.id + ": " + each.refused);
      PrintEvent(fmt::format("rollout {} is {}: stage {} of {}, {:g} % of new runs", options.id, progress.state.phase,
                             progress.state.stage, progress.header.plan.stages.size(), 100 * progress.state.share),
                 {{"rollout_id", options.id},
                  {"phase", progress.state.phase},
                  {"stage", progress.state.stage},
                  {"share", progress.state.share}},
                 globals.format);
      return kExitOk;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return Unavailable(
      fmt::format("rollout {} was asked to {} and has not answered yet; its worker may be away", options.id, action));
}

void AddRolloutStart(CLI::App& rollout, Globals& globals) {
  auto options = std::make_shared<StartRolloutOptions>();
  CLI::App& start = *rollout.add_subcommand("start", "Bring a version into service in stages");
  AddClientOptions(start, globals);
  AddRecordsOption(start, options->records);
  AddQueueOption(start, options->queue);
  start.add_option("workflow", options->workflow, "The definition's name")->required();
  start.add_option("version", options->version, "Version: v2")->required();
  start.add_option("--reason", options->reason, "Why; kept for good")->required();
  start.add_option("--author", options->author, "Who decided (default: the user that runs this)");
  start.add_option("--stages", options->stages,
                   "Percents of new runs, each with its time or without: 5:10m,50:1h,100 (default 5,10,25,50,100)");
  start.add_option("--stage-time", options->stage_time, "How long a stage lasts (default 1h)");
  start.add_option("--check-every", options->check_every, "How often regressions are looked for (default 5m)");
  start.add_option("--min-samples", options->min_samples, "Runs that a stage needs before it ends (default 20)")
      ->check(WholeNumber(0, 1'000'000));
  start.add_option("--threshold", options->threshold, "Worse by more percent than this is a regression (default 10)")
      ->check(NumberFrom(0.0, 999.0));
  start.add_option("-w,--id", options->id, "Rollout id (default: made up)");
  start.add_flag("--wait", options->wait, "Until it has ended");
  start.footer(
      "Examples:\n  wfe optimize rollout start report v1 --reason 'suggestion 7'\n"
      "  wfe optimize rollout start report v1 --stages 10:30m,50:2h,100:1h --min-samples 50 --reason 'suggestion 7'");
  start.callback([&globals, options] { globals.Run([&] { return StartRollout(globals, *options); }); });
}

}  // namespace

void AddOptimizeRolloutCommands(CLI::App& optimize, Globals& globals) {
  CLI::App& rollout =
      *optimize.add_subcommand("rollout", "Bring versions into service stage by stage")->require_subcommand(1);
  rollout.footer(
      "Examples:\n  wfe optimize rollout start report v1 --reason 'suggestion 7'\n  wfe optimize rollout status");
  AddRolloutStart(rollout, globals);
  {
    auto options = std::make_shared<RolloutOptions>();
    CLI::App& status = *rollout.add_subcommand("status", "All rollouts, or one with every step and its reason");
    AddClientOptions(status, globals);
    AddRecordsOption(status, options->records);
    status.add_option("rollout", options->id, "Rollout id");
    status.footer(
        "Examples:\n  wfe optimize rollout status\n  wfe optimize rollout status report_v1-1f2e3d4c --output json");
    status.callback([&globals, options] { globals.Run([&] { return ShowRollout(globals, *options); }); });
  }
  const std::pair<const char*, const char*> controls[] = {
      {"pause", "Stop a rollout's time; its traffic stays, and regressions are looked for"},
      {"resume", "Let a rollout go on that is paused, or that waits for a decision"},
      {"abort", "End a rollout: all new runs get the version in service"},
      {"skip", "Go to the next stage now, or after the last one put the version in service"}};
  for (const auto& [name, help] : controls) {
    auto options = std::make_shared<RolloutOptions>();
    CLI::App& command = *rollout.add_subcommand(name, help);
    AddClientOptions(command, globals);
    AddRecordsOption(command, options->records);
    command.add_option("rollout", options->id, "Rollout id")->required();
    command.add_option("--reason", options->reason, "Why; kept for good")->required();
    command.add_option("--author", options->author, "Who decided (default: the user that runs this)");
    command.footer(fmt::format(
        "Example:\n  wfe optimize rollout {} report_v1-1f2e3d4c --reason 'a look at the logs first'", name));
    command.callback([&globals, options, action = std::string(name)] {
      globals.Run([&] { return ControlRollout(globals, *options, action); });
    });
  }
}

}  // namespace wfe::cli
