// Workflows as the program sees that starts them: start, wait for the result, signal, query, cancel.
//
//   auto run = client.Start("Greet", std::string("Ada"), {.workflow_id = "greet-ada", .task_queue = "greet"});
//   auto greeting = client.Await<std::string>(*run);
//
// Every method blocks until the engine has answered, so it is for the program's own threads: never for workflow code, nor
// for a strand.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/parse_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/sdk/failure.h"

namespace wfe::client {
class ServiceClient;
}

namespace wfe::worker {

struct WorkflowRun {
  std::string workflow_id;
  std::string run_id;  ///< Empty: the newest run of the id.
};

/// What a start does when a workflow with its id is there already, whether it runs or has ended.
enum class IfStarted {
  kFail,    ///< ALREADY_EXISTS while one is open; one that has ended does not matter.
  kFindIt,  ///< The start gives the run that is there, so a program that was killed finds its work again.
};

struct StartOptions {
  std::string workflow_id;  ///< Empty: one is made up.
  std::string task_queue;   ///< Must be named.
  IfStarted if_started = IfStarted::kFail;
  Duration execution_timeout{};  ///< All runs together; zero: none.
  Duration run_timeout{};        ///< One run; zero: none.
};

/// How a workflow ended.
struct WorkflowOutcome {
  enum class Status { kCompleted, kFailed, kCancelled, kTerminated, kTimedOut };

  Status status = Status::kCompleted;
  nlohmann::json result;     ///< When completed.
  sdk::FailureInfo failure;  ///< When failed; when terminated its message is the reason.
  std::string run_id;        ///< Of the run that ended: another one than was asked for when that went on as new.

  /// "failed: no model answers (AGENT_ERROR)".
  std::string ToString() const;
};

/// Callable from any thread.
class WorkflowClient {
 public:
  /// `client` outlives this object.  `identity`: who this is, in histories.
  WorkflowClient(client::ServiceClient& client, std::string ns, std::string identity);

  /// Durable when it returns.
  template <class Input>
  Result<WorkflowRun> Start(const std::string& type, const Input& input, const StartOptions& options) {
    return StartJson(type, nlohmann::json(input), options);
  }

  /// Waits until the workflow has ended, following runs that go on as new; DEADLINE_EXCEEDED when it has not after
  /// `timeout`.
  Result<WorkflowOutcome> AwaitOutcome(const WorkflowRun& run, Duration timeout = Duration::max());
  /// The result of a workflow that completes; ABORTED, with the sentence, when it ends otherwise.
  template <class Output>
  Result<Output> Await(const WorkflowRun& run, Duration timeout = Duration::max()) {
    WFE_ASSIGN_OR_RETURN(const WorkflowOutcome outcome, AwaitOutcome(run, timeout));
    if (outcome.status != WorkflowOutcome::Status::kCompleted) {
      return Error{StatusCode::kAborted, "the workflow " + run.workflow_id + " " + outcome.ToString(), {}};
    }
    return Read<Output>("the result of the workflow " + run.workflow_id, outcome.result);
  }

  template <class Value>
  Status Signal(const WorkflowRun& run, const std::string& name, const Value& value) {
    return SignalJson(run, name, nlohmann::json(value));
  }
  /// FAILED_PRECONDITION when the workflow refuses the query; needs a worker that serves it.
  template <class Output, class Input>
  Result<Output> Query(const WorkflowRun& run, const std::string& name, const Input& input) {
    WFE_ASSIGN_OR_RETURN(const nlohmann::json answer, QueryJson(run, name, nlohmann::json(input)));
    return Read<Output>("the answer to the query " + name, answer);
  }
  /// Asks it to end; it may take its time, or go on.
  Status Cancel(const WorkflowRun& run);
  /// Ends it at once.
  Status Terminate(const WorkflowRun& run, const std::string& reason);

  // The same without types.
  Result<WorkflowRun> StartJson(const std::string& type, const nlohmann::json& input, const StartOptions& options);
  Status SignalJson(const WorkflowRun& run, const std::string& name, const nlohmann::json& value);
  Result<nlohmann::json> QueryJson(const WorkflowRun& run, const std::string& name, const nlohmann::json& input);

 private:
  template <class Output>
  static Result<Output> Read(const std::string& what, const nlohmann::json& json) {
    try {
      return json.get<Output>();
    } catch (const nlohmann::json::exception& e) {
      return InvalidArgument(what + " is not what was expected: " + JsonErrorText(e));
    }
  }

  client::ServiceClient& client_;
  const std::string ns_;
  const std::string identity_;
};

}  // namespace wfe::worker
