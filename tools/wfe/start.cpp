#include "tools/wfe/start.h"

#include <fmt/core.h>

#include "tools/wfe/follow.h"
#include "tools/wfe/page_lines.h"
#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {

namespace {

/// Commands that look at a workflow by its id show its newest run.
void TellOfEarlierRun(Globals& globals, const std::string& id) {
  const auto described = Describe(globals, {id, ""});
  if (!described) return;
  const auto& info = described->workflow_execution_info();
  if (info.status() == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING) return;
  Warn(fmt::format("{0} had an earlier run ({1}); from now on it stands for the new one, and `wfe show {0} -r {2}` shows the "
                   "earlier",
                   id, StatusName(info.status()), info.execution().run_id()),
       globals.format);
}

}  // namespace

Result<Target> StartWorkflow(Globals& globals, const StartOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  if (options.id_was_chosen && !options.id.empty()) TellOfEarlierRun(globals, options.id);
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_workflow_id(options.id.empty() ? options.type + "-" + NewRequestId().substr(0, 8) : options.id);
  request.mutable_workflow_type()->set_name(options.type);
  request.mutable_task_queue()->set_name(options.queue.empty() ? config->client.queue : options.queue);
  if (options.input) *request.mutable_input()->add_payloads() = ToPayload(*options.input);
  request.set_identity(Identity());
  request.set_request_id(NewRequestId());
  if (options.run_timeout_s > 0) {
    request.mutable_workflow_run_timeout()->set_seconds(static_cast<int64_t>(options.run_timeout_s));
  }
  WFE_ASSIGN_OR_RETURN(const auto started,
                       globals.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request));
  return Target{request.workflow_id(), started.run_id()};
}

namespace {

constexpr size_t kWholeLine = 1 << 20;

}  // namespace

std::string FailurePage(const Outcome& outcome, const Target& target) {
  // In a pipe a line stays whole: whoever looks for a text in it finds it.
  PageLines page(StdoutIsTerminal() ? TerminalWidth() : kWholeLine);
  const bool failed = outcome.status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_FAILED;
  // A message may be a list: every file and line that is wrong.
  std::string indent = failed ? "failed: " : "";
  size_t begin = 0;
  while (begin <= outcome.cause.size()) {
    const size_t end = std::min(outcome.cause.find('\n', begin), outcome.cause.size());
    page.Wrap(indent, outcome.cause.substr(begin, end - begin));
    indent = "  ";
    begin = end + 1;
  }
  page.Add("  workflow " + target.workflow_id + ", run " + target.run_id);
  return page.Take();
}

int ReportOutcome(const Outcome& outcome, const Target& target, OutputFormat format) {
  nlohmann::ordered_json object = {
      {"workflow_id", target.workflow_id}, {"run_id", target.run_id}, {"status", StatusName(outcome.status)}};
  if (outcome.failure.empty()) {
    object["result"] = outcome.result;
  } else {
    object["cause"] = outcome.cause;
    if (!outcome.failure_type.empty()) object["failure_type"] = outcome.failure_type;
    object["failure"] = outcome.failure;
  }
  if (format == OutputFormat::kText && outcome.failure.empty()) {
    PrintJson(outcome.result, OutputFormat::kJson);
  } else if (format == OutputFormat::kText) {
    PrintText(FailurePage(outcome, target));
  } else {
    PrintObject(object, format);
  }
  if (const std::optional<int> code = ExitCodeOfOurCancel(outcome)) return *code;
  return ExitCodeOf(outcome);
}

}  // namespace wfe::cli
