#include "workflows/packaged/packaged.h"

#include <algorithm>
#include <chrono>

#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

Money LeftOf(const PackagedInput& input, const packaged::ModelUse& use) {
  return std::max(Money(), input.max_cost_usd->Minus(use.cost_usd).value_or(Money()));
}

}  // namespace

void CheckRecord(const PackagedInput& input) {
  RequireOfRecord(input.project_dir.starts_with('/'), "input.project_dir must be an absolute path");
  RequireOfRecord(input.output_dir.starts_with('/'), "input.output_dir must be an absolute path");
  RequireOfRecord(HasWord(" never auto always", input.cache), "input.cache must be never, auto or always");
  RequireOfRecord(!input.max_cost_usd || !input.max_cost_usd->negative(), "input.max_cost_usd must not be negative");
  RequireOfRecord(input.patience_s >= 0, "input.patience_s must not be negative");
  RequireOfRecord(input.parameters.is_null() || input.parameters.is_object(), "input.parameters must be an object");
}

PackagedInput ReadPackagedInput(std::string_view workflow_type, const nlohmann::json& json) {
  try {
    return json.get<PackagedInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure("the input of " + std::string(workflow_type) + " is not valid: " + JsonErrorText(e),
                               "INVALID_INPUT", true);
  }
}

sdk::Task<void> PackagedRun::Prepare(std::vector<std::string> paths) {
  const packaged::PrepareDeliverablesInput ask{
      .output_dir = input_.output_dir, .paths = std::move(paths), .force = input_.force};
  std::optional<sdk::ActivityFailure> fault;
  try {
    co_await ctx_.Activity(packaged::kPrepareDeliverables, ask, kPackagedStep);
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  if (fault) throw sdk::WorkflowFailure(fault->message(), fault->type(), true);
}

agent::CallRequest PackagedRun::RequestFor(agent::CallRequest request, int64_t calls_at_once) const {
  request.model = input_.model;
  request.backend = input_.backend;
  request.cache = input_.cache;
  request.patience_s = input_.patience_s;
  if (input_.max_cost_usd) {
    const Money left = LeftOf(input_, result_.model_use);
    request.max_cost_usd = Money::Nanos(left.nanos() / std::max<int64_t>(1, calls_at_once));
  }
  return request;
}

sdk::Task<std::optional<std::string>> PackagedRun::Ask(agent::CallRequest request, int64_t calls_at_once) {
  std::optional<std::string> answer;
  if (input_.without_model) co_return answer;
  const agent::CallRequest ask = RequestFor(std::move(request), calls_at_once);
  std::string why;
  try {
    agent::CallReply reply = co_await ctx_.Activity(agent::kCallModel, ask, kPackagedModelStep);
    result_.model_use.Add(reply);
    if (reply.budget_exhausted) {
      why = "the run's budget is used up: no call was made";
    } else if (reply.text.empty()) {
      why = "the model gave no answer (" + reply.finish_reason + ")";
    } else if (!reply.text_blob_hash.empty()) {
      why = "the model's answer is longer than a step takes";
    } else {
      answer = std::move(reply.text);
    }
  } catch (const sdk::ActivityFailure& failure) {
    why = failure.message();
  }
  if (!answer) AddGap(ask.step_name, why);
  co_return answer;
}

void PackagedRun::AddGap(std::string step, std::string reason) {
  ctx_.Log(sdk::LogLevel::kWarning, step + " of " + ctx_.info().workflow_id + " is missing: " + reason);
  result_.gaps.push_back({.step = std::move(step), .reason = std::move(reason)});
}

sdk::Task<void> PackagedRun::Deliver(std::vector<packaged::DeliverableFile> files) {
  const packaged::SaveDeliverablesInput ask{
      .output_dir = input_.output_dir, .workflow = name_, .files = std::move(files), .force = input_.force};
  std::optional<sdk::ActivityFailure> fault;
  try {
    packaged::SaveDeliverablesResult saved = co_await ctx_.Activity(packaged::kSaveDeliverables, ask, kPackagedStep);
    result_.deliverables = std::move(saved.deliverables);
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  if (fault) throw sdk::WorkflowFailure(fault->message(), fault->type(), true);
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
