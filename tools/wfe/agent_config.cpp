#include "tools/wfe/agent_config.h"

#include <cstdlib>

#include "activities/agent/backends/base_url.h"
#include "activities/agent/backends/cassette_shelf.h"
#include "activities/agent/backends/http_backend.h"
#include "activities/agent/backends/openai_backend.h"
#include "activities/agent/cost/prices.h"
#include "activities/agent/programs/command_agent.h"
#include "activities/agent/programs/gemini_cli.h"
#include "activities/agent/step/model_tiers.h"
#include "activities/outbound/http_client.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

Result<sandbox::SandboxPolicy> PolicyFrom(const std::string& text) {
  if (text == "preferred") return sandbox::SandboxPolicy::kPreferred;
  if (text == "required") return sandbox::SandboxPolicy::kRequired;
  if (text == "off") return sandbox::SandboxPolicy::kOff;
  return InvalidArgument("build.sandbox takes preferred, required or off, not \"" + text + "\"");
}

std::string OpenAiKey(const Config& config) {
  const char* const value = config.openai.key_env.empty() ? nullptr : std::getenv(config.openai.key_env.c_str());
  return value == nullptr ? "" : value;
}

/// The services of models, each with its backend, behind one client that may reach these and nothing else (AC-12).
Status AddServices(const Config& config, const std::string& gemini_url, Metrics& metrics, agent::GeminiConfig& agent) {
  agent::HttpBackendOptions gemini = agent::HttpOptionsFromEnvironment();
  gemini.base_url = gemini_url;
  agent::OpenAiOptions openai{.base_url = agent::ChatBaseUrl(config.openai.base_url),
                              .api_key = OpenAiKey(config),
                              .key_variable = config.openai.key_env,
                              .stream = config.openai.stream,
                              .plain_http = config.openai.plain_http};
  std::vector<std::string> origins;
  for (const std::string& url : {gemini.base_url, openai.base_url}) {
    if (url.empty()) continue;
    WFE_ASSIGN_OR_RETURN(std::string origin, outbound::OriginOf(url, "the base URL of a model's service"));
    origins.push_back(std::move(origin));
  }
  const outbound::HttpLimits limits{.silence_timeout = std::chrono::seconds(config.agent.silence_timeout_s),
                                    .total_timeout = std::chrono::seconds(config.agent.call_timeout_s)};
  gemini.client = openai.client = std::make_shared<outbound::HttpClient>(std::move(origins), limits, metrics);
  WFE_ASSIGN_OR_RETURN(agent.backends["gemini"], agent::MakeHttpBackend(std::move(gemini)));
  if (openai.base_url.empty()) return Ok();
  WFE_ASSIGN_OR_RETURN(agent.backends["openai"], agent::MakeOpenAiBackend(std::move(openai)));
  agent.backend_models["openai"] = config.openai.model.empty() ? config.agent.model : config.openai.model;
  return Ok();
}

Status AddTiers(const Config& config, agent::GeminiConfig& agent) {
  agent.tiers = agent::DefaultTiers(agent);
  std::vector<std::string> known;
  for (const auto& [name, ignored] : agent.backends) known.push_back(name);
  for (const auto& [name, ignored] : agent.programs) known.push_back(name);
  for (const auto& [name, text] : {std::pair{"small", &config.tiers.small}, std::pair{"medium", &config.tiers.medium},
                                   std::pair{"large", &config.tiers.large}}) {
    if (text->empty()) continue;
    Result<agent::ModelTier> tier = agent::ParseTier(*text, known);
    if (!tier) return InvalidArgument(std::string("tiers.") + name + " " + tier.error().message);
    agent.tiers[name] = *std::move(tier);
  }
  return Ok();
}

}  // namespace

std::vector<std::string> SecretsOf(const Config& config) {
  std::vector<std::string> secrets;
  if (std::string key = agent::HttpOptionsFromEnvironment().api_key; !key.empty()) secrets.push_back(std::move(key));
  if (std::string key = OpenAiKey(config); !key.empty()) secrets.push_back(std::move(key));
  if (config.agent.command.empty()) return secrets;
  for (const std::string& name : config.agent.command_env) {
    if (const char* const value = std::getenv(name.c_str()); value != nullptr) secrets.emplace_back(value);
  }
  return secrets;
}

Result<agent::GeminiConfig> AgentConfigFrom(const Config& config, const std::string& work_root, Metrics& metrics) {
  agent::GeminiConfig agent;
  agent.work_root = work_root;
  agent.default_backend = config.agent.backend;
  // A model that nobody named must not be what an own command's calls are priced by.
  agent.program_model = config.agent.model;
  if (!config.agent.model.empty()) agent.default_model = config.agent.model;
  if (!config.agent.gemini_model.empty()) agent.default_model = config.agent.gemini_model;
  agent.templates_dir = TemplatesDir(config);
  agent.limits = {.max_turns = static_cast<int>(config.agent.max_turns),
                  .max_output_tokens = static_cast<int>(config.agent.max_output_tokens),
                  .max_files = config.agent.max_files,
                  .max_file_bytes = config.agent.max_file_bytes,
                  .max_total_bytes = config.agent.max_total_bytes};
  WFE_ASSIGN_OR_RETURN(const sandbox::SandboxPolicy sandbox, PolicyFrom(config.build.sandbox));
  // One URL for both ways to the model, whichever of the two spellings a person has used (RW-D12).
  const agent::BaseUrls urls = agent::BaseUrlsFrom(config.agent.base_url);

  agent.secrets = SecretsOf(config);
  WFE_RETURN_IF_ERROR(AddServices(config, urls.http, metrics, agent));

  agent::GeminiCliOptions program = agent::GeminiCliOptionsFromEnvironment();
  if (config.agent.cli_path != "gemini") program.program = config.agent.cli_path;
  program.base_url = urls.command_line;
  program.sandbox = sandbox;
  program.wall_clock = std::chrono::seconds(config.agent.step_timeout_s);
  agent.programs["gemini-cli"] = agent::MakeGeminiCli(program);

  if (!config.agent.command.empty()) {
    agent::CommandAgentOptions command;
    command.argv = config.agent.command;
    command.sandbox = sandbox;
    command.wall_clock = std::chrono::seconds(config.agent.step_timeout_s);
    for (const std::string& name : config.agent.command_env) {
      const char* value = std::getenv(name.c_str());
      if (value == nullptr) continue;
      command.environment.emplace_back(name, value);
    }
    agent.programs["command"] = agent::MakeCommandAgent(std::move(command));
  }

  agent.backends["scripted"] = agent::OpenCassetteShelf(
      config.agent.cassette_dir.empty() ? ShippedFile("workflows/audited_build/samples") : config.agent.cassette_dir);
  WFE_RETURN_IF_ERROR(AddTiers(config, agent));
  if (!config.agent.prices.empty()) {
    WFE_ASSIGN_OR_RETURN(auto prices, agent::PriceTable::Load(config.agent.prices));
    agent.prices = std::make_shared<const agent::PriceTable>(std::move(prices));
  }
  return agent;
}

std::string AgentWarning(const agent::GeminiConfig& agent) {
  const Status usable = agent::CheckAgentBackend(agent, agent.default_backend);
  return usable ? std::string() : "builds that name no backend will fail: " + usable.error().message;
}

}  // namespace wfe::cli
