#include "workflows/packaged/packaged.h"

#include <algorithm>
#include <chrono>

#include "engine/base/parse_json.h"
#include "workflows/packaged/debate.h"

namespace wfe::workflows {
void CheckRecord(const PackagedInput& input) {
  RequireOfRecord(input.project_dir.starts_with('/'), "input.project_dir must be an absolute path");
  RequireOfRecord(input.output_dir.starts_with('/'), "input.output_dir must be an absolute path");
  RequireOfRecord(HasWord(" never auto always", input.cache), "input.cache must be never, auto or always");
  RequireOfRecord(!input.max_cost_usd || !input.max_cost_usd->negative(), "input.max_cost_usd must not be negative");
  RequireOfRecord(input.patience_s >= 0, "input.patience_s must not be negative");
  RequireOfRecord(input.parameters.is_null() || input.parameters.is_object(), "input.parameters must be an object");
}

sdk::WorkflowFailure NoInputOf(std::string_view workflow_type, const std::string& why) {
  return sdk::WorkflowFailure("the input of " + std::string(workflow_type) + " is not valid: " + why, "INVALID_INPUT",
                              true);
}

Status TakesNoParameters(const nlohmann::json& parameters) {
  if (parameters.is_null() || (parameters.is_object() && parameters.empty())) return Ok();
  return InvalidArgument("input.parameters: it takes none");
}

PackagedInput ReadPackagedInput(std::string_view workflow_type, const nlohmann::json& from) {
  try {
    return from.get<PackagedInput>();
  } catch (const nlohmann::json::exception& e) {
    throw NoInputOf(workflow_type, JsonErrorText(e));
  }
}

PackagedRun::PackagedRun(sdk::WorkflowContext& ctx, PackagedInput input, std::string name)
    : ctx_(ctx),
      input_(std::move(input)),
      name_(std::move(name)),
      begun_(ctx.Now()),
      calls_(ctx,
             {.model = input_.model,
              .backend = input_.backend,
              .cache = input_.cache,
              .patience_s = input_.patience_s,
              .max_cost_usd = input_.max_cost_usd},
             result_.model_use) {}

sdk::Task<void> PackagedRun::Prepare(std::vector<std::string> paths) {
  packaged::PrepareDeliverablesInput ask{
      .output_dir = input_.output_dir, .paths = std::move(paths), .force = input_.force};
  co_await Must(packaged::kPrepareDeliverables, std::move(ask));
}

sdk::Task<std::optional<std::string>> PackagedRun::Ask(agent::CallRequest request, int64_t calls_at_once) {
  std::optional<std::string> given;
  if (input_.without_model) co_return given;
  const std::string step = request.step_name;
  packaged::ModelAnswer answer = co_await calls_.Ask(std::move(request), calls_at_once);
  if (answer.fault.empty()) {
    given = std::move(answer.text);
  } else {
    AddGap(step, answer.fault);
  }
  co_return given;
}

sdk::Task<std::optional<std::string>> PackagedRun::AskSeveral(agent::CallRequest request, int64_t candidates,
                                                              int64_t calls_at_once) {
  std::optional<std::string> given;
  if (candidates <= 1 || input_.without_model) {
    given = co_await Ask(std::move(request), calls_at_once);
    co_return given;
  }
  const agent::CallRequest terms = calls_.RequestFor(request, calls_at_once);
  DebateInput debate;
  for (const std::string& part : request.parts) debate.question += part;
  debate.candidates = candidates;
  debate.step_name = request.step_name;
  debate.model = terms.model;
  debate.backend = terms.backend;
  debate.cache = terms.cache;
  debate.max_cost_usd = terms.max_cost_usd;
  debate.patience_s = terms.patience_s;
  std::string why;
  try {
    DebateResult result = co_await ctx_.Child(kDebateWorkflow, debate);
    result_.model_use.Add(result.model_use);
    if (result.state == "failed") {
      why = result.fault;
    } else {
      given = std::move(result.text);
      // The answer is there; that nobody has compared it with the others must be said.
      if (!result.fault.empty()) AddGap(request.step_name + " (candidates)", result.fault);
    }
  } catch (const sdk::ChildWorkflowFailure& failure) {
    why = failure.message();
  }
  if (!given) AddGap(request.step_name, why);
  co_return given;
}

void PackagedRun::AddGap(std::string step, std::string reason) {
  ctx_.Log(sdk::LogLevel::kWarning, step + " of " + ctx_.info().workflow_id + " is missing: " + reason);
  result_.gaps.push_back({.step = std::move(step), .reason = std::move(reason)});
}

sdk::Task<void> PackagedRun::Deliver(std::vector<packaged::DeliverableFile> files) {
  packaged::SaveDeliverablesInput ask{
      .output_dir = input_.output_dir, .workflow = name_, .files = std::move(files), .force = input_.force};
  packaged::SaveDeliverablesResult saved = co_await Must(packaged::kSaveDeliverables, std::move(ask));
  result_.deliverables = std::move(saved.deliverables);
}

PackagedResult PackagedRun::Finish() {
  // Steps side by side end in any order; the list is the same however they did.
  std::ranges::stable_sort(result_.gaps, {}, &packaged::Gap::step);
  result_.state = result_.gaps.empty() ? "done" : "incomplete";
  result_.output_dir = input_.output_dir;
  result_.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(ctx_.Now() - begun_).count();
  return result_;
}

}  // namespace wfe::workflows
