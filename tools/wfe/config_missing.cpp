// What a configuration that can be read lacks all the same.
#include <utility>
#include <vector>

#include "activities/agent/backends/base_url.h"
#include "activities/agent/backends/http_backend.h"
#include "activities/agent/backends/openai_backend.h"
#include "activities/delivery/steps/hook.h"
#include "tools/wfe/config.h"
#include "tools/wfe/worker_patterns.h"

namespace wfe::cli {
namespace {

using Asked = std::pair<const char*, std::string>;

/// The keys that name a backend, with what they name.
std::vector<Asked> AskedBackends(const Config& config) {
  std::vector<Asked> asked = {{"agent.backend", config.agent.backend}};
  const TiersConfig& tiers = config.tiers;
  for (const auto& [name, tier] : {std::pair{"tiers.small", &tiers.small}, std::pair{"tiers.medium", &tiers.medium},
                                   std::pair{"tiers.large", &tiers.large}}) {
    asked.emplace_back(name, tier->substr(0, tier->find(':')));
  }
  return asked;
}

}  // namespace

std::string MissingInConfig(const Config& config) {
  for (const auto& [key, backend] : AskedBackends(config)) {
    if (backend == "command" && config.agent.command.empty()) {
      return std::string(key) + " is \"command\", and agent.command names no program to start";
    }
    if (backend == "openai" && config.openai.base_url.empty()) {
      return std::string(key) + " is \"openai\", and openai.base_url names no service";
    }
  }
  if (config.agent.backend == "openai" && config.openai.model.empty() && config.agent.model.empty()) {
    return "agent.backend is \"openai\", and openai.model names no model";
  }
  const auto gemini =
      agent::MakeHttpBackend({.base_url = agent::BaseUrlsFrom(config.agent.base_url).http, .api_key = {}});
  if (!gemini) return "agent.base_url: " + gemini.error().message;
  const auto hook = delivery::MakeHook({.command = config.monitor.hook_command, .url = config.monitor.hook_url});
  if (!hook) return "monitor: " + hook.error().message;
  if (const auto rules = LoadPatternRules(config); !rules) return "patterns.rules: " + rules.error().message;
  if (config.openai.base_url.empty()) return {};
  const auto backend = agent::MakeOpenAiBackend({.base_url = agent::ChatBaseUrl(config.openai.base_url),
                                                 .key_variable = config.openai.key_env,
                                                 .plain_http = config.openai.plain_http});
  return backend ? std::string() : "openai.base_url: " + backend.error().message;
}

}  // namespace wfe::cli
