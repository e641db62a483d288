// A step that a registered tool does instead of an agent (PD-6).
#pragma once

#include <optional>

#include "activities/agent/step/agent_step.h"
#include "activities/agent/step/journal.h"
#include "activities/agent/step/tool_offer.h"
#include "engine/base/result.h"

namespace wfe::agent {

/// What a tool made of the step; nullopt: none did, or an attempt of this step has asked a model already.  The answer is
/// journalled, so that a retry puts the same in place.
Result<std::optional<ToolAnswer>> OfferStep(const OfferToTools& offer, sdk::ActivityContext& context,
                                            const AgentRequest& request, StepJournal& journal);

/// All of a reply but its text, which is to be redacted.
void DescribeToolAnswer(const ToolAnswer& answer, AgentReply& reply);

}  // namespace wfe::agent
