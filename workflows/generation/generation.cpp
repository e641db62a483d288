#include "workflows/generation/generation.h"

#include <algorithm>
#include <utility>

#include "activities/agent/call/model_call.h"
#include "activities/generation/steps.h"
#include "activities/learning/steps/generation_steps.h"
#include "activities/quota/steps/register.h"
#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using generation::CallCost;
using generation::GeneratedCode;
using sdk::ActivityOptions;
using sdk::Task;

/// The run is over, for a reason that is the model's, the money's or the code's.
struct GaveUp {
  std::string message;
};

ActivityOptions Quick() {
  return {.start_to_close = 30s, .retry = {.initial_interval = 100ms, .maximum_interval = 10s}};
}
/// Months of the ledger are read.
ActivityOptions Ledger() {
  return {.start_to_close = 5min, .retry = {.initial_interval = 1s, .maximum_interval = 30s}};
}
ActivityOptions Sandboxed() {
  return {.start_to_close = 15min, .heartbeat = 20s, .retry = {.initial_interval = 1s, .maximum_interval = 30s}};
}
/// Without a limit of attempts: the call's own patience ends it.  Whoever waits for a program waits for a lost worker, too:
/// hence the short heartbeat.
ActivityOptions Model() {
  return {.start_to_close = 30min, .heartbeat = 20s, .retry = {.initial_interval = 1s, .maximum_interval = 30s}};
}

bool IsScripted(const std::string& model) { return model.starts_with("scripted/"); }

class Generation {
 public:
  Generation(sdk::WorkflowContext& ctx, GenerationInput input)
      : ctx_(ctx), input_(std::move(input)), begun_(ctx.Now()), progress_(std::make_shared<GenerationResult>()) {
    progress_->language = input_.language;
    ctx.OnQuery<nlohmann::json, nlohmann::json>(
        "progress", progress_, [](const GenerationResult& p, const nlohmann::json&) { return nlohmann::json(p); });
  }

  Task<GenerationResult> Run() {
    co_await Triage();
    std::optional<GaveUp> gave_up;
    try {
      co_await Generate();
    } catch (const GaveUp& reason) {
      gave_up = reason;
    }
    if (gave_up) {
      progress_->state = kGenerationFailed;
      progress_->message = gave_up->message;
    }
    progress_->duration_ms = Milliseconds(ctx_.Now() - begun_);
    co_await RecordUsage();
    co_return *progress_;
  }

 private:
  static int64_t Milliseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  }

  // --- What people see.

  void Begin(std::string name) {
    progress_->steps.push_back({.name = std::move(name), .status = "running"});
    step_begun_ = ctx_.Now();
  }
  void End(std::string detail, bool ok = true) {
    GenerationStep& step = progress_->steps.back();
    step.status = ok ? "done" : "failed";
    step.detail = std::move(detail);
    step.duration_ms = Milliseconds(ctx_.Now() - step_begun_);
  }
  void Paid(const CallCost& cost) {
    GenerationStep& step = progress_->steps.back();
    step.model = cost.model;
    step.tokens = cost.tokens;
    step.cost_usd = cost.cost_usd;
    progress_->tokens += cost.tokens;
    if (IsScripted(cost.model)) progress_->scripted = true;
    if (cost.budget_exhausted) throw GaveUp{"the run's budget is used up: no call was made"};
    if (cost.cache_hit) {
      step.cached = true;
      ++progress_->cached_calls;
      progress_->cost_saved_usd = progress_->cost_saved_usd.PlusAtMost(cost.cost_saved_usd.value_or(Money()));
      return;
    }
    ++progress_->model_calls;
    if (!cost.cost_usd) {
      if (!IsScripted(cost.model)) ++progress_->unpriced_calls;
      return;
    }
    progress_->cost_usd = progress_->cost_usd.PlusAtMost(*cost.cost_usd);
  }

  generation::ModelUse Use(const std::string& wanted, std::string_view tier) const {
    generation::ModelUse use;
    use.model = wanted.empty() ? std::string(tier) : wanted;
    use.backend = input_.backend;
    use.patience_s = input_.patience_s;
    use.cache = input_.cache;
    if (input_.max_cost_usd) {
      use.max_cost_usd = std::max(Money(), input_.max_cost_usd->Minus(progress_->cost_usd).value_or(Money()));
    }
    return use;
  }

  // --- The steps.

  Task<void> Triage() {
    Begin("triage");
    const generation::TriageTaskRequest ask{
        .task = input_.task, .language = input_.language, .node_id = input_.node_id};
    triage_ = co_await ctx_.Activity(generation::kTriageTask, ask, Quick());
    progress_->node_id = triage_.node_id;
    progress_->task_type = triage_.task_type;
    End(triage_.reason);
    Begin("prompt");
    progress_->template_id = triage_.template_id;
    progress_->template_version = input_.template_version;
    if (input_.template_version == 0) {
      const learning::ChooseTemplateInput choose{.template_id = triage_.template_id,
                                                 .run_id = ctx_.info().run_id,
                                                 .now = FormatIso8601Millis(ctx_.Now())};
      const learning::ChooseTemplateResult chosen = co_await ctx_.Activity(learning::kChooseTemplate, choose, Quick());
      progress_->template_version = chosen.template_version;
      progress_->experiment_id = chosen.assignment.experiment_id;
      progress_->arm = chosen.assignment.arm;
    }
    End(progress_->template_id + "@" + std::to_string(progress_->template_version) +
        (progress_->arm.empty() ? "" : ", arm " + progress_->arm));
  }

  /// Ends with a state, or with GaveUp.
  Task<void> Generate() {
    if (!triage_.tool_id.empty()) {
      const bool done = co_await ByTool();
      if (done) co_return;
    }
    if (input_.preflight) co_await Preflight();
    co_await Plan();
    Begin("generate");
    const generation::GenerateCodeRequest first{.task = input_.task,
                                                .language = input_.language,
                                                .plan = plan_,
                                                .template_id = progress_->template_id,
                                                .template_version = progress_->template_version,
                                                .use = Use(input_.generate_model, triage_.strategy)};
    GeneratedCode generated = co_await Called(ctx_.StartActivity(generation::kGenerateCode, first, Model()));
    std::string wrong = co_await Judge(std::move(generated), "");
    if (wrong.empty()) {
      progress_->state = kSuccessFirstPass;
      co_return;
    }
    Begin("escalate");
    const generation::EscalateGenerationRequest again{.task = input_.task,
                                                      .language = input_.language,
                                                      .plan = plan_,
                                                      .code = progress_->code,
                                                      .feedback = wrong,
                                                      .use = Use(input_.escalate_model, "large")};
    generated = co_await Called(ctx_.StartActivity(generation::kEscalateGeneration, again, Model()));
    wrong = co_await Judge(std::move(generated), "2");
    if (!wrong.empty()) throw GaveUp{"after one escalation: " + wrong};
    progress_->state = kSuccessAfterEscalation;
  }

  /// What a registered tool made goes through the same examination; what does not pass it is the model's to make.
  Task<bool> ByTool() {
    Begin("tool");
    progress_->steps.back().model = "tool/" + triage_.tool_id;
    const GeneratedCode made{.code = triage_.tool_code};
    const std::string wrong = co_await Judge(made, "-tool");
    if (!wrong.empty()) co_return false;
    progress_->tool_id = triage_.tool_id;
    progress_->cost_saved_usd = progress_->cost_saved_usd.PlusAtMost(triage_.cost_saved_usd.value_or(Money()));
    progress_->state = kSuccessFirstPass;
    co_return true;
  }

  /// Before any token is spent: the month's quota may warn, delay the run once, or end it (QF-5).
  Task<void> Preflight() {
    Begin("preflight");
    const quota::PreflightQuotaInput ask{.workflow_type = std::string(kStreamlinedGenerationWorkflow),
                                         .now = FormatIso8601Millis(ctx_.Now())};
    const quota::PreflightDecision made = co_await ctx_.Activity(quota::kPreflightQuota, ask, Ledger());
    if (made.decision == quota::kDeny) {
      End(made.reason, false);
      throw GaveUp{"the month's quota does not allow it: " + made.reason};
    }
    if (made.decision == quota::kThrottle) {
      progress_->steps.back().detail = "waits " + std::to_string(made.delay_s) + " s: " + made.reason;
      co_await ctx_.Sleep(std::chrono::seconds(made.delay_s));
    }
    End(made.decision + ": " + made.reason);
  }

  Task<void> Plan() {
    Begin("plan");
    const generation::PlanGenerationRequest ask{
        .task = input_.task, .language = input_.language, .use = Use(input_.plan_model, "small")};
    const generation::GenerationPlan planned =
        co_await Called(ctx_.StartActivity(generation::kPlanGeneration, ask, Model()));
    if (!planned.fault.empty()) {
      End(planned.fault, false);
      throw GaveUp{planned.fault};
    }
    plan_ = planned.plan;
    End(std::to_string(planned.plan.size()) + " bytes");
  }

  /// The answer of a step that asks a model.  A model that refuses or is not there ends the run, not the workflow.
  template <class T>
  Task<T> Called(sdk::Future<T> call) {
    std::optional<GaveUp> gave_up;
    T answer;
    try {
      answer = co_await call;
    } catch (const sdk::ActivityFailure& failure) {
      if (!IsOfModel(failure.type())) throw;
      gave_up = GaveUp{failure.message()};
    }
    if (gave_up) {
      End(gave_up->message, false);
      throw *gave_up;
    }
    Paid(answer.cost);
    co_return answer;
  }
  static bool IsOfModel(const std::string& type) {
    return type == "AGENT_ERROR" || type == "MODEL_UNAVAILABLE" || type.starts_with("BUDGET_");
  }

  /// Examines, repairs, saves and tests what was generated.  Empty: it is good; or what is wrong, for the model.
  Task<std::string> Judge(GeneratedCode generated, std::string round) {
    progress_->model = progress_->steps.back().model;
    progress_->code = generated.code;
    End(generated.fault.empty() ? std::to_string(generated.code.size()) + " bytes" : generated.fault,
        generated.fault.empty());
    const nodes::AnalyzeStaticResult analyzed = co_await Analyze(round);
    co_await Save(analyzed.report, round);
    if (!analyzed.passes_gate) co_return WithFault(generated.fault, analyzed.feedback);
    co_return co_await Test(analyzed.report, round);
  }

  Task<nodes::AnalyzeStaticResult> Analyze(std::string round) {
    Begin("analyze" + round);
    nodes::AnalyzeStaticRequest ask;
    ask.source = progress_->code;
    ask.language = input_.language;
    if (input_.tools.is_object()) {
      ask.tools.emplace();
      for (const auto& [name, tool] : input_.tools.items()) ask.tools->push_back(name);
    }
    ask.node_id = triage_.node_id;
    ask.template_id = progress_->template_id;
    ask.template_version = progress_->template_version;
    ask.model = progress_->model;
    nodes::AnalyzeStaticResult analyzed = co_await ctx_.Activity(nodes::kAnalyzeStatic, ask, Sandboxed());
    const nodes::GenerationReport& report = analyzed.report;
    if (analyzed.source) progress_->code = *analyzed.source;
    progress_->report_id = report.report_id;
    progress_->score = report.overall_score;
    progress_->grade = report.grade;
    progress_->findings = analyzed.feedback;
    progress_->repaired.clear();
    for (const nodes::NodeCheck& check : report.checks) {
      if (check.auto_fixed) progress_->repaired.push_back(check.name);
    }
    End("grade " + report.grade + (report.auto_fixes_applied > 0
                                       ? ", " + std::to_string(report.auto_fixes_applied) + " repaired"
                                       : std::string()),
        analyzed.passes_gate);
    co_return analyzed;
  }

  /// Before the gate, whatever the grade (SG-5).
  Task<void> Save(nodes::GenerationReport report, std::string round) {
    Begin("save" + round);
    learning::SaveGenerationInput save;
    // One record, RC-1, under two structs: whoever examines and whoever remembers know nothing of each other.
    save.report = nlohmann::json(report).get<learning::GenerationReport>();
    save.source = progress_->code;
    save.description = input_.task.substr(0, 500);
    save.task_type = triage_.task_type;
    const learning::SaveGenerationResult saved = co_await ctx_.Activity(learning::kSaveGeneration, save, Quick());
    End(saved.artifact_type);
  }

  Task<std::string> Test(nodes::GenerationReport report, std::string round) {
    Begin("test" + round);
    const nodes::RunNodeTestsRequest ask{.working_dir = {},
                                         .file = {},
                                         .source = progress_->code,
                                         .language = input_.language,
                                         .cases = input_.tests,
                                         .tools = input_.tools};
    const nodes::NodeTestReport tested = co_await ctx_.Activity(nodes::kRunNodeTests, ask, Sandboxed());
    progress_->tests = tested.total;
    progress_->tests_failed = tested.failed;
    End(tested.passed ? std::to_string(tested.total) + " passed" : tested.message, tested.passed);
    const learning::SaveTestResultInput told{.node_id = triage_.node_id,
                                             .report_id = report.report_id,
                                             .test_result = tested.passed ? "passed" : "failed",
                                             .now = FormatIso8601Millis(ctx_.Now())};
    co_await ctx_.Activity(learning::kSaveTestResult, told, Quick());
    co_return tested.passed ? "" : "its tests failed: " + tested.message;
  }

  static std::string WithFault(const std::string& fault, const std::string& feedback) {
    if (fault.empty()) return feedback;
    return feedback.empty() ? fault : fault + "\n" + feedback;
  }

  Task<void> RecordUsage() {
    learning::UsageRow usage;
    usage.workflow_run_id = ctx_.info().run_id;
    usage.nl_input = input_.task;
    usage.workflow_type = kStreamlinedGenerationWorkflow;
    usage.created_at = FormatIso8601Millis(begun_);
    usage.duration_ms = progress_->duration_ms;
    usage.total_tokens = progress_->tokens;
    usage.cost_usd = progress_->cost_usd;
    usage.unpriced_calls = progress_->unpriced_calls;
    usage.scripted = progress_->scripted;
    usage.success = progress_->state != kGenerationFailed;
    usage.step_count = static_cast<int64_t>(progress_->steps.size());
    usage.outcome = progress_->state;
    usage.tool_id = progress_->tool_id;
    usage.escalated = std::ranges::any_of(
        progress_->steps, [](const GenerationStep& step) { return step.name == "escalate"; });
    co_await ctx_.Activity(learning::kRecordUsage, usage, Quick());
  }

  sdk::WorkflowContext& ctx_;
  const GenerationInput input_;
  const Instant begun_;
  Instant step_begun_{};
  std::shared_ptr<GenerationResult> progress_;
  generation::Triage triage_;
  std::string plan_;
};

}  // namespace

Task<GenerationResult> StreamlinedGeneration(sdk::WorkflowContext& ctx, nlohmann::json from) {
  GenerationInput input;
  try {
    input = from.get<GenerationInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(
        std::string("the input of StreamlinedGenerationWorkflow is not valid: ") + JsonErrorText(e), "INVALID_INPUT",
        true);
  }
  Generation generation(ctx, std::move(input));
  GenerationResult result;
  std::optional<sdk::ActivityFailure> fault;
  try {
    result = co_await generation.Run();
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  if (fault) throw sdk::WorkflowFailure(fault->activity_type() + ": " + fault->message(), fault->type(), true);
  co_return result;
}

void RegisterStreamlinedGeneration(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kStreamlinedGenerationWorkflow), &StreamlinedGeneration);
}

}  // namespace wfe::workflows
