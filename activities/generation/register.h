// What a worker needs to serve generations, and the call that registers their activities.
#pragma once

#include <memory>

#include "activities/agent/call/model_caller.h"
#include "activities/prompts/template_store.h"
#include "workers/sdk/activity.h"

namespace wfe::generation {

struct GenerationConfig {
  agent::ModelCaller models;
  std::shared_ptr<prompts::TemplateStore> templates;
};

/// Registers triageTask, planGeneration, generateCode and escalateGeneration.
void RegisterGenerationActivities(sdk::ActivityRegistry& registry, GenerationConfig config);

}  // namespace wfe::generation
