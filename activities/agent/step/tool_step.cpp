#include "activities/agent/step/tool_step.h"

#include <nlohmann/json.hpp>

#include "activities/agent/step/agent_loop.h"

namespace wfe::agent {

Result<std::optional<ToolAnswer>> OfferStep(const OfferToTools& offer, sdk::ActivityContext& context,
                                            const AgentRequest& request, StepJournal& journal) {
  const auto asked = journal.Read(AnswerName(1));
  if (asked && *asked) return std::optional<ToolAnswer>();
  WFE_ASSIGN_OR_RETURN(std::optional<nlohmann::json> noted, journal.Read("tool.json"));
  if (!noted) {
    const ToolOffer step{.token = context.info().IdempotencyToken(),
                         .step_name = request.step_name,
                         .text = request.instruction,
                         .input = "",
                         .working_dir = request.working_dir,
                         .protected_paths = request.protected_paths,
                         .must_change = request.requires_file_changes};
    const std::optional<ToolAnswer> made = offer(context, step);
    noted = made ? nlohmann::json(*made) : nlohmann::json::object();
    WFE_RETURN_IF_ERROR(journal.Write("tool.json", *noted));
  }
  if (noted->empty()) return std::optional<ToolAnswer>();
  return std::optional<ToolAnswer>(noted->get<ToolAnswer>());
}

void DescribeToolAnswer(const ToolAnswer& answer, AgentReply& reply) {
  reply.backend = "tool";
  reply.model = ToolModelName(answer.tool_id);
  reply.model_tier.clear();
  reply.tool_id = answer.tool_id;
  reply.pattern_signature = answer.pattern_signature;
  reply.latency_ms = answer.duration_ms;
  reply.tokens_saved = answer.tokens_saved;
  reply.cost_saved_usd = answer.cost_saved_usd;
}

}  // namespace wfe::agent
