#include "activities/agent/step/model_tiers.h"

#include <algorithm>

#include "activities/agent/programs/agent_program.h"
#include "engine/base/suggest.h"

namespace wfe::agent {

const std::vector<std::string>& TierNames() {
  static const std::vector<std::string> kNames = {"small", "medium", "large"};
  return kNames;
}

bool IsTierName(std::string_view name) {
  const std::vector<std::string>& names = TierNames();
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<ModelTier> ParseTier(std::string_view text, const std::vector<std::string>& backends) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return InvalidArgument("must be BACKEND:MODEL, as in gemini:gemini-2.5-flash");
  }
  ModelTier tier{.backend = std::string(text.substr(0, colon)), .model = std::string(text.substr(colon + 1))};
  if (std::find(backends.begin(), backends.end(), tier.backend) == backends.end()) {
    return InvalidArgument("names a backend that there is not: \"" + tier.backend + "\"" +
                           DidYouMean(tier.backend, backends));
  }
  return tier;
}

std::map<std::string, ModelTier> DefaultTiers(const GeminiConfig& config) {
  const std::string& backend = config.default_backend;
  const std::string model = ModelFor(config, backend, "");
  if (backend != "gemini" && backend != "gemini-cli") {
    return {{"small", {backend, model}}, {"medium", {backend, model}}, {"large", {backend, model}}};
  }
  return {{"small", {backend, "gemini-2.5-flash-lite"}},
          {"medium", {backend, model}},
          {"large", {backend, "gemini-2.5-pro"}}};
}

namespace {

/// Whether what is asked of a backend by name is no model of ours: a cassette, or whatever an own command knows.
bool HasNamesOfItsOwn(const GeminiConfig& config, const std::string& backend) {
  const auto canned = config.backends.find(backend);
  if (canned != config.backends.end()) return canned->second->scripted();
  const auto program = config.programs.find(backend);
  return program != config.programs.end() && program->second->ChoosesModel();
}

}  // namespace

Result<ResolvedModel> ResolveModel(const GeminiConfig& config, const std::string& backend, const std::string& model) {
  if (!IsTierName(model) || HasNamesOfItsOwn(config, backend)) {
    ResolvedModel resolved{.backend = backend.empty() ? config.default_backend : backend, .model = {}, .tier = {}};
    resolved.model = ModelFor(config, resolved.backend, model);
    return resolved;
  }
  const auto tier = config.tiers.find(model);
  if (tier == config.tiers.end()) return InvalidArgument("this worker has no model for the tier " + model);
  if (!backend.empty() && backend != tier->second.backend) {
    return InvalidArgument("the tier " + model + " is a model of the backend " + tier->second.backend +
                           " on this worker, and the request names the backend " + backend);
  }
  return ResolvedModel{.backend = tier->second.backend, .model = tier->second.model, .tier = model};
}

}  // namespace wfe::agent
