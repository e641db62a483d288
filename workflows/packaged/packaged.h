// What the packaged workflows (CW-1 to CW-5) share: their input and result, and a run whose steps fail one by one and
// not together.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "activities/agent/call/model_call.h"
#include "activities/packaged/common/deliverables.h"
#include "activities/packaged/common/model_step.h"
#include "engine/base/money.h"
#include "engine/base/parse_json.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/sdk/workflow.h"
#include "workflows/packaged/model_calls.h"

namespace wfe::workflows {

/// Of every packaged workflow.  Both folders are looked for on the worker's machine.
struct PackagedInput {
  std::string project_dir;     ///< Absolute: what is read.
  std::string output_dir;      ///< Absolute: where the deliverables go; it need not exist.
  std::string model;           ///< A model or tier; empty: the worker's default.
  std::string backend;         ///< Empty: the tier's, or the worker's default.
  std::string cache;           ///< never, auto or always; empty: never (CE-3).
  bool without_model = false;  ///< Only what needs none.
  std::optional<Money> max_cost_usd;  ///< Of all calls of a run; absent: no limit of its own.
  int64_t patience_s = 600;  ///< How long a model may be unavailable before its step becomes a gap.
  bool force = false;        ///< Write over files in output_dir that are not ours.
  nlohmann::json parameters;  ///< The package's own: an object, or null.
};
WFE_RECORD(PackagedInput, project_dir, output_dir, model, backend, cache, without_model, max_cost_usd, patience_s,
           force, parameters);
constexpr RecordRules RulesOf(const PackagedInput*) {
  return {.refuses_unknown = true,
          .subject = "input",
          .required = "project_dir output_dir",
          .seldom = "model backend cache without_model force parameters"};
}
void CheckRecord(const PackagedInput& input);

struct PackagedResult {
  std::string state = "done";  ///< done, or incomplete: there are gaps.
  std::string headline;        ///< One sentence.
  std::vector<std::string> summary;  ///< Some more.
  std::map<std::string, int64_t> findings;  ///< How many, by severity: high, medium, low, info.
  std::vector<packaged::Deliverable> deliverables;
  std::vector<packaged::Gap> gaps;
  packaged::ModelUse model_use;
  std::string output_dir;
  int64_t duration_ms = 0;
};
WFE_RECORD(PackagedResult, state, headline, summary, findings, deliverables, gaps, model_use, output_dir, duration_ms);
constexpr RecordRules RulesOf(const PackagedResult*) { return {.required = "state"}; }

/// How a run ends, for good, whose input is none: INVALID_INPUT.
sdk::WorkflowFailure NoInputOf(std::string_view workflow_type, const std::string& why);
/// INVALID_ARGUMENT where there are any: of a workflow that has none of its own.
Status TakesNoParameters(const nlohmann::json& parameters);
/// A package's own, or its defaults.  INVALID_ARGUMENT.
template <class Parameters>
Result<Parameters> ReadParameters(const nlohmann::json& parameters) {
  try {
    return parameters.is_null() ? Parameters() : parameters.get<Parameters>();
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(JsonErrorText(e));
  }
}
/// INVALID_INPUT, for good, where it is none.
PackagedInput ReadPackagedInput(std::string_view workflow_type, const nlohmann::json& json);

/// Attempts that fail for a reason that may pass are made again for a while; then the step is a gap.
/// They take seconds, and a worker that is lost meanwhile is noticed only by their limit.
inline constexpr sdk::ActivityOptions kPackagedStep{
    .start_to_close = std::chrono::minutes(2),
    .retry = {.initial_interval = std::chrono::seconds(1),
              .maximum_interval = std::chrono::seconds(20),
              .maximum_attempts = 5}};

/// One run of a packaged workflow.  Outlives all coroutines that it makes.
class PackagedRun {
 public:
  /// `name`: "permits".
  PackagedRun(sdk::WorkflowContext& ctx, PackagedInput input, std::string name);
  PackagedRun(const PackagedRun&) = delete;  // its calls count into its result
  PackagedRun& operator=(const PackagedRun&) = delete;

  /// Refuses the run before anything is spent where `paths` cannot be written.
  sdk::Task<void> Prepare(std::vector<std::string> paths);

  /// An activity without which there is nothing to deliver: where it fails for good the run does, by the same name.
  template <class Input, class Output>
  sdk::Task<Output> Must(sdk::ActivityType<Input, Output> type, Input input,
                         sdk::ActivityOptions options = kPackagedStep) {
    std::optional<Output> done;
    std::optional<sdk::ActivityFailure> fault;
    try {
      Output output = co_await ctx_.Activity(type, input, options);
      done = std::move(output);
    } catch (const sdk::ActivityFailure& failure) {
      fault = failure;
    }
    if (fault) throw sdk::WorkflowFailure(fault->message(), fault->type(), true);
    co_return *std::move(done);
  }

  /// An activity; nullopt: it failed for good, and is a gap by now, under its name or under `what`.  Name what you pass.
  template <class Input, class Output>
  sdk::Task<std::optional<Output>> Step(sdk::ActivityType<Input, Output> type, Input input,
                                        sdk::ActivityOptions options = kPackagedStep) {
    std::string what(type.name);
    co_return co_await StepFor(std::move(what), type, std::move(input), options);
  }
  template <class Input, class Output>
  sdk::Task<std::optional<Output>> StepFor(std::string what, sdk::ActivityType<Input, Output> type, Input input,
                                           sdk::ActivityOptions options = kPackagedStep) {
    std::optional<Output> done;
    std::string why;
    try {
      Output output = co_await ctx_.Activity(type, input, options);
      done = std::move(output);
    } catch (const sdk::ActivityFailure& failure) {
      why = failure.message();
    }
    if (!done) AddGap(std::move(what), std::move(why));
    co_return done;
  }

  /// The same for an activity that calls a model by itself; one that fails has asked and got no answer.
  template <class Input, class Output>
  sdk::Task<std::optional<Output>> ModelStep(std::string what, sdk::ActivityType<Input, Output> type, Input input) {
    std::optional<Output> done = co_await StepFor(std::move(what), type, std::move(input), kPackagedModelStep);
    if (!done) ++result_.model_use.unanswered;
    co_return done;
  }

  /// A call of the model, through callModel, with the input's model, backend, cache, patience and money, of which
  /// `calls_at_once` share what is left.  nullopt: the step is a gap, or the run is without a model.  The request stands
  /// in the history: for long texts make the call inside of an activity (activities/packaged/common/model_step.h).
  sdk::Task<std::optional<std::string>> Ask(agent::CallRequest request, int64_t calls_at_once = 1);
  /// The same question to so many candidates at once, in a child workflow (debate.h); what a judge scores best is kept.
  /// One candidate is Ask.
  sdk::Task<std::optional<std::string>> AskSeveral(agent::CallRequest request, int64_t candidates,
                                                   int64_t calls_at_once = 1);
  /// The same members, for an activity that makes the call itself.
  agent::CallRequest RequestFor(agent::CallRequest request, int64_t calls_at_once = 1) const {
    return calls_.RequestFor(std::move(request), calls_at_once);
  }

  void AddGap(std::string step, std::string reason);
  void Spent(const packaged::ModelUse& use) { result_.model_use.Add(use); }

  /// Writes the files.  Files that cannot be written fail the run: nothing would be delivered.
  sdk::Task<void> Deliver(std::vector<packaged::DeliverableFile> files);
  /// The result so far, for its headline, summary and findings.
  PackagedResult& result() { return result_; }
  /// What the workflow returns.
  PackagedResult Finish();

  const PackagedInput& input() const { return input_; }
  sdk::WorkflowContext& ctx() { return ctx_; }

 private:
  sdk::WorkflowContext& ctx_;
  PackagedInput input_;
  const std::string name_;
  const Instant begun_;
  PackagedResult result_;
  ModelCalls calls_;
};

}  // namespace wfe::workflows
