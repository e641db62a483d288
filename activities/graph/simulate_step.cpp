#include "activities/graph/simulate_step.h"

#include <algorithm>
#include <cmath>

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::graph {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMaxDurationMs = 86'400'000;

/// In [0, 1), the same for the same text.
double Drawn(const std::string& from) {
  const Sha256Digest digest = Sha256(from);
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; ++i) bits = bits << 8 | digest[i];
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

sdk::ApplicationFailure Failure(const std::string& message, const char* type, bool final) {
  return {
      .message = message, .type = type, .non_retryable = final, .next_retry_delay = std::nullopt, .details = nullptr};
}

void Apply(const std::string& name, SimulateStepInput& input) {
  const auto found = input.variants.find(name);
  if (found == input.variants.end()) return;
  const SimulatedVariant& variant = found->second;
  input.duration_ms = variant.duration_ms.value_or(input.duration_ms);
  input.cost_usd = variant.cost_usd.value_or(input.cost_usd);
  input.prompt_token_count = variant.prompt_token_count.value_or(input.prompt_token_count);
  input.completion_token_count = variant.completion_token_count.value_or(input.completion_token_count);
  input.failure_rate = variant.failure_rate.value_or(input.failure_rate);
  if (!variant.values.empty()) input.values = variant.values;
}

/// False: it was cancelled.
bool Wait(sdk::ActivityContext& context, int64_t milliseconds) {
  for (Duration left = std::chrono::milliseconds(milliseconds); left > Duration::zero(); left -= 500ms) {
    context.Heartbeat(nullptr);
    if (context.WaitForCancel(std::min<Duration>(left, 500ms))) return false;
  }
  return !context.IsCancelled();
}

sdk::ActivityResult<SimulateStepResult> Simulate(sdk::ActivityContext& context, const nlohmann::json& from,
                                                 bool waits) {
  SimulateStepInput input;
  try {
    input = from.get<SimulateStepInput>();
  } catch (const nlohmann::json::exception& e) {
    return Failure("the input of simulateStep is not valid: " + JsonErrorText(e), "INVALID_INPUT", true);
  }
  for (const std::string& name : {input.model, input.tool}) Apply(name, input);
  if (input.duration_ms < 0 || input.duration_ms > kMaxDurationMs || input.round < 0 ||
      !(input.spread >= 0 && input.spread < 1)) {
    return Failure("simulateStep takes a duration_ms from 0 to " + std::to_string(kMaxDurationMs) +
                       ", a round from 0 and a spread from 0 and below 1",
                   "INVALID_INPUT", true);
  }
  const std::string token = context.info().IdempotencyToken();
  const double stretch = 1 + input.spread * (2 * Drawn(token + "/duration") - 1);
  SimulateStepResult result;
  result.duration_ms = std::llround(static_cast<double>(input.duration_ms) * stretch);
  if (waits && !Wait(context, result.duration_ms)) return sdk::ActivityCancelled{nullptr};
  if (Drawn(token + "/" + std::to_string(context.info().attempt)) < input.failure_rate) {
    return Failure("it was to fail now and then", "SIMULATED_FAILURE", false);
  }
  if (!input.values.empty()) {
    result.value = input.values[std::min(static_cast<size_t>(input.round), input.values.size() - 1)];
  }
  result.round = input.round + 1;
  result.digest = ToHex(Sha256({from.dump(), input.noise ? token : ""})).substr(0, 16);
  result.cost_usd = input.cost_usd;
  result.prompt_token_count = input.prompt_token_count;
  result.completion_token_count = input.completion_token_count;
  return result;
}

}  // namespace

void RegisterSimulateStep(sdk::ActivityRegistry& registry, SimulateStepConfig config) {
  registry.Register(kSimulateStep, [config](sdk::ActivityContext& context, const nlohmann::json& input) {
    return Simulate(context, input, config.waits);
  });
}

}  // namespace wfe::graph
