// wfe optimize session start|status|report|stop, approve and reject.
#include <fmt/core.h>
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "activities/delivery/records/version_store.h"
#include "activities/graph/draw_graph.h"
#include "activities/optimizer/steps/profiled_workflow.h"
#include "tools/wfe/ask_workflow.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/optimizer_overview.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/record_file.h"
#include "tools/wfe/session_page.h"
#include "tools/wfe/start.h"
#include "workflows/optimizer/session_workflow.h"

namespace wfe::cli {
namespace {

using optimizer::SessionLog;
using optimizer::SessionOptions;
using optimizer::StoredSession;
using workflows::SessionWorkflowId;

struct SessionStartOptions {
  RecordsOptions records;
  std::string workflow;
  std::string file;
  std::string catalog;
  std::string algorithm;
  std::string deploy;
  int64_t executions = 0;
  int64_t top = 0;
  int64_t trials = -1;
  int64_t seed = -1;
  bool auto_apply = false;
  bool no_learning = false;
  std::string author;
  std::string reason;
  std::string id;
  std::string queue;
  bool wait = false;
};

struct SessionIdOptions {
  RecordsOptions records;
  std::string id;
  std::string html;
};

struct DecideOptions {
  RecordsOptions records;
  std::string id;
  std::vector<std::string> suggestions;
  std::string author;
  std::string reason;
  int64_t rating = 0;
};

Result<SessionOptions> OptionsOf(const SessionStartOptions& given) {
  WFE_ASSIGN_OR_RETURN(SessionOptions options, ReadRecordFile<SessionOptions>(given.file, "the options"));
  if (!given.catalog.empty()) {
    WFE_ASSIGN_OR_RETURN(options.catalog, ReadRecordFile<optimizer::Catalog>(given.catalog, "the catalog"));
  }
  if (!given.algorithm.empty()) options.search_algorithm = given.algorithm;
  if (!given.deploy.empty()) options.deploy = given.deploy;
  if (given.executions > 0) options.executions = given.executions;
  if (given.top > 0) options.top = given.top;
  if (given.trials >= 0) options.trials = given.trials;
  if (given.seed >= 0) options.seed = static_cast<uint64_t>(given.seed);
  if (given.auto_apply) options.auto_apply = true;
  if (given.no_learning) options.enable_learning = false;
  try {
    CheckRecord(options);
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument("these are no options of a session: " + JsonErrorText(e));
  }
  return options;
}

Result<int> StartSession(Globals& globals, const SessionStartOptions& given) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, given.records));
  workflows::SessionInput input{.session_id = given.id,
                                .workflow_id = given.workflow,
                                .options = {},
                                .author = PersonAtTheKeyboard(given.author),
                                .reason = given.reason,
                                .progress = {}};
  WFE_ASSIGN_OR_RETURN(input.options, OptionsOf(given));
  // Said here and now rather than by a run that fails.
  WFE_RETURN_IF_ERROR(delivery::VersionStore(*connection.records()).Get(given.workflow));
  if (input.session_id.empty()) input.session_id = given.workflow + "-" + NewRequestId().substr(0, 8);
  WFE_ASSIGN_OR_RETURN(const Target target, StartWorkflow(globals, {.type = std::string(workflows::kOptimizerSession),
                                                                    .input = nlohmann::json(input),
                                                                    .id = SessionWorkflowId(given.workflow),
                                                                    .queue = given.queue}));
  WarnAboutQueue(globals, given.queue.empty() ? config->client.queue : given.queue);
  if (given.wait) {
    WFE_ASSIGN_OR_RETURN(const Outcome outcome, FollowRun(globals, target, {.show_steps = false, .timeout = {}}));
    return ReportOutcome(outcome, target, globals.format);
  }
  PrintEvent(fmt::format("session {} has begun; `wfe optimize session status {}` shows what it found", input.session_id,
                         input.session_id),
             {{"session_id", input.session_id}, {"run_id", target.run_id}}, globals.format);
  return kExitOk;
}

Result<int> ListSessions(Globals& globals, client::RecordsClient& records) {
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const auto sessions, SessionLog(records).List(problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  Table table({{"SESSION", "session_id", true, false},
               {"WORKFLOW", "workflow_id", true, false},
               {"STATE", "state", false, false},
               {"SUGGESTIONS", "suggestions", false, true},
               {"VERSION", "new_version_id", true, false},
               {"SINCE", "since", false, false},
               {"WHY", "why", true, false}});
  for (const StoredSession& session : sessions) {
    table.Add({{"session_id", session.header.session_id},
               {"workflow_id", session.header.workflow_id},
               {"state", session.state.ended() ? session.state.outcome : session.state.phase},
               {"suggestions", session.state.candidates.size()},
               {"new_version_id", session.state.new_version_id},
               {"since", MinuteOf(session.state.updated_at)},
               {"why", session.state.why}});
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    PrintText("no sessions\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

/// By its id, or the newest one of a workflow of that name.
Result<StoredSession> FindSession(client::RecordsClient& records, const std::string& name) {
  Result<StoredSession> session = SessionLog(records).Get(name);
  if (session || session.error().code != StatusCode::kNotFound) return session;
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const auto sessions, SessionLog(records).List(problems));
  const StoredSession* newest = nullptr;
  for (const StoredSession& each : sessions) {
    if (each.header.workflow_id != name) continue;
    if (newest == nullptr || newest->header.started_at < each.header.started_at) newest = &each;
  }
  if (newest != nullptr) return *newest;
  return NotFound("there is no optimizer session \"" + name + "\", nor one of a workflow of that name");
}

/// The graph as lines; empty: the version is none.
std::string DrawVersion(const delivery::VersionStore& store, const delivery::VersionState& state,
                        const std::string& version_id) {
  const Result<int> version = delivery::ParseVersion(state.workflow_id, version_id);
  if (!version) return "";
  const Result<std::string> content = store.Content(state, *version);
  if (!content) return "";
  const auto graph = optimizer::GraphOf(*content);
  return graph && *graph ? graph::DrawText(**graph) : "";
}

Result<int> ShowSession(Globals& globals, const SessionIdOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  if (options.id.empty()) return ListSessions(globals, *connection.records());
  WFE_ASSIGN_OR_RETURN(StoredSession session, FindSession(*connection.records(), options.id));
  WFE_ASSIGN_OR_RETURN(const SessionStory story, StoryOf(*connection.records(), std::move(session)));
  if (!options.html.empty()) {
    WFE_RETURN_IF_ERROR(WriteTextFile(options.html, SessionPage(story, TimeNow())));
  }
  if (globals.format != OutputFormat::kText) {
    PrintJson(JsonOf(story), globals.format);
    return kExitOk;
  }
  PrintText(SessionText(story, TerminalWidth()));
  if (story.session.state.phase == "waiting") {
    PrintText("\nDecide: wfe optimize approve " + story.session.header.session_id + " ID… --reason '…', or reject\n");
  }
  return kExitOk;
}

/// Asks, and waits until the session has answered.
Result<int> Decide(Globals& globals, const DecideOptions& options, const std::string& action) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const StoredSession session, FindSession(*connection.records(), options.id));
  const std::string& id = session.header.session_id;
  if (session.state.phase != "waiting") {
    return FailedPrecondition("session " + id + " does not wait for a decision: it is " +
                              (session.state.ended() ? "over (" + session.state.outcome + ")" : session.state.phase));
  }
  const workflows::SessionDecision decision{
      .request_id = NewRequestId(),
      .action = action,
      .suggestions = options.suggestions,
      .author = PersonAtTheKeyboard(options.author),
      .reason = options.reason,
      .rating = options.rating > 0 ? std::optional(options.rating) : std::nullopt};
  const std::string workflow = SessionWorkflowId(session.header.workflow_id);
  WFE_RETURN_IF_ERROR(SendSignal(globals, workflow, workflows::kSessionDecisionSignal, nlohmann::json(decision)));
  // Several suggestions are tried together first, which takes a while.
  constexpr int kPatience = 600;
  for (int i = 0; i < kPatience; ++i) {
    WFE_ASSIGN_OR_RETURN(const nlohmann::json answer, AskWorkflow(globals, {workflow, ""}, workflows::kSessionStatusQuery));
    const auto progress = answer.get<workflows::SessionProgress>();
    for (const workflows::SessionAnswer& each : progress.answers) {
      if (each.request_id != decision.request_id) continue;
      if (!each.refused.empty()) return FailedPrecondition("session " + id + ": " + each.refused);
      PrintEvent(fmt::format("session {}: {} {}", id, action == "approve" ? "approved" : "rejected",
                             fmt::join(options.suggestions, ", ")),
                 {{"session_id", id}, {"action", action}, {"suggestions", options.suggestions}}, globals.format);
      return kExitOk;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return Unavailable("session " + id + " was told and has not answered yet; its worker may be away");
}

Result<int> ShowOverview(Globals& globals, const SessionIdOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const OptimizerOverview overview,
                       ReadOptimizerOverview(*connection.records(), SystemClock().Now()));
  if (!options.html.empty()) WFE_RETURN_IF_ERROR(WriteTextFile(options.html, OptimizerOverviewPage(overview)));
  if (globals.format != OutputFormat::kText) {
    PrintJson(overview, globals.format);
  } else {
    PrintText(OptimizerOverviewText(overview, TerminalWidth()));
  }
  return kExitOk;
}

Result<int> StopSession(Globals& globals, const SessionIdOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const StoredSession session, FindSession(*connection.records(), options.id));
  if (session.state.ended()) {
    return FailedPrecondition("session " + session.header.session_id + " is over: " + session.state.outcome);
  }
  ws::RequestCancelWorkflowExecutionRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_workflow_execution()->set_workflow_id(SessionWorkflowId(session.header.workflow_id));
  request.set_identity(Identity());
  request.set_request_id(NewRequestId());
  WFE_RETURN_IF_ERROR(
      globals.Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request));
  PrintEvent("session " + session.header.session_id + " is asked to stop; traffic that it divides is given back",
             {{"session_id", session.header.session_id}}, globals.format);
  return kExitOk;
}

void AddSessionStart(CLI::App& session, Globals& globals) {
  auto options = std::make_shared<SessionStartOptions>();
  CLI::App& start = *session.add_subcommand("start", "Profile a workflow, propose changes and bring them into service");
  AddClientOptions(start, globals);
  AddRecordsOption(start, options->records);
  AddQueueOption(start, options->queue);
  start.add_option("workflow", options->workflow, "A managed workflow")->required();
  start.add_option("--reason", options->reason, "Why; kept for good")->required();
  start.add_option("--author", options->author, "Who asks for it (default: the user that runs this)");
  start.add_option("--executions", options->executions, "Profile the last so many executions (default 10)")
      ->check(WholeNumber(1, 100'000));
  start.add_option("--top", options->top, "Suggestions that are tried and presented (default 10)")
      ->check(WholeNumber(1, 50));
  start.add_option("--trials", options->trials, "Recorded runs that each is tried on (default 5)")
      ->check(WholeNumber(0, 20));
  start.add_option("--algorithm", options->algorithm,
                   "hill_climbing (default), simulated_annealing, genetic, or none");
  start.add_option("--deploy", options->deploy, "gradual_rollout (default), ab_test (and then a rollout) or immediate");
  start.add_flag("--auto-apply", options->auto_apply, "Apply without asking what needs no more than a dry run");
  start.add_flag("--no-learning", options->no_learning, "Neither use nor add to what earlier sessions taught");
  start.add_option("--seed", options->seed, "Of the search (default 1)")->check(WholeNumber(0, 1'000'000'000));
  start.add_option("--catalog", options->catalog, "JSON file with the tools and models that there are");
  start.add_option("--options", options->file, "JSON file with these and all other options of a session");
  start.add_option("-w,--id", options->id, "Session id (default: made up)");
  start.add_flag("--wait", options->wait, "Until it has ended");
  start.footer(
      "Examples:\n  wfe optimize session start report --reason 'slower than it should be'\n"
      "  wfe optimize session start report --executions 50 --deploy ab_test --catalog tools.json --reason 'weekly'");
  start.callback([&globals, options] { globals.Run([&] { return StartSession(globals, *options); }); });
}

void AddDecision(CLI::App& optimize, Globals& globals, const std::string& action, const char* help) {
  auto options = std::make_shared<DecideOptions>();
  CLI::App& command = *optimize.add_subcommand(action, help);
  AddClientOptions(command, globals);
  AddRecordsOption(command, options->records);
  command.add_option("session", options->id, "Session id, or the workflow's name")->required();
  command.add_option("suggestions", options->suggestions, "Ids of suggestions")->required();
  command.add_option("--reason", options->reason, "Why; kept for good")->required();
  command.add_option("--author", options->author, "Who decided (default: the user that runs this)");
  command.add_option("--rating", options->rating, "How good they are, 1 to 5")->check(WholeNumber(1, 5));
  command.footer("Example:\n  wfe optimize " + action + " report-1f2e3d4c 7a6b5c4d3e2f1a0b --reason 'as discussed'");
  command.callback([&globals, options, action] { globals.Run([&] { return Decide(globals, *options, action); }); });
}

}  // namespace

Result<SessionStory> StoryOf(client::RecordsClient& records, StoredSession session) {
  SessionStory story{.session = std::move(session), .versions = {}, .rollout = {}, .monitoring = {}, .before = "", .after = ""};
  const delivery::VersionStore store(records);
  const optimizer::SessionState& state = story.session.state;
  const auto versions = store.Get(story.session.header.workflow_id);
  if (versions) {
    story.versions = *versions;
    story.before = DrawVersion(store, *versions, state.version_id);
    story.after = DrawVersion(store, *versions, state.new_version_id);
  }
  if (!state.rollout_id.empty()) {
    const auto rollout = delivery::RolloutLog(records).Get(state.rollout_id);
    if (rollout) story.rollout = *rollout;
  }
  WFE_ASSIGN_OR_RETURN(const auto events, delivery::MonitorLog(records).Events(story.session.header.workflow_id));
  for (const delivery::MonitoringEvent& event : events) {
    if (event.time >= story.session.header.started_at) story.monitoring.push_back(event);
  }
  return story;
}

nlohmann::json JsonOf(const SessionStory& story) {
  nlohmann::json object = story.session;
  if (story.rollout) object["rollout"] = *story.rollout;
  object["monitoring"] = story.monitoring;
  if (story.versions) {
    object["in_service"] = delivery::VersionId(story.versions->workflow_id, story.versions->in_service);
  }
  return object;
}

void AddOptimizeSessionCommands(CLI::App& optimize, Globals& globals) {
  CLI::App& session = *optimize.add_subcommand("session", "From a profile to a better version in service")
                           ->require_subcommand(1);
  session.footer(
      "Examples:\n  wfe optimize session start report --reason 'slower than it should be'\n"
      "  wfe optimize session status");
  AddSessionStart(session, globals);
  const auto about_one = [&](const char* name, const char* help, bool required, bool html, const char* footer, auto run) {
    auto options = std::make_shared<SessionIdOptions>();
    CLI::App& command = *session.add_subcommand(name, help);
    AddClientOptions(command, globals);
    AddRecordsOption(command, options->records);
    CLI::Option* id = command.add_option("session", options->id, "Session id, or a workflow's name for its newest");
    if (required) id->required();
    if (html) command.add_option("--html", options->html, "Write a page to this file, too");
    command.footer(footer);
    command.callback([&globals, options, run] { globals.Run([&] { return run(globals, *options); }); });
  };
  about_one("status", "All sessions, or one: what it found, what was decided, what became of it", false, false,
            "Examples:\n  wfe optimize session status\n  wfe optimize session status report", ShowSession);
  about_one("report", "The same, also as a page", true, true,
            "Example:\n  wfe optimize session report report --html session.html", ShowSession);
  about_one("stop", "End a session; traffic that it divides goes back to the version in service", true, false,
            "Example:\n  wfe optimize session stop report", StopSession);
  auto overview = std::make_shared<SessionIdOptions>();
  CLI::App& all = *optimize.add_subcommand("overview", "All managed workflows: in service, traffic, events, sessions");
  AddClientOptions(all, globals);
  AddRecordsOption(all, overview->records);
  all.add_option("--html", overview->html, "Write a page to this file, too");
  all.footer("Example:\n  wfe optimize overview --html overview.html");
  all.callback([&globals, overview] { globals.Run([&] { return ShowOverview(globals, *overview); }); });
  AddDecision(optimize, globals, "approve", "Approve suggestions of a session; together they become one version");
  AddDecision(optimize, globals, "reject", "Reject suggestions of a session");
}

}  // namespace wfe::cli
