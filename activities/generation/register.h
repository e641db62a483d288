// What a worker needs to serve generations, and the call that registers their activities.
#pragma once

#include <memory>

#include "activities/agent/call/model_caller.h"
#include "activities/agent/step/tool_offer.h"
#include "activities/prompts/template_store.h"
#include "workers/sdk/activity.h"

namespace wfe::generation {

struct GenerationConfig {
  agent::ModelCaller models;
  std::shared_ptr<prompts::TemplateStore> templates;
  agent::OfferToTools offer_to_tools = nullptr;  ///< Asked by triageTask (SG-8); empty: there are no tools.
};

/// Registers triageTask, planGeneration, generateCode and escalateGeneration.
void RegisterGenerationActivities(sdk::ActivityRegistry& registry, GenerationConfig config);

}  // namespace wfe::generation
