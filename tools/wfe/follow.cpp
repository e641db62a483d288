#include "tools/wfe/follow.h"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <thread>

#include "engine/base/printable.h"
#include "engine/base/time.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/step_teller.h"
#include "workflows/graph/graph_workflow.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;
using std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;
/// The last FollowRun cancelled its run because of the timeout.
bool cancelled_as_late = false;

/// So long a cancelled run has to end its agent or checks.
constexpr auto kTimeToEnd = std::chrono::seconds(10);
/// How long one call waits for the next event.
constexpr Duration kLongestPoll = std::chrono::seconds(3);

/// The line at the bottom of a terminal that says what is going on right now.  Silent elsewhere.
class StatusLine {
 public:
  explicit StatusLine(bool on) : on_(on && StdoutIsTerminal()) {}
  ~StatusLine() { Clear(); }
  void Set(const std::string& text) {
    if (!on_) return;
    const size_t width = TerminalWidth();
    fmt::print("\r\033[K{}", FitsWidth(PrintableLine(text), width));
    std::fflush(stdout);
    shown_ = true;
  }
  void Clear() {
    if (!shown_) return;
    fmt::print("\r\033[K");
    std::fflush(stdout);
    shown_ = false;
  }

 private:
  const bool on_;
  bool shown_ = false;
};

class Follower {
 public:
  Follower(Globals& globals, Target target, const FollowOptions& options)
      : globals_(globals),
        target_(std::move(target)),
        options_(WithoutStepsInADocument(options, globals.format)),
        status_(options_.show_steps && globals.format == OutputFormat::kText),
        start_(steady_clock::now()) {}

  Result<Outcome> Run() {
    while (true) {
      const bool late = IsLate();
      if (options_.ends_with_us) {
        WFE_RETURN_IF_ERROR(EndTheRun(late));
      } else if (interrupted != 0) {
        return Cancelled("stopped following; " + target_.workflow_id + " goes on");
      } else if (late) {
        return DeadlineExceeded(target_.workflow_id + " is still running after " +
                                HumanDuration(std::chrono::duration<double>(*options_.timeout).count()) +
                                "; it goes on");
      }
      ws::GetWorkflowExecutionHistoryRequest request;
      request.set_namespace_(globals_.Namespace());
      request.mutable_execution()->set_workflow_id(target_.workflow_id);
      request.mutable_execution()->set_run_id(target_.run_id);
      request.set_wait_new_event(true);
      request.set_next_page_token(page_token_);
      const auto response = globals_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory",
                                                                                   request, PollTime());
      if (!response) {
        if (!Globals::IsUnreachable(response.error())) return response.error();
        if (!IsLate()) Lost();
        continue;
      }
      Found();
      for (const auto& event : response->history().events()) {
        if (event.event_id() <= last_event_id_) continue;
        last_event_id_ = event.event_id();
        Show(event);
        if (const auto outcome = OutcomeOf(event)) {
          if (outcome->new_run_id.empty()) {
            status_.Clear();
            return *outcome;
          }
          Next(outcome->new_run_id);
          break;
        }
      }
      if (moved_on_) {
        moved_on_ = false;
        continue;
      }
      // A page token belongs to a server's run of this history; without one, ask again from the start and skip.
      page_token_ = response->next_page_token();
      if (response->history().events_size() == 0) WhileNothingHappens();
    }
  }

 private:
  /// `--output json` is one document, the outcome; steps come a line each with jsonl.
  static FollowOptions WithoutStepsInADocument(FollowOptions options, OutputFormat format) {
    options.show_steps = options.show_steps && format != OutputFormat::kJson;
    return options;
  }

  bool IsLate() const { return options_.timeout && steady_clock::now() - start_ >= *options_.timeout; }

  /// Not beyond the timeout: a server answers when four fifths of a call's time have passed.
  Duration PollTime() const {
    if (!options_.timeout || give_up_) return kLongestPoll;
    const Duration left = start_ + *options_.timeout - steady_clock::now();
    return std::clamp<Duration>(left * 5 / 4, std::chrono::milliseconds(100), kLongestPoll);
  }

  /// Nobody goes on with the run when this process has ended, so it is told to end first.
  Status EndTheRun(bool late) {
    if (interrupted == 0 && !late) return Ok();
    if (!give_up_) {
      give_up_ = steady_clock::now() + kTimeToEnd;
      cancelled_as_late = interrupted == 0;
      status_.Clear();
      if (globals_.format == OutputFormat::kText) {
        PrintText(fmt::format("{}; cancelling {} (once more ends at once) …\n", late ? "the time is up" : "interrupted",
                              target_.workflow_id));
        std::fflush(stdout);
      }
      ws::RequestCancelWorkflowExecutionRequest request;
      request.set_namespace_(globals_.Namespace());
      request.mutable_workflow_execution()->set_workflow_id(target_.workflow_id);
      request.set_request_id(NewRequestId());
      request.set_reason(late ? "--timeout" : "interrupted");
      // One that has just ended cannot be cancelled; its end is the next thing that is read.
      std::ignore =
          globals_.Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request);
    }
    if (steady_clock::now() < *give_up_) return Ok();
    const std::string left = target_.workflow_id + " did not end in time and was left as it stands";
    return cancelled_as_late ? DeadlineExceeded(left) : Cancelled(left);
  }

  void Next(const std::string& run_id) {
    target_.run_id = run_id;
    page_token_.clear();
    last_event_id_ = 0;
    activities_.clear();
    queues_.clear();
    moved_on_ = true;
    Print("continued as run " + run_id, {{"event", "continued"}, {"run_id", run_id}});
  }

  void Lost() {
    if (!lost_) {
      lost_ = true;
      Print("connection to " + globals_.Address() + " lost; reconnecting …",
            {{"event", "connection_lost"}, {"address", globals_.Address()}});
    }
    page_token_.clear();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }

  void Found() {
    if (!lost_) return;
    lost_ = false;
    Print("connected again", {{"event", "connected"}, {"address", globals_.Address()}});
  }

  void Print(const std::string& text, nlohmann::ordered_json object) {
    if (!options_.show_steps) return;
    status_.Clear();
    const double elapsed = std::chrono::duration<double>(steady_clock::now() - start_).count();
    object["elapsed_s"] = elapsed;
    PrintEvent(fmt::format("{:>8}  {}", HumanDuration(elapsed), text), object, globals_.format);
  }

  void Show(const temporal::api::history::v1::HistoryEvent& event) {
    switch (event.event_type()) {
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
        is_graph_ =
            event.workflow_execution_started_event_attributes().workflow_type().name() == workflows::kGraphWorkflow;
        Print(fmt::format("{} started", target_.workflow_id),
              {{"event", "started"}, {"workflow_id", target_.workflow_id}});
        break;
      case enums::EVENT_TYPE_WORKFLOW_TASK_STARTED:
        was_worked_for_ = true;
        break;
      case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
        const auto& a = event.activity_task_scheduled_event_attributes();
        activities_[event.event_id()] = NameOf(a.activity_type().name(), a.activity_id());
        queues_[a.activity_id()] = a.task_queue().name();
        if (a.activity_type().name() == "logAuditEntry") {
          ShowEntry(FromPayloads(a.input()));
        }
        break;
      }
      case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED: {
        const auto& a = event.activity_task_failed_event_attributes();
        const std::string type = activities_[a.scheduled_event_id()];
        Print(fmt::format("{} failed: {}", type, CauseInWords(a.failure())),
              {{"event", "activity_failed"}, {"activity", type}, {"failure", FailureText(a.failure())}});
        break;
      }
      case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: {
        const std::string type = activities_[event.activity_task_timed_out_event_attributes().scheduled_event_id()];
        Print(type + " timed out", {{"event", "activity_timed_out"}, {"activity", type}});
        break;
      }
      case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED: {
        const std::string type = activities_[event.activity_task_completed_event_attributes().scheduled_event_id()];
        if (type != "logAuditEntry")
          ShowDone(type, FromPayloads(event.activity_task_completed_event_attributes().result()));
        break;
      }
      case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED: {
        const std::string text = FailureText(event.workflow_task_failed_event_attributes().failure());
        Print("workflow task failed: " + CauseInWords(event.workflow_task_failed_event_attributes().failure()),
              {{"event", "workflow_task_failed"}, {"failure", text}});
        break;
      }
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: {
        const std::string& name = event.workflow_execution_signaled_event_attributes().signal_name();
        Print("signal " + name, {{"event", "signal"}, {"name", name}});
        break;
      }
      case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
        Print("cancellation requested", {{"event", "cancel_requested"}});
        break;
      default:
        break;
    }
  }

  /// Of a graph its node is what a person looks for: its activities have the names of their nodes.
  std::string NameOf(const std::string& type, const std::string& id) const {
    return is_graph_ ? id + " (" + type + ")" : type;
  }

  /// An activity that says in a `headline` what came out is quoted, with the drafts that somebody may decide about.
  void ShowDone(const std::string& type, const nlohmann::json& result) {
    std::string text = type + " done";
    nlohmann::ordered_json object = {{"event", "activity_completed"}, {"activity", type}};
    if (result.is_object() && result.contains("headline") && result["headline"].is_string()) {
      text += ": " + result["headline"].get<std::string>();
      object["headline"] = result["headline"];
    }
    if (result.is_object() && result.contains("report") && result["report"].is_object() &&
        result["report"].contains("grade") && result["report"]["grade"].is_string()) {
      text += ": grade " + result["report"]["grade"].get<std::string>();
      object["grade"] = result["report"]["grade"];
    }
    if (result.is_object() && result.contains("drafts") && result["drafts"].is_array() && !result["drafts"].empty()) {
      text += "; drafts:";
      for (const auto& draft : result["drafts"]) text += " " + (draft.is_string() ? draft.get<std::string>() : "?");
      object["drafts"] = result["drafts"];
    }
    Print(text, object);
  }

  /// A step of an audited build, from the entry it logs.
  void ShowEntry(const nlohmann::json& input) {
    if (const std::optional<std::string> text = steps_.Tell(input)) {
      Print("▸ " + *text, {{"event", "step"}, {"entry", input["entry"]}});
    }
  }

  /// Between events.
  void WhileNothingHappens() {
    if (!options_.show_steps && options_.ends_with_us) return;
    const auto description = Describe(globals_, target_);
    if (!description) return;
    // The worker of a run in this process is here.
    if (!options_.ends_with_us) WarnOfIdleQueues(*description);
    if (options_.show_steps) ShowLive(*description);
  }

  void WarnOfIdleQueues(const ws::DescribeWorkflowExecutionResponse& description) {
    const std::string& queue = description.workflow_execution_info().task_queue();
    std::set<std::string> waiting;
    for (const auto& activity : description.pending_activities()) {
      if (activity.state() != enums::PENDING_ACTIVITY_STATE_SCHEDULED) continue;
      if (const auto found = queues_.find(activity.activity_id()); found != queues_.end()) waiting.insert(found->second);
    }
    status_.Clear();
    if (was_worked_for_) globals_.worked_queues.insert(queue);
    WarnAboutQueue(globals_, queue);
    for (const std::string& other : waiting) {
      if (other != queue) WarnAboutQueue(globals_, other, /*activities=*/true);
    }
  }

  /// Which activity runs, in which attempt.
  void ShowLive(const ws::DescribeWorkflowExecutionResponse& description) {
    std::string running;
    for (const auto& activity : description.pending_activities()) {
      const std::string name = NameOf(activity.activity_type().name(), activity.activity_id());
      running += (running.empty() ? "" : ", ") + name;
      if (activity.attempt() > 1) running += fmt::format(" (attempt {})", activity.attempt());
      if (activity.attempt() > 1 && activity.has_last_failure()) {
        const std::string reason = FailureText(activity.last_failure());
        if (shown_retry_.insert({activity.activity_id(), activity.attempt()}).second) {
          Print(fmt::format("{} attempt {} after: {}", name, activity.attempt(), CauseInWords(activity.last_failure())),
                {{"event", "activity_retry"},
                 {"activity", activity.activity_type().name()},
                 {"attempt", activity.attempt()},
                 {"failure", reason}});
        }
      }
    }
    const double elapsed = std::chrono::duration<double>(steady_clock::now() - start_).count();
    status_.Set(fmt::format("{:>8}  … {} · {} tokens", HumanDuration(elapsed),
                            running.empty() ? "waiting for a worker" : running, steps_.tokens()));
  }

  Globals& globals_;
  Target target_;
  const FollowOptions options_;
  bool is_graph_ = false;
  StatusLine status_;
  const steady_clock::time_point start_;
  std::string page_token_;
  int64_t last_event_id_ = 0;
  bool moved_on_ = false;
  bool was_worked_for_ = false;  // a worker has taken a task of the run's code
  bool lost_ = false;
  std::optional<steady_clock::time_point> give_up_;
  StepTeller steps_;
  std::map<int64_t, std::string> activities_;
  std::map<std::string, std::string> queues_;  // of activities, by their id
  std::set<std::pair<std::string, int>> shown_retry_;
};

}  // namespace

Result<Outcome> FollowRun(Globals& globals, const Target& target, const FollowOptions& options) {
  interrupted = 0;
  cancelled_as_late = false;
  // The first signal only: whoever sends another one does not want to wait.
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  if (options.ends_with_us) {
    for (const int signal : {SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  }
  return Follower(globals, target, options).Run();
}

std::optional<int> ExitCodeOfOurCancel(const Outcome& outcome) {
  if (outcome.status != enums::WORKFLOW_EXECUTION_STATUS_CANCELED) return std::nullopt;
  if (interrupted != 0) return kExitInterrupted;
  return cancelled_as_late ? std::optional<int>(kExitTimedOut) : std::nullopt;
}

std::optional<Duration> TimeoutOf(double seconds) {
  if (seconds <= 0) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace wfe::cli
