#include "tools/wfe/agent_config.h"

#include <cstdlib>

#include "activities/agent/backends/base_url.h"
#include "activities/agent/backends/cassette_shelf.h"
#include "activities/agent/backends/http_backend.h"
#include "activities/agent/cost/prices.h"
#include "activities/agent/programs/command_agent.h"
#include "activities/agent/programs/gemini_cli.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

Result<sandbox::SandboxPolicy> PolicyFrom(const std::string& text) {
  if (text == "preferred") return sandbox::SandboxPolicy::kPreferred;
  if (text == "required") return sandbox::SandboxPolicy::kRequired;
  if (text == "off") return sandbox::SandboxPolicy::kOff;
  return InvalidArgument("build.sandbox takes preferred, required or off, not \"" + text + "\"");
}

}  // namespace

std::vector<std::string> SecretsOf(const Config& config) {
  std::vector<std::string> secrets;
  if (std::string key = agent::HttpOptionsFromEnvironment().api_key; !key.empty()) secrets.push_back(std::move(key));
  if (config.agent.command.empty()) return secrets;
  for (const std::string& name : config.agent.command_env) {
    if (const char* const value = std::getenv(name.c_str()); value != nullptr) secrets.emplace_back(value);
  }
  return secrets;
}

Result<agent::GeminiConfig> AgentConfigFrom(const Config& config, const std::string& work_root) {
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

  agent::HttpBackendOptions http = agent::HttpOptionsFromEnvironment();
  http.base_url = urls.http;
  agent.secrets = SecretsOf(config);
  WFE_ASSIGN_OR_RETURN(agent.backends["gemini"], agent::MakeHttpBackend(http));

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
