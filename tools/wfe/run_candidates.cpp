#include "tools/wfe/run_candidates.h"

#include <fmt/core.h>

#include "tools/wfe/local.h"
#include "tools/wfe/model_there.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/packaged_commands.h"
#include "tools/wfe/page_lines.h"
#include "tools/wfe/runs_here.h"

namespace wfe::cli {
namespace {

Result<nlohmann::json> InputOfDebate(const BatchJobOptions& job, const CandidatesOptions& options,
                                     const batch::Document& task) {
  workflows::DebateInput input;
  input.question = task.task;
  input.material = task.text;
  if (input.question.size() + input.material.size() > workflows::kMaxDebateBytes) {
    return InvalidArgument(fmt::format("the task and its files have {} bytes; with --candidates they may have {}",
                                       input.question.size() + input.material.size(), workflows::kMaxDebateBytes));
  }
  input.candidates = options.candidates;
  input.rounds = options.rounds;
  input.model = job.step.model;
  input.backend = job.step.backend;
  input.cache = job.step.cache;
  input.patience_s = job.step.patience_s;
  if (job.max_cost_usd >= 0) {
    WFE_ASSIGN_OR_RETURN(input.max_cost_usd, Money::FromNumber(job.max_cost_usd));
  }
  return nlohmann::json(input);
}

}  // namespace

void AddCandidatesOptions(CLI::App& command, CandidatesOptions& options) {
  command.add_option("--candidates", options.candidates, "Answers to one task at once; a judge keeps the best")
      ->check(WholeNumber(1, workflows::kMaxCandidates));
  command.add_option("--rounds", options.rounds, "How often candidates see the others' answers first")
      ->check(WholeNumber(0, workflows::kMaxDebateRounds));
}

std::string DebatePage(const workflows::DebateResult& result) {
  PageLines page(StdoutIsTerminal() ? TerminalWidth() : 100);
  const packaged::ContextRoute& route = result.route;
  if (result.best > 0) page.Add(fmt::format("kept candidate {} of {}", result.best, result.candidates.size()));
  if (!result.fault.empty()) page.Wrap(result.best > 0 ? "  " : "failed: ", result.fault);
  for (const workflows::DebateCandidate& one : result.candidates) {
    std::string line = fmt::format("{}: ", one.number);
    line += one.score ? fmt::format("{:.0f} of 100", *one.score) : one.text.empty() ? "no answer" : "not scored";
    const std::string& why = one.text.empty() ? one.fault : one.reason;
    page.Wrap("  ", line + (why.empty() ? "" : "; " + why));
  }
  page.Add(fmt::format("  material: {} bytes, tier {}, read {}", route.bytes, route.tier,
                       route.strategy == packaged::kReadWhole ? "whole" : fmt::format("in {} parts", route.parts)));
  page.Wrap("  ", PackagedModelLine(result.model_use) + "; " + HumanDuration(static_cast<double>(result.duration_ms) / 1e3));
  return page.Take();
}

Result<int> RunCandidates(Globals& globals, const BatchJobOptions& job, const CandidatesOptions& options,
                          const batch::Document& task) {
  WFE_ASSIGN_OR_RETURN(const nlohmann::json input, InputOfDebate(job, options, task));
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  const bool here = RunsHere(globals, *config, job.local, "what it spends is counted for this run alone");
  if (here) {
    if (!ModelIsThere(*config, job.step.backend)) {
      return FailedPrecondition(
          "no model is configured: set GEMINI_API_KEY, or [agent] in the configuration (docs/agents.md); without one, "
          "--agent scripted --model batch_sample shows how it goes, with canned answers");
    }
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.input = nullptr,
                                                                 .build_id = {},
                                                                 .queue = job.queue,
                                                                 .runs_code = false}));
    globals.Use(std::move(stack));
  }
  const StartOptions start{
      .type = std::string(workflows::kDebateWorkflow.name), .input = input, .id = job.id, .queue = job.queue};
  WFE_ASSIGN_OR_RETURN(const EndedRun ended, RunToItsEnd(globals, start, here, job.follow, job.timeout_s));
  const auto& [target, outcome] = ended;
  if (outcome.status != temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED) {
    return ReportOutcome(outcome, target, globals.format);
  }
  const auto result = outcome.result.get<workflows::DebateResult>();
  if (globals.format == OutputFormat::kText) {
    if (result.best > 0) PutText(result.text);
    PrintText((result.best > 0 ? "\n" : "") + DebatePage(result));
  } else {
    nlohmann::ordered_json object = {{"id", target.workflow_id}};
    object.update(nlohmann::ordered_json(nlohmann::json(result)));
    PrintObject(object, globals.format);
  }
  return result.state == "done" ? kExitOk : kExitNotPassed;
}

}  // namespace wfe::cli
