#include "activities/patterns/steps/router.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "engine/base/hash.h"

namespace wfe::patterns {
namespace {

/// What else a step can be called: only of these is a tool asked.
bool MayBeRouted(const std::string& step) {
  return step == "implement_v1" || step == "document" || step == "triage" || step.starts_with("fix_attempt");
}

/// As Tool::steps has it.
std::string_view PlaceOf(const std::string& step) {
  return step == "document" ? "document" : step == "triage" ? "generation" : "build";
}

bool IsFor(const Tool& tool, std::string_view place) {
  if (place.empty() || (place == "document" && tool.supports_batch)) return true;
  return std::ranges::count(tool.steps, place) > 0;
}

/// A step that is there because what was made before it did not pass.
bool IsRepair(const std::string& step) {
  return step.starts_with("fix_attempt") || step == "plan" || step == "generate" || step == "escalate";
}

Saving SavingOf(const ToolMatch& match, const ToolCall& call) {
  const OperationPattern& pattern = match.pattern;
  Saving saving;
  saving.saved_at = call.called_at;
  saving.optimization_type = "tool_routing";
  saving.workflow_run_id = call.workflow_run_id;
  saving.pattern_signature = pattern.pattern_signature;
  saving.tokens_saved = std::llround(pattern.avg_tokens);
  saving.baseline = "mean of " + std::to_string(pattern.agent_count) + " operations of this pattern by an agent";
  if (pattern.avg_cost_usd) {
    // A tool that is dearer than the agent saves less than nothing, and the log says so.
    saving.cost_saved_usd = pattern.avg_cost_usd->Minus(call.cost_usd).value_or(Money());
    if (!call.cost_usd.zero()) saving.baseline += ", less the tool's own cost";
  }
  return saving;
}

}  // namespace

ToolRouter::ToolRouter(RouterConfig config) : config_(std::move(config)) {
  if (!config_.clock) config_.clock = std::make_shared<const SystemClock>();
}

Result<std::vector<ToolRouter::Active>> ToolRouter::ActivePatterns() {
  const std::lock_guard lock(mutex_);
  const Instant now = Now();
  if (active_at_ && now - *active_at_ < config_.refresh) return active_;
  PatternProblems problems;  // of rows that cannot be read: they are not active
  WFE_ASSIGN_OR_RETURN(const std::vector<OperationPattern> patterns, PatternStore(*config_.rows).All(problems));
  std::vector<Active> active;
  ToolStore tools(*config_.rows);
  for (const OperationPattern& pattern : patterns) {
    if (pattern.automation_status != kActive || pattern.tool_id.empty()) continue;
    const Result<std::optional<Tool>> tool = tools.Find(pattern.tool_id);
    if (!tool || !*tool || (*tool)->status != "registered") continue;
    active.push_back({.pattern = pattern, .tool = **tool});
  }
  active_ = active;
  active_at_ = now;
  return active;
}

Result<ToolMatch> ToolRouter::Match(const std::string& task, const std::vector<std::string>& errors,
                                    std::string_view place) {
  ToolMatch match;
  Operation operation;
  operation.task = task;
  operation.errors = errors;
  for (const RecognizedOperation& each : config_.rules.Recognize(operation)) match.signatures.push_back(each.signature);
  WFE_ASSIGN_OR_RETURN(const std::vector<Active> active, ActivePatterns());
  for (const Active& each : active) {
    const OperationPattern& pattern = each.pattern;
    if (std::ranges::count(match.signatures, pattern.pattern_signature) == 0) continue;
    if (pattern.confidence_score < kMinConfidence || !IsFor(each.tool, place)) continue;
    if (match.tool && match.pattern.confidence_score >= pattern.confidence_score) continue;
    match.pattern = pattern;
    match.tool = each.tool;
  }
  return match;
}

std::optional<agent::ToolAnswer> ToolRouter::Offer(sdk::ActivityContext& context, const agent::ToolOffer& offer) {
  const bool repair = IsRepair(offer.step_name);
  if (!repair && !MayBeRouted(offer.step_name)) return std::nullopt;
  const Result<std::vector<Active>> active = ActivePatterns();
  // Without tools nothing is asked of the records for each step; records that do not answer leave it to the agent.
  if (!active || active->empty()) return std::nullopt;
  if (repair) {
    const std::string why = "the check after it failed, and " + offer.step_name + " followed";
    const Result<int64_t> refuted = ToolStore(*config_.rows).Refute(context.info().run_id, why, Now());
    if (!refuted || *refuted > 0 || !MayBeRouted(offer.step_name)) {
      const std::lock_guard lock(mutex_);
      if (refuted && *refuted > 0) active_at_.reset();
      return std::nullopt;
    }
  }
  std::vector<std::string> errors;
  std::string task;
  // A repair is recognized by its error, as the detector does.
  if (repair) {
    errors.emplace_back(ErrorIn(offer.text));
  } else {
    task = TaskIn(offer.text);
  }
  const Result<ToolMatch> match = Match(task, errors, PlaceOf(offer.step_name));
  if (!match || !match->tool) return std::nullopt;
  return Try(context, offer, *match);
}

std::optional<agent::ToolAnswer> ToolRouter::Try(sdk::ActivityContext& context, const agent::ToolOffer& offer,
                                                 const ToolMatch& match) {
  ToolWork work;
  work.input = {.task = std::string(TaskIn(offer.text)),
                .step = offer.step_name,
                .pattern = match.pattern.pattern_signature,
                .input = offer.input};
  work.working_dir = offer.working_dir;
  work.protected_paths = offer.protected_paths;
  work.must_change = offer.must_change;
  const Tool& tool = *match.tool;
  const ToolOutcome outcome = RunTool(config_.runner, context, tool, work);
  // Whoever cancels says nothing about the tool.
  if (!outcome.done() && context.IsCancelled()) return std::nullopt;
  ToolCall call;
  call.workflow_run_id = context.info().run_id;
  call.step = offer.step_name;
  call.tool = tool.tool_id;
  call.pattern_signature = match.pattern.pattern_signature;
  call.called_at = FormatIso8601Millis(Now());
  const nlohmann::json input = work.input;
  call.input_hash = ToHex(Sha256(input.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  if (!outcome.text.empty() || !outcome.tree_blob_hash.empty()) {
    call.output_hash = ToHex(Sha256(outcome.text + outcome.tree_blob_hash));
  }
  call.duration_ms = outcome.duration_ms;
  call.success = outcome.done();
  call.why = outcome.why;
  call.cost_usd = tool.avg_cost_usd;
  const std::optional<Saving> saving = call.success ? std::optional(SavingOf(match, call)) : std::nullopt;
  const Status noted = ToolStore(*config_.rows).Note(offer.token, call, saving, Now());
  if (!call.success) {
    const std::lock_guard lock(mutex_);
    active_at_.reset();  // it may have been retired
  }
  // What is in no log was not routed: the agent does it.
  if (!call.success || !noted) return std::nullopt;
  agent::ToolAnswer answer;
  answer.tool_id = tool.tool_id;
  answer.pattern_signature = call.pattern_signature;
  answer.text = outcome.text;
  answer.tree_blob_hash = outcome.tree_blob_hash;
  answer.duration_ms = outcome.duration_ms;
  answer.tokens_saved = saving->tokens_saved;
  answer.cost_saved_usd = saving->cost_saved_usd;
  return answer;
}

}  // namespace wfe::patterns
