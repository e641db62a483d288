// What changes something, and so needs the token (HT-3).
#include <optional>

#include "tools/site/answers.h"
#include "tools/site/site_context.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "workflows/quota/forecast_workflow.h"

namespace wfe::site {
namespace {

constexpr int64_t kMostText = 1000;  // Four bytes each: the engine's 4,096 bytes.

http::Response Accepted(nlohmann::ordered_json json) { return JsonAnswer(json, 202); }

/// An id that cannot be one is of no run.
http::Response Refused(const Error& error) {
  return http::ErrorResponse(error.code == StatusCode::kInvalidArgument ? NotFound(error.message) : error);
}

template <class Message>
void SetRun(Message& message, const SiteContext& context, const http::Request& request, const nlohmann::json& body) {
  message.set_namespace_(context.ns);
  message.mutable_workflow_execution()->set_workflow_id(request.values.at("workflow_id"));
  message.mutable_workflow_execution()->set_run_id(body.value("run_id", ""));
  message.set_identity(cli::Identity());
}

/// 409 for a run that has ended: of the service itself a cancellation of it succeeds, and the rest finds nothing (S16).
/// Asked before each change; one that ends in between gets the service's own answer.
template <class Message>
std::optional<http::Response> Ended(const SiteContext& context, const Message& message) {
  ws::DescribeWorkflowExecutionRequest which;
  which.set_namespace_(context.ns);
  *which.mutable_execution() = message.workflow_execution();
  const auto description = context.Call<ws::DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", which);
  if (!description) return Refused(description.error());
  const Status open = cli::CheckIsOpen(*description);
  return open ? std::nullopt : std::optional(Refused(open.error()));
}

http::Response CancelRun(const SiteContext& context, const http::Request& request) {
  const nlohmann::json body = http::BodyOf(request);
  ws::RequestCancelWorkflowExecutionRequest message;
  SetRun(message, context, request, body);
  message.set_reason(body.value("reason", ""));
  message.set_request_id(cli::NewRequestId());
  if (auto ended = Ended(context, message)) return *std::move(ended);
  const auto done = context.Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", message);
  if (!done) return Refused(done.error());
  return Accepted({{"workflow_id", request.values.at("workflow_id")}, {"asked", "cancel"}});
}

http::Response TerminateRun(const SiteContext& context, const http::Request& request) {
  const nlohmann::json body = http::BodyOf(request);
  ws::TerminateWorkflowExecutionRequest message;
  SetRun(message, context, request, body);
  message.set_reason(body.value("reason", ""));
  if (auto ended = Ended(context, message)) return *std::move(ended);
  const auto done = context.Call<ws::TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", message);
  if (!done) return Refused(done.error());
  return Accepted({{"workflow_id", request.values.at("workflow_id")}, {"asked", "terminate"}});
}

http::Response SignalRun(const SiteContext& context, const http::Request& request) {
  const nlohmann::json body = http::BodyOf(request);
  ws::SignalWorkflowExecutionRequest message;
  SetRun(message, context, request, body);
  message.set_signal_name(body.at("name").get<std::string>());
  message.set_request_id(cli::NewRequestId());
  if (body.contains("input")) *message.mutable_input()->add_payloads() = cli::ToPayload(body["input"]);
  if (auto ended = Ended(context, message)) return *std::move(ended);
  const auto done = context.Call<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", message);
  if (!done) return Refused(done.error());
  return Accepted({{"workflow_id", request.values.at("workflow_id")}, {"asked", "signal"}});
}

http::Response StartForecast(const SiteContext& context) {
  ws::StartWorkflowExecutionRequest message;
  message.set_namespace_(context.ns);
  message.set_workflow_id("quota-forecast-" + cli::NewRequestId().substr(0, 8));
  message.mutable_workflow_type()->set_name(std::string(workflows::kQuotaForecastWorkflow));
  message.mutable_task_queue()->set_name(context.config.client.queue);
  message.set_identity(cli::Identity());
  message.set_request_id(cli::NewRequestId());
  const auto started = context.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", message);
  if (!started) return http::ErrorResponse(started.error());
  return Accepted({{"workflow_id", message.workflow_id()}, {"run_id", started->run_id()}});
}

http::Operation ChangeOperation(std::string path, std::string id, std::string summary, nlohmann::json properties,
                                const std::string& answer) {
  http::Operation operation;
  operation.method = "POST";
  operation.path = std::move(path);
  operation.id = std::move(id);
  operation.summary = std::move(summary);
  operation.body = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  operation.answer = SchemaRef(answer);
  operation.success = 202;
  operation.needs_token = true;
  return operation;
}

}  // namespace

void AddChanges(http::Router& router, const SiteContext& context, nlohmann::json& schemas) {
  const auto of_run = [&](const char* name, const char* id, const char* summary, nlohmann::json properties,
                          http::Response (*run)(const SiteContext&, const http::Request&)) {
    properties["run_id"] = TextSchema(100);
    http::Operation operation =
        ChangeOperation(std::string("/api/runs/{workflow_id}/") + name, id, summary, std::move(properties), "Asked");
    operation.parameters = {
        {.name = "workflow_id", .description = "Of the workflow", .schema = TextSchema(1000, 1), .in_path = true}};
    operation.errors = {404, 409};
    if (operation.body["properties"].contains("name")) operation.body["required"] = {"name"};
    operation.handle = [&context, run](const http::Request& request) { return run(context, request); };
    router.Add(std::move(operation));
  };
  of_run("cancel", "cancelRun", "Ask a run to stop and clean up", {{"reason", TextSchema(kMostText)}}, &CancelRun);
  of_run("terminate", "terminateRun", "Stop a run at once, without running its code",
         {{"reason", TextSchema(kMostText)}}, &TerminateRun);
  of_run("signal", "signalRun", "Send a signal to a run",
         {{"name", TextSchema(200, 1)}, {"input", nlohmann::json::object()}}, &SignalRun);
  http::Operation forecast =
      ChangeOperation("/api/quota/forecast", "runQuotaForecast",
                      "Start the daily forecast now; it is kept in the records", nlohmann::json::object(), "Started");
  forecast.handle = [&context](const http::Request&) { return StartForecast(context); };
  router.Add(std::move(forecast));
  const nlohmann::json text = {{"type", "string"}};
  schemas["Asked"] = {{"type", "object"},
                      {"required", {"workflow_id", "asked"}},
                      {"properties", {{"workflow_id", text}, {"asked", text}}}};
  schemas["Started"] = {{"type", "object"},
                        {"required", {"workflow_id", "run_id"}},
                        {"properties", {{"workflow_id", text}, {"run_id", text}}}};
}

}  // namespace wfe::site
