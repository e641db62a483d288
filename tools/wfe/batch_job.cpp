#include "tools/wfe/batch_job.h"

#include <fmt/core.h>

#include "engine/base/parse_json.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/local.h"
#include "tools/wfe/local_store.h"
#include "tools/wfe/model_there.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/runs_here.h"
#include "tools/wfe/start.h"

namespace wfe::cli {
namespace {

/// A worker of this process needs one; the worker of a server has its own configuration.
Status CheckThatAModelIsThere(const Config& config, const BatchJobOptions& options) {
  if (options.step.activity != batch::kModelStep || ModelIsThere(config, options.step.backend)) return Ok();
  return FailedPrecondition(
      "no model is configured: set GEMINI_API_KEY, or [agent] in the configuration (docs/agents.md); without one, "
      "--agent scripted --model batch_sample shows how it goes, with canned answers");
}

struct KnownJob {
  Target target;
  bool is_open = false;
};

/// The newest run with this id.
Result<std::optional<KnownJob>> FindJob(Globals& globals, const std::string& id) {
  const auto described = Describe(globals, {id, ""});
  if (!described) {
    if (described.error().code == StatusCode::kNotFound) return std::optional<KnownJob>();
    return described.error();
  }
  const auto& info = described->workflow_execution_info();
  if (info.type().name() != workflows::kBatchProcessWorkflow) {
    return InvalidArgument(id + " is a " + info.type().name() + " and no batch job; give another id");
  }
  return std::optional(KnownJob{.target = {id, info.execution().run_id()},
                                .is_open = info.status() == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING});
}

/// A second job of the same name would stand before the first one's results.
Status RefuseKnownJob(Globals& globals, const std::string& id) {
  WFE_ASSIGN_OR_RETURN(const std::optional<KnownJob> known, FindJob(globals, id));
  if (!known) return Ok();
  return InvalidArgument(fmt::format(
      "there is a job {} already, which {}: `wfe batch --resume {}{}` {}; another job needs another --id", id,
      known->is_open ? "is not over" : "has ended", id, globals.UsesLocalStore() ? " --local" : "",
      known->is_open ? "goes on with it" : "shows what it came to, and does what has no result"));
}

/// What a job was started with, for another round.
Result<nlohmann::json> InputOfJob(client::RecordsClient& records, const std::string& id) {
  WFE_ASSIGN_OR_RETURN(const auto row, records.GetRow(std::string(batch::kBatchJobsTable), id));
  if (!row) return NotFound("there is no batch job " + id);
  try {
    auto input = ParseJson(*row).get<workflows::BatchInput>();
    ++input.round;
    input.progress.reset();
    return nlohmann::json(input);
  } catch (const nlohmann::json::exception& e) {
    return DataLoss("the batch job " + id + " cannot be read: " + JsonErrorText(e));
  }
}

Result<Target> StartOrGoOn(Globals& globals, const BatchJobOptions& options, const std::string& id,
                           client::RecordsClient& records, const MakeBatchInput& make_input) {
  StartOptions start{
      .type = std::string(workflows::kBatchProcessWorkflow), .input = {}, .id = id, .queue = options.queue};
  if (options.resume.empty()) {
    if (!options.id.empty()) WFE_RETURN_IF_ERROR(RefuseKnownJob(globals, id));
    WFE_ASSIGN_OR_RETURN(const workflows::BatchInput input, make_input(records));
    start.input = nlohmann::json(input);
  } else {
    WFE_ASSIGN_OR_RETURN(const std::optional<KnownJob> known, FindJob(globals, id));
    if (known && known->is_open) return known->target;
    WFE_ASSIGN_OR_RETURN(start.input, InputOfJob(records, id));
  }
  return StartWorkflow(globals, start);
}

}  // namespace

void AddBatchJobOptions(CLI::App& command, Globals& globals, BatchJobOptions& options) {
  AddClientOptions(command, globals);
  command.add_option("--model", options.step.model, "Model or tier (default: the worker's)");
  command.add_option("--agent", options.step.backend, "Backend that is asked, e.g. gemini or openai");
  command
      .add_option("--cache", options.step.cache, "Use the kept answer to the same question: always, auto or never (default)")
      ->transform(OneOf("--cache", {"never", "auto", "always"}));
  command.add_option("--max-cost", options.max_cost_usd, "Dollars that all of it may cost")->check(NotNegative());
  command.add_option("--attempts", options.step.attempts, "How often a document is tried that fails (default 3)")
      ->check(WholeNumber(1, 100));
  command.add_option("--patience", options.step.patience_s, "Seconds that a model may be unavailable (default: a day)")
      ->check(WholeNumber(0, 30 * 86'400));
  command.add_option("-w,--id", options.id, "Workflow id (default: made up)");
  AddQueueOption(command, options.queue);
  AddRecordsOption(command, options.records);
  command.add_flag("--follow", options.follow, "Show every batch live (the default on a terminal)");
  command.add_flag("--local", options.local, "Run it here and now, in an engine and worker of this process");
  command.add_option("--timeout", options.timeout_s,
      "Stop waiting after so many seconds (the job goes on; with --local it is cancelled)")
      ->check(Seconds());
}

Result<int> RunBatchJob(Globals& globals, const BatchJobOptions& options, const std::string& prefix,
                        const MakeBatchInput& make_input, const ShowBatch& show) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  const bool here = RunsHere(globals, *config, options.local, "what is finished stays on this machine");
  std::string id = options.resume.empty() ? options.id : options.resume;
  if (id.empty()) id = prefix + "-" + NewRequestId().substr(0, 8);
  if (here) {
    if (options.resume.empty()) {
      WFE_RETURN_IF_ERROR(CheckThatAModelIsThere(*config, options));
    } else if (!FindLocalBuild(id)) {
      return NotFound("there is no batch job " + id + " on this machine");
    }
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.build_id = id, .queue = options.queue, .runs_code = false}));
    globals.Use(std::move(stack));
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  client::RecordsClient& records = *connection.records();
  WFE_ASSIGN_OR_RETURN(const Target target, StartOrGoOn(globals, options, id, records, make_input));
  if (!here) WarnAboutQueue(globals, options.queue.empty() ? config->client.queue : options.queue);
  FollowOptions follow;
  follow.show_steps = options.follow || (globals.format == OutputFormat::kText && StdoutIsTerminal());
  follow.ends_with_us = here;
  follow.timeout = TimeoutOf(options.timeout_s);
  WFE_ASSIGN_OR_RETURN(const Outcome outcome, FollowRun(globals, target, follow));
  if (outcome.status != temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED) {
    const int code = ReportOutcome(outcome, target, globals.format);
    Warn("what is finished is kept: `wfe batch --resume " + id + (here ? " --local" : "") + "` goes on",
         globals.format);
    return code;
  }
  batch::ResultStore results(records, records, records);
  return show({.id = id, .result = outcome.result.get<workflows::BatchResult>()}, results, records);
}

}  // namespace wfe::cli
