#include "activities/generation/register.h"

#include <map>
#include <utility>

#include "activities/agent/call/code_block.h"
#include "activities/generation/steps.h"
#include "activities/generation/triage.h"
#include "activities/nodes/report.h"
#include "activities/prompts/instructions.h"

namespace wfe::generation {
namespace {

using agent::CallReply;
using agent::CallRequest;
using prompts::TemplateFailure;
using sdk::ActivityContext;
using sdk::ActivityResult;
using sdk::ApplicationFailure;

CallCost CostOf(const CallReply& reply) {
  CallCost cost;
  cost.model = reply.model;
  cost.model_tier = reply.model_tier;
  cost.call_id = reply.call_id;
  cost.tokens = reply.prompt_token_count + reply.completion_token_count + reply.lost_prompt_token_count +
                reply.lost_completion_token_count;
  cost.cost_usd = reply.cost_usd;
  cost.latency_ms = reply.latency_ms;
  cost.budget_exhausted = reply.budget_exhausted;
  cost.cache_hit = reply.cache_hit;
  cost.cost_saved_usd = reply.cost_saved_usd;
  return cost;
}

/// "gemini-2.5-flash, 710 tokens, $0.0012"
std::string HeadlineOf(const CallCost& cost) {
  if (cost.budget_exhausted) return "no call: the budget is used up";
  if (cost.cache_hit) return "Using cached result of " + cost.model;
  std::string text = cost.model + ", " + std::to_string(cost.tokens) + " tokens";
  if (cost.cost_usd) text += ", $" + cost.cost_usd->Rounded(4);
  return text;
}

/// The words by which a fence names the language.
std::vector<std::string> FenceNames(const std::string& language) {
  if (language == nodes::kCpp) return {"cpp", "c++", "cxx", "cc"};
  return {"python", "py", "python3"};
}

GeneratedCode CodeOf(const CallReply& reply, const std::string& language) {
  GeneratedCode generated;
  generated.cost = CostOf(reply);
  generated.headline = HeadlineOf(generated.cost);
  agent::ExtractedCode extracted = agent::ExtractCode(reply.text, reply.finish_reason, FenceNames(language));
  generated.fault = std::move(extracted.message);
  generated.code = extracted.block.code.empty() ? reply.text : std::move(extracted.block.code);
  if (generated.code.size() > kMaxCodeBytes) {
    generated.code.resize(kMaxCodeBytes);
    generated.fault = "the program is longer than " + std::to_string(kMaxCodeBytes) + " bytes";
  }
  return generated;
}

class Steps {
 public:
  explicit Steps(GenerationConfig config) : config_(std::move(config)) {}

  ActivityResult<GenerationPlan> Plan(ActivityContext& context, const PlanGenerationRequest& request) const {
    const Result<std::string> prompt =
        Instruction(kPlanInstruction, {{"task", request.task + "\n\nLanguage: " + request.language}});
    if (!prompt) return TemplateFailure(prompt.error());
    ActivityResult<CallReply> reply = Ask(context, "plan", *prompt, request.use);
    if (!reply.has_value()) return Unanswered<GenerationPlan>(reply);
    GenerationPlan planned;
    planned.cost = CostOf(reply.value());
    planned.headline = HeadlineOf(planned.cost);
    planned.plan = reply.value().text;
    if (planned.plan.empty() && !planned.cost.budget_exhausted) {
      planned.fault = "the model's answer to the request for a plan is empty (" + reply.value().finish_reason + ")";
    }
    return planned;
  }

  ActivityResult<GeneratedCode> Generate(ActivityContext& context, const GenerateCodeRequest& request) const {
    const Result<prompts::ContextTemplate> source =
        config_.templates->Load(request.template_id, static_cast<int>(request.template_version));
    if (!source) return TemplateFailure(source.error());
    const auto rendered = prompts::RenderContext(*source, {{"task", request.task}, {"plan", request.plan}});
    if (!rendered) return TemplateFailure(rendered.error());
    return Code(Ask(context, "generate", rendered->text, request.use), request.language);
  }

  ActivityResult<GeneratedCode> Escalate(ActivityContext& context, const EscalateGenerationRequest& request) const {
    const std::string wrong = request.code + "\n\nWhat is wrong with it:\n" + request.feedback;
    const std::string task = request.task + "\n\nLanguage: " + request.language + "\n\nSpecification:\n" + request.plan;
    const Result<std::string> prompt = Instruction(kEscalateInstruction, {{"task", task}, {"error_log", wrong}});
    if (!prompt) return TemplateFailure(prompt.error());
    return Code(Ask(context, "escalate", *prompt, request.use), request.language);
  }

 private:
  Result<std::string> Instruction(std::string_view template_id, std::map<std::string, std::string> values) const {
    WFE_ASSIGN_OR_RETURN(const prompts::ContextTemplate source, config_.templates->Load(std::string(template_id), 0));
    return prompts::RenderInstruction(source, std::move(values));
  }

  ActivityResult<CallReply> Ask(ActivityContext& context, std::string step, std::string prompt,
                                const ModelUse& use) const {
    CallRequest request;
    request.step_name = std::move(step);
    request.model = use.model;
    request.backend = use.backend;
    request.parts = {std::move(prompt)};
    if (use.patience_s > 0) request.patience_s = use.patience_s;
    request.max_cost_usd = use.max_cost_usd;
    request.cache = use.cache;
    return config_.models.Call(context, request);
  }

  /// What a call that gave no answer is to the workflow.
  template <class T>
  static ActivityResult<T> Unanswered(const ActivityResult<CallReply>& reply) {
    if (const auto* failure = reply.failure()) return *failure;
    return *reply.cancelled();
  }

  static ActivityResult<GeneratedCode> Code(const ActivityResult<CallReply>& reply, const std::string& language) {
    if (!reply.has_value()) return Unanswered<GeneratedCode>(reply);
    return CodeOf(reply.value(), language);
  }

  GenerationConfig config_;
};

/// Takes what a registered tool makes of the task, where one does (SG-8, PD-6).
void AskTools(const agent::OfferToTools& tools, ActivityContext& context, const std::string& task, Triage& triage) {
  if (!tools) return;
  const agent::ToolOffer offer{
      .token = context.info().IdempotencyToken(), .step_name = "triage", .text = task, .input = "", .working_dir = ""};
  const std::optional<agent::ToolAnswer> answer = tools(context, offer);
  if (!answer || answer->text.empty() || answer->text.size() > kMaxCodeBytes) return;
  triage.tool_id = answer->tool_id;
  triage.pattern_signature = answer->pattern_signature;
  triage.tool_code = answer->text;
  triage.tokens_saved = answer->tokens_saved;
  triage.cost_saved_usd = answer->cost_saved_usd;
}

ActivityResult<Triage> TriageTask(const agent::OfferToTools& tools, ActivityContext& context,
                                  const TriageTaskRequest& request) {
  const Result<Classified> classified = Classify(request.task, request.language);
  if (!classified) {
    return ApplicationFailure{.message = classified.error().message,
                              .type = "INVALID_INPUT",
                              .non_retryable = true,
                              .next_retry_delay = std::nullopt,
                              .details = nullptr};
  }
  Triage triage{.task_type = classified->task_type,
                .strategy = classified->strategy,
                .reason = classified->reason,
                .node_id = request.node_id.empty() ? NodeIdFrom(request.task) : request.node_id,
                .template_id = "generation-" + request.language,
                .headline = classified->reason};
  AskTools(tools, context, request.task, triage);
  return triage;
}

}  // namespace

void RegisterGenerationActivities(sdk::ActivityRegistry& registry, GenerationConfig config) {
  // Shared by the registered functions, which may be copied.
  const agent::OfferToTools tools = config.offer_to_tools;
  const auto steps = std::make_shared<const Steps>(std::move(config));
  registry.Register(kTriageTask, [tools](ActivityContext& context, const TriageTaskRequest& request) {
    return TriageTask(tools, context, request);
  });
  registry.Register(kPlanGeneration, [steps](ActivityContext& context, const PlanGenerationRequest& request) {
    return steps->Plan(context, request);
  });
  registry.Register(kGenerateCode, [steps](ActivityContext& context, const GenerateCodeRequest& request) {
    return steps->Generate(context, request);
  });
  registry.Register(kEscalateGeneration, [steps](ActivityContext& context, const EscalateGenerationRequest& request) {
    return steps->Escalate(context, request);
  });
}

}  // namespace wfe::generation
