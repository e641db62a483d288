// Whether an agent backend can be called at all, and whether a run may, asked before anything is spent on a build.
#include "activities/agent/programs/agent_program.h"
#include "activities/agent/step/agent_worker.h"

namespace wfe::agent {

Status CheckAgentBackend(const GeminiConfig& config, const std::string& backend) {
  const std::string& name = backend.empty() ? config.default_backend : backend;
  if (const auto found = config.programs.find(name); found != config.programs.end()) return found->second->Check();
  if (const auto found = config.backends.find(name); found != config.backends.end()) return found->second->Check();
  std::string known;
  for (const auto& [other, ignored] : config.backends) known += (known.empty() ? "" : ", ") + other;
  for (const auto& [other, ignored] : config.programs) known += (known.empty() ? "" : ", ") + other;
  return InvalidArgument("this worker has no agent backend \"" + name + "\"; it has " + known);
}

std::string ModelFor(const GeminiConfig& config, const std::string& backend, const std::string& requested) {
  if (!requested.empty()) return requested;
  const auto program = config.programs.find(backend);
  if (program != config.programs.end() && program->second->ChoosesModel()) return config.program_model;
  const auto own = config.backend_models.find(backend);
  return own != config.backend_models.end() ? own->second : config.default_model;
}

sdk::ActivityResult<CheckAgentOutput> AgentWorker::CheckAgent(const CheckAgentInput& input) {
  const Result<ResolvedModel> resolved = ResolveModel(config_, input.backend, input.model);
  if (!resolved) return AgentFailure(kAgentUnusableType, resolved.error().message, true);
  const Status usable = CheckAgentBackend(config_, resolved->backend);
  if (!usable) return AgentFailure(kAgentUnusableType, usable.error().message, true);
  CheckAgentOutput output{.backend = resolved->backend, .model = resolved->model, .sandbox = {}};
  const auto program = config_.programs.find(output.backend);
  if (program != config_.programs.end()) output.sandbox = program->second->Sandbox();
  return output;
}

sdk::ActivityResult<sdk::Nothing> AgentWorker::AdmitRun(const sdk::ActivityContext& context,
                                                        const AdmitRunInput& input) {
  if (!config_.admit_run) return sdk::Nothing{};
  const Result<ResolvedModel> resolved = ResolveModel(config_, input.backend, input.model);
  // What cannot be called is checkAgent's to say.
  if (!resolved) return sdk::Nothing{};
  const auto found = config_.backends.find(resolved->backend);
  if (found != config_.backends.end() && found->second->scripted()) return sdk::Nothing{};
  const Result<client::BudgetAnswer> answer = config_.admit_run({.call_id = {},
                                                                 .workflow_id = context.info().workflow_id,
                                                                 .run_id = context.info().run_id,
                                                                 .workflow_type = context.info().workflow_type,
                                                                 .model = resolved->model});
  if (!answer) return AgentFailure(kRecordsDownType, answer.error().message, false);
  if (answer->verdict != client::BudgetAnswer::Verdict::kBlocked) return sdk::Nothing{};
  return AgentFailure(kBudgetExceededType, answer->message, true);
}

}  // namespace wfe::agent
