#include "tools/demo/simulated_build.h"

#include <algorithm>

#include "activities/agent/cost/token_estimator.h"
#include "activities/build/checks/classify.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/checks/host_info.h"
#include "activities/build/workspace/workspace.h"
#include "activities/prompts/context_template.h"
#include "activities/prompts/instructions.h"
#include "activities/trace/audit.h"
#include "activities/trace/trace_file.h"
#include "engine/base/check.h"
#include "tools/demo/contexts.h"
#include "tools/demo/instructions.h"

namespace wfe::demo {

using namespace agent;
using namespace build;
using namespace prompts;
using namespace trace;
using sdk::ActivityContext;
using sdk::ActivityResult;
using sdk::ApplicationFailure;

namespace {

struct CheckCommand {
  Check check;
  std::string_view id;
  std::string_view error_class;
  std::string_view command;
};
constexpr CheckCommand kChecks[] = {
    {Check::kTsc, "tsc", "TSC_ERROR", "node_modules/.bin/tsc --noEmit --pretty false"},
    {Check::kEslint, "eslint", "ESLINT_ERROR", "node_modules/.bin/eslint . --format json"},
    {Check::kJest, "jest", "JEST_FAILURE", "node_modules/.bin/jest --ci --json --outputFile=$OUT/jest.json"}};

int64_t Tokens(const std::string& text) { return static_cast<int64_t>(EstimateTokens(text) + 0.5); }

ApplicationFailure Failure(std::string type, std::string message, nlohmann::json details = nullptr) {
  return {.message = std::move(message),
          .type = std::move(type),
          .non_retryable = true,
          .next_retry_delay = std::nullopt,
          .details = std::move(details)};
}

std::vector<std::string> TouchedFiles(const std::string& step, Random& random) {
  if (step == "scaffold") return {"src/index.ts", "src/library.ts", "test/library.test.ts"};
  std::vector<std::string> files = {"src/library.ts"};
  if (step == "implement_v1" || random.Chance(0.4)) files.emplace_back("test/library.test.ts");
  return files;
}

/// What a repair is about: the class that the first failing check reports, or kErrorClassCount where it reports
/// several.
size_t ReportedClass(const std::set<size_t>& defects) {
  std::optional<size_t> reported;
  for (const size_t defect : defects) {  // in the order of the checks
    if (!reported) {
      reported = defect;
    } else if (kErrorClasses[defect].check == kErrorClasses[*reported].check) {
      return kErrorClassCount;
    }
  }
  return reported.value_or(kErrorClassCount);
}

AgentReply Reply(const Behaviour& behaviour, const BuildPlan& plan, const AgentRequest& request, int64_t context_tokens,
                 std::optional<size_t> repaired) {
  const Behaviour::AgentCost cost = behaviour.CostOf(plan, request.step_name, repaired);
  AgentReply reply;
  reply.text = "No model was called: this answer is simulated.";
  reply.token_count_source = kTokensScripted;
  reply.model = kSimulatedModel;
  reply.backend = kSimulatedBackend;
  reply.finish_reason = "STOP";
  reply.turns = cost.turns;
  reply.instruction_token_count = Tokens(request.instruction);
  reply.context_token_count = context_tokens;
  reply.instruction_hash = ToHex(Sha256(request.instruction));
  reply.context_file_hash = request.context_file_hash;
  // Every turn sends context, instruction, tool declarations and what was said before.
  reply.prompt_token_count =
      cost.turns * (reply.instruction_token_count + context_tokens + 650) + cost.turns * (cost.turns - 1) / 2 * 350;
  reply.completion_token_count = cost.completion_tokens;
  reply.thoughts_token_count = cost.completion_tokens / 4;
  reply.latency_ms = cost.latency_ms;
  return reply;
}

/// What the checks say about a tree with these defects.
ComplianceReport Verdict(const ComplianceRequest& request, const std::set<size_t>& defects, Random random) {
  ComplianceReport report;
  report.passed = defects.empty();
  report.status = report.passed ? "pass" : "fail";
  report.profile = request.profile;
  report.sandbox = "none";
  report.sandbox_reason = "the checks are simulated";
  for (const CheckCommand& command : kChecks) {
    CheckReport check;
    check.id = command.id;
    check.command = command.command;
    check.duration_ms = random.Between(1500, 6000);
    check.exit_code = 0;
    std::vector<Finding> findings;
    for (const size_t defect : defects) {
      if (kErrorClasses[defect].check != command.check) continue;
      for (int64_t n = random.Between(1, 4); n > 0; --n) {
        findings.push_back({.path = command.check == Check::kJest ? "test/library.test.ts" : "src/library.ts",
                            .line = random.Between(10, 99),
                            .column = random.Between(10, 80),
                            .error_class = std::string(kErrorClasses[defect].name),
                            .text = std::string(kErrorClasses[defect].symptom)});
      }
    }
    check.outcome = findings.empty() ? "pass" : "fail";
    check.findings = static_cast<int64_t>(findings.size());
    if (!findings.empty()) {
      check.exit_code = 1;
      check.error_type = Headline(findings, std::string(command.error_class));
      if (report.error_type.empty()) report.error_type = check.error_type;
    }
    for (const Finding& finding : findings) {
      ++report.error_counts[finding.error_class];
      report.error_log += finding.path + ":" + std::to_string(finding.line) + ":" + std::to_string(finding.column) +
                          " " + finding.error_class + " " + finding.text + "\n";
    }
    report.duration_ms += check.duration_ms;
    report.commands_attempted.emplace_back(command.command);
    report.checks.push_back(std::move(check));
  }
  report.error_log_chars = CodePointCount(report.error_log);
  if (!report.passed) report.error_log_hash = ToHex(Sha256(report.error_log));
  return report;
}

/// As prepareContext fills a template, without a file.
Result<RenderedGemini> Render(const PrepareContextInput& input) {
  const ContextTemplate source{
      .id = input.template_id, .version = input.template_version, .text = TemplateText(input.template_version)};
  std::map<std::string, std::string> values = input.values;
  for (const auto& [name, value] : input.defaults) {
    if (source.text.find("{{" + name + "}}") != std::string::npos) values.emplace(name, value);
  }
  WFE_ASSIGN_OR_RETURN(RenderedContext rendered, RenderContext(source, values));
  RenderedGemini gemini;
  gemini.prepared.context_file_hash = ToHex(Sha256(rendered.text));
  gemini.prepared.stored = true;
  gemini.prepared.path = input.file_name;
  gemini.prepared.template_id = input.template_id;
  gemini.prepared.template_version = input.template_version;
  gemini.prepared.section_hashes = std::move(rendered.section_hashes);
  gemini.prepared.context_token_count = Tokens(rendered.text);
  gemini.prepared.token_count_source = kTokensEstimated;
  gemini.prepared.size_bytes = static_cast<int64_t>(rendered.text.size());
  gemini.text = std::move(rendered.text);
  return gemini;
}

/// What every build finds in order.
void RegisterSetUp(sdk::ActivityRegistry& registry) {
  registry.Register(kOpenWorkspace, [](ActivityContext&, const OpenWorkspaceRequest& request) {
    OpenWorkspaceReport report;
    report.working_dir = request.project_dir;
    report.project_dir = request.project_dir;
    report.kind = kWorkspaceInPlace;
    return ActivityResult<OpenWorkspaceReport>(report);
  });
  registry.Register(kCheckAgent, [](ActivityContext&, const CheckAgentInput&) {
    return ActivityResult<CheckAgentOutput>(CheckAgentOutput());
  });
  registry.Register(kProbeChecks, [](ActivityContext&, const ProbeChecksRequest&) {
    return ActivityResult<ProbeChecksReport>(ProbeChecksReport());
  });
  registry.Register(kPrepareInstruction, [](ActivityContext&, const PrepareInstructionInput& input) {
    PreparedInstruction prepared;
    prepared.template_id = input.template_id;
    prepared.template_version = 1;
    prepared.text = InstructionText(input.template_id, input.values);
    prepared.instruction_hash = ToHex(Sha256(prepared.text));
    return ActivityResult<PreparedInstruction>(prepared);
  });
  registry.Register(kPreflight, [](ActivityContext&, const PreflightRequest& request) {
    PreflightReport report;
    report.mode = "create";
    report.working_dir = request.working_dir;
    report.profile = request.profile.empty() ? "typescript" : request.profile;
    report.claim_id = request.claim_id;
    report.protected_hashes = {{"package.json", ToHex(Sha256("{}"))}};
    for (const CheckCommand& check : kChecks) report.check_commands.emplace_back(check.command);
    report.sandbox = "none";
    return ActivityResult<PreflightReport>(report);
  });
}

}  // namespace

Duration ClaimedDuration(const ActivityResult<nlohmann::json>& result) {
  using std::chrono::milliseconds;
  constexpr int64_t kQuick = 2;
  const nlohmann::json* value = result.has_value() ? &result.value() : nullptr;
  if (const ApplicationFailure* failure = result.failure()) value = &failure->details;
  if (value == nullptr || !value->is_object()) return milliseconds(kQuick);
  return milliseconds(std::max(kQuick, value->value("latency_ms", value->value("duration_ms", kQuick))));
}

SimulatedWorld::SimulatedWorld(const Behaviour& behaviour, const Clock& clock, std::string host_queue)
    : behaviour_(behaviour), clock_(clock), host_queue_(std::move(host_queue)) {
  for (const BuildPlan& plan : behaviour.plans()) builds_[plan.workflow_id].plan = &plan;
}

SimulatedWorld::Build& SimulatedWorld::BuildOf(const ActivityContext& context) {
  const auto found = builds_.find(context.info().workflow_id);
  WFE_CHECK(found != builds_.end(), "an activity of a build that was not planned");
  return found->second;
}

void SimulatedWorld::Register(sdk::ActivityRegistry& registry) {
  RegisterHostActivities(registry, {.host_queue = host_queue_, .work_root = "/demo"});

  RegisterSetUp(registry);
  registry.Register(kPrepareContext,
                    [this](ActivityContext&, const PrepareContextInput& input) -> ActivityResult<PreparedContext> {
                      Result<RenderedGemini> rendered = Render(input);
                      if (!rendered) return Failure("INVALID_INPUT", rendered.error().message);
                      RenderedGemini& gemini =
                          traces_.contexts.try_emplace(rendered->prepared.context_file_hash, *rendered).first->second;
                      if (gemini.builds++ == 0) gemini.first_used = FormatIso8601Millis(clock_.Now());
                      return gemini.prepared;
                    });

  registry.Register(
      kExecuteGeminiAgent, [this](ActivityContext& context, const AgentRequest& request) -> ActivityResult<AgentReply> {
        Build& build = BuildOf(context);
        const auto gemini = traces_.contexts.find(request.context_file_hash);
        if (gemini == traces_.contexts.end()) return Failure("INVALID_INPUT", "a step without its GEMINI.md");
        const bool repairs = request.step_name.starts_with("fix_attempt_");
        AgentReply reply = Reply(behaviour_, *build.plan, request, gemini->second.prepared.context_token_count,
                                 repairs ? std::optional(ReportedClass(build.defects)) : std::nullopt);
        if (build.plan->agent_fails && request.step_name == "implement_v1") {
          reply.error = "the answer was cut at its output limit, twice";
          return Failure(std::string(kAgentErrorType), reply.error, reply);
        }
        Random random = behaviour_.RandomFor(*build.plan, request.step_name + "/files");
        reply.files_touched = TouchedFiles(request.step_name, random);
        if (request.step_name == "implement_v1") build.defects = behaviour_.Implement(*build.plan);
        if (repairs) build.defects = behaviour_.Repair(*build.plan, request.step_name, build.defects);
        return reply;
      });

  registry.Register(kRunComplianceChecks, [this](ActivityContext& context, const ComplianceRequest& request) {
    const Build& build = BuildOf(context);
    return ActivityResult<ComplianceReport>(
        Verdict(request, build.defects, behaviour_.RandomFor(*build.plan, request.step_name + "/checks")));
  });

  registry.Register(kLogAuditEntry,
                    [this](ActivityContext& context, const LogAuditEntryInput& input) -> ActivityResult<sdk::Nothing> {
                      Result<LogEntry> entry = CompleteEntry(input.entry, context.info().IdempotencyToken());
                      if (!entry) return Failure("INVALID_ENTRY", entry.error().message);
                      traces_.sink.Append(BuildOf(context).plan->folder, *std::move(entry), clock_.Now());
                      return sdk::Nothing{};
                    });

  registry.Register(kReleaseWorkingDir, [this](ActivityContext& context, const ReleaseRequest&) {
    ReleaseReport report;
    report.released = true;
    if (on_released) on_released(context.info().workflow_id);
    return ActivityResult<ReleaseReport>(report);
  });
}

}  // namespace wfe::demo
