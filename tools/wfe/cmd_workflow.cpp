// wfe list, count, show, signal, query, cancel, terminate, health
#include <fmt/core.h>

#include "grpc/health/v1/health.pb.h"
#include "tools/wfe/ask_workflow.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/why_it_waits.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;

struct ListOptions {
  std::string query;
  std::string status;
  std::string type;
  int limit = 50;
};

std::string ListFilter(const ListOptions& options) {
  std::string filter = options.query.empty() ? "" : "(" + options.query + ")";
  const auto also = [&](const std::string& clause) { filter += (filter.empty() ? "" : " AND ") + clause; };
  if (!options.status.empty()) also("ExecutionStatus = '" + options.status + "'");
  if (!options.type.empty()) also("WorkflowType = '" + options.type + "'");
  return filter;
}

Result<int> List(Globals& globals, const ListOptions& options) {
  Table table({{"STATUS", "status", false, false},
               {"WORKFLOW ID", "workflow_id", true, false},
               {"TYPE", "type", true, false},
               {"STARTED", "started", false, false},
               {"TOOK", "took", false, true},
               {"RUN ID", "run_id", true, false}});
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_query(ListFilter(options));
  int left = options.limit;
  while (left > 0) {
    request.set_page_size(std::min(left, 500));
    WFE_ASSIGN_OR_RETURN(const auto page,
                         globals.Call<ws::ListWorkflowExecutionsResponse>("ListWorkflowExecutions", request));
    for (const auto& info : page.executions()) {
      if (left-- <= 0) break;
      table.Add(ExecutionRow(info));
    }
    if (page.next_page_token().empty()) break;
    request.set_next_page_token(page.next_page_token());
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no workflow matches\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> Count(Globals& globals, const ListOptions& options) {
  ws::CountWorkflowExecutionsRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_query(ListFilter(options));
  WFE_ASSIGN_OR_RETURN(const auto response,
                       globals.Call<ws::CountWorkflowExecutionsResponse>("CountWorkflowExecutions", request));
  if (globals.format == OutputFormat::kText) {
    fmt::print("{}\n", response.count());
  } else {
    PrintObject({{"count", response.count()}}, globals.format);
  }
  return kExitOk;
}

void AddFilterOptions(CLI::App& command, ListOptions& options) {
  command.add_option("--query", options.query, "Filter, e.g. \"WorkflowType = 'A' AND ExecutionStatus = 'Running'\"");
  command.add_option("-q", options.query, "As --query")->group("");
  command.add_option("--status", options.status, "Runs in this state")
      ->transform(OneOf("--status",
                        {"Running", "Completed", "Failed", "Canceled", "Terminated", "ContinuedAsNew", "TimedOut"}));
  command.add_option("--type", options.type, "Workflow type");
}

Result<int> Show(Globals& globals, const Target& target) {
  WFE_ASSIGN_OR_RETURN(const auto description, Describe(globals, target));
  WFE_ASSIGN_OR_RETURN(const std::optional<Outcome> outcome, ReadOutcome(globals, target));
  nlohmann::ordered_json object = DescriptionObject(description, outcome);
  if (!outcome) AddWhyItWaits(globals, description, object);
  PrintObject(object, globals.format);
  return kExitOk;
}

struct MessageOptions {
  std::string name;
  std::string input;
  std::string input_file;
  std::string reason;
  double timeout_s = 0;  ///< Of a query; 0: 30 s.
};

Status AddInput(const MessageOptions& options, temporal::api::common::v1::Payloads& payloads) {
  WFE_ASSIGN_OR_RETURN(const auto input, ReadInput(options.input, options.input_file));
  if (input) *payloads.add_payloads() = ToPayload(*input);
  return Ok();
}

template <class Request>
void SetTarget(Request& request, Globals& globals, const Target& target) {
  request.set_namespace_(globals.Namespace());
  request.mutable_workflow_execution()->set_workflow_id(target.workflow_id);
  request.mutable_workflow_execution()->set_run_id(target.run_id);
  request.set_identity(Identity());
}

/// An engine keeps a signal that no workflow asks for, so a mistyped one would look as if it had been heard.
Status CheckSignalOfABuild(const ws::DescribeWorkflowExecutionResponse& description, const std::string& name) {
  if (name == "abort" || name == "add_guidance") return Ok();
  if (description.workflow_execution_info().type().name() != workflows::kAuditedBuildWorkflow) return Ok();
  return InvalidArgument("a build takes the signals add_guidance and abort, not \"" + name + "\"");
}

/// As the service finds no run that a signal or an end could go to, there is none to cancel either.
Result<ws::DescribeWorkflowExecutionResponse> DescribeOpen(Globals& globals, const Target& target) {
  WFE_ASSIGN_OR_RETURN(auto description, Describe(globals, target));
  const Status open = CheckIsOpen(description);
  if (!open) return NotFound(open.error().message);
  return description;
}

Result<int> Signal(Globals& globals, const Target& target, const MessageOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto description, DescribeOpen(globals, target));
  WFE_RETURN_IF_ERROR(CheckSignalOfABuild(description, options.name));
  ws::SignalWorkflowExecutionRequest request;
  SetTarget(request, globals, target);
  request.set_signal_name(options.name);
  request.set_request_id(NewRequestId());
  WFE_RETURN_IF_ERROR(AddInput(options, *request.mutable_input()));
  WFE_RETURN_IF_ERROR(globals.Call<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", request));
  PrintEvent("signal " + options.name + " accepted by " + target.workflow_id,
             {{"signal", options.name}, {"workflow_id", target.workflow_id}}, globals.format);
  return kExitOk;
}

Result<int> Query(Globals& globals, const Target& target, const MessageOptions& options) {
  // A worker answers it; without one it is waited for.
  WFE_ASSIGN_OR_RETURN(const auto description, Describe(globals, target));
  WarnAboutQueue(globals, description.workflow_execution_info().task_queue());
  nlohmann::json argument;
  WFE_ASSIGN_OR_RETURN(const auto input, ReadInput(options.input, options.input_file));
  if (input) argument = *input;
  const Duration patience = TimeoutOf(options.timeout_s).value_or(std::chrono::seconds(30));
  WFE_ASSIGN_OR_RETURN(const nlohmann::json answer,
                       AskWorkflow(globals, target, options.name, input ? &argument : nullptr, patience));
  PrintJson(answer, globals.format);
  return kExitOk;
}

Result<int> Cancel(Globals& globals, const Target& target, const MessageOptions& options) {
  WFE_RETURN_IF_ERROR(DescribeOpen(globals, target));
  ws::RequestCancelWorkflowExecutionRequest request;
  SetTarget(request, globals, target);
  request.set_reason(options.reason);
  request.set_request_id(NewRequestId());
  WFE_RETURN_IF_ERROR(
      globals.Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request));
  PrintEvent("cancellation of " + target.workflow_id + " requested", {{"cancel_requested", target.workflow_id}},
             globals.format);
  return kExitOk;
}

Result<int> Terminate(Globals& globals, const Target& target, const MessageOptions& options) {
  WFE_RETURN_IF_ERROR(DescribeOpen(globals, target));
  ws::TerminateWorkflowExecutionRequest request;
  SetTarget(request, globals, target);
  request.set_reason(options.reason);
  WFE_RETURN_IF_ERROR(globals.Call<ws::TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request));
  PrintEvent(target.workflow_id + " terminated", {{"terminated", target.workflow_id}}, globals.format);
  return kExitOk;
}

Result<int> Health(Globals& globals) {
  namespace health = grpc::health::v1;
  const auto response = client::BlockingCall<health::HealthCheckResponse>(
      globals.client(), "grpc.health.v1.Health", "Check", health::HealthCheckRequest(), std::chrono::seconds(5));
  if (!response) return globals.Unreachable(response.error());
  const bool serving = response->status() == health::HealthCheckResponse::SERVING;
  PrintObject(
      {{"address", globals.Address()}, {"status", health::HealthCheckResponse::ServingStatus_Name(response->status())}},
      globals.format);
  return serving ? kExitOk : kExitFailed;
}

}  // namespace

void AddWorkflowCommands(CLI::App& app, Globals& globals) {
  {
    auto options = std::make_shared<ListOptions>();
    CLI::App& list = *app.add_subcommand("list", "List workflow runs, newest first");
    AddClientOptions(list, globals);
    AddFilterOptions(list, *options);
    list.add_option("--limit", options->limit, "At most so many (default 50)")->check(WholeNumber(1, 1'000'000));
    list.footer("Examples:\n  wfe list\n  wfe list --status Running --output jsonl");
    list.callback([&globals, options] { globals.Run([&] { return List(globals, *options); }); });
  }
  {
    auto options = std::make_shared<ListOptions>();
    CLI::App& count = *app.add_subcommand("count", "How many workflow runs there are");
    AddClientOptions(count, globals);
    AddFilterOptions(count, *options);
    count.footer("Examples:\n  wfe count\n  wfe count --status Running --type AuditedBuildWorkflow");
    count.callback([&globals, options] { globals.Run([&] { return Count(globals, *options); }); });
  }
  {
    auto target = std::make_shared<Target>();
    CLI::App& show = *app.add_subcommand("show", "Show one run: state, open activities, result");
    AddClientOptions(show, globals);
    AddTargetOptions(show, *target);
    show.footer("Example:\n  wfe show build-42");
    show.callback([&globals, target] { globals.Run([&] { return Show(globals, *target); }); });
  }
  struct Message {
    const char* command;
    const char* help;
    const char* footer;
    bool named;
    Result<int> (*run)(Globals&, const Target&, const MessageOptions&);
  };
  static constexpr Message kMessages[] = {
      {"signal", "Send a signal to a running workflow",
       "Example:\n  wfe signal build-42 add_guidance --input '\"keep the public API\"'", true, &Signal},
      {"query", "Ask a workflow for its state", "Example:\n  wfe query build-42 status", true, &Query},
      {"cancel", "Ask a workflow to stop and clean up", "Example:\n  wfe cancel build-42 --reason 'wrong branch'",
       false, &Cancel},
      {"terminate", "Stop a workflow at once, without running its code", "Example:\n  wfe terminate build-42", false,
       &Terminate},
  };
  for (const Message& message : kMessages) {
    auto target = std::make_shared<Target>();
    auto options = std::make_shared<MessageOptions>();
    CLI::App& command = *app.add_subcommand(message.command, message.help);
    AddClientOptions(command, globals);
    AddTargetOptions(command, *target);
    if (message.named) {
      command.add_option("name", options->name, "Its name")->required();
      command.add_option("-i,--input", options->input, "JSON, @FILE or - for standard input");
      command.add_option("--input-file", options->input_file, "File with the JSON input");
    } else {
      command.add_option("--reason", options->reason, "Kept in the history");
    }
    if (message.run == &Query) {
      command.add_option("--timeout", options->timeout_s, "Seconds to wait for the answer of a worker (default 30)")
          ->check(Seconds());
    }
    command.footer(message.footer);
    command.callback([&globals, target, options, run = message.run] {
      globals.Run([&] { return run(globals, *target, *options); });
    });
  }
  CLI::App& health = *app.add_subcommand("health", "Exit 0 only when the server answers SERVING");
  AddClientOptions(health, globals);
  health.footer("Example:\n  until wfe health; do sleep 0.2; done");
  health.callback([&globals] { globals.Run([&] { return Health(globals); }); });
}

}  // namespace wfe::cli
