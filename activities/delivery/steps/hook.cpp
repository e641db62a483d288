#include "activities/delivery/steps/hook.h"

#include <chrono>
#include <memory>

#include "activities/outbound/http_client.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::delivery {
namespace {

constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";
constexpr size_t kMostOfItsWords = 300;

std::string TextOf(const MonitoringEvent& event) {
  return nlohmann::json(event).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status RunCommand(const std::vector<std::string>& command, const MonitoringEvent& event) {
  sandbox::ProcessSpec spec;
  spec.argv = command;
  spec.environment = {{"PATH", kPath}};
  spec.standard_input = TextOf(event) + "\n";
  spec.limits.wall_clock = std::chrono::seconds(60);
  spec.limits.max_output_bytes = 64 << 10;
  const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec);
  using Kind = sandbox::ProcessOutcome::Kind;
  if (outcome.kind == Kind::kExited && outcome.exit_code == 0) return Ok();
  std::string why = outcome.kind == Kind::kCouldNotStart ? "could not start: " + outcome.start_error
                    : outcome.kind == Kind::kTimedOut    ? "took longer than a minute"
                    : outcome.kind == Kind::kExited      ? "ended with " + std::to_string(outcome.exit_code)
                                                         : "was ended by a signal";
  if (!outcome.err.text.empty()) why += ": " + outcome.err.text.substr(0, kMostOfItsWords);
  return Unavailable("the monitor's hook " + command.front() + " " + why);
}

Status Post(const outbound::HttpClient& client, const std::string& url, const MonitoringEvent& event) {
  const outbound::HttpPost post{.url = url, .headers = {"Content-Type: application/json"}, .body = TextOf(event)};
  const outbound::HttpAnswer answer = client.Post(post, [](const outbound::HttpAnswer&, std::string_view) {});
  if (answer.end == outbound::HttpEnd::kWhole && answer.status >= 200 && answer.status < 300) return Ok();
  if (answer.end == outbound::HttpEnd::kWhole) {
    return Unavailable("the monitor's hook answered with status " + std::to_string(answer.status));
  }
  return Unavailable("the monitor's hook was not reached: " + answer.why);
}

}  // namespace

Result<MonitorHook> MakeHook(const HookConfig& config) {
  if (!config.command.empty() && !config.url.empty()) {
    return InvalidArgument("a monitor's hook is a command or a URL, not both");
  }
  if (!config.command.empty()) {
    return MonitorHook([command = config.command](const MonitoringEvent& event) { return RunCommand(command, event); });
  }
  if (config.url.empty()) return MonitorHook();
  WFE_ASSIGN_OR_RETURN(const std::string origin, outbound::SafeOriginOf(config.url, "the monitor's hook"));
  outbound::HttpLimits limits;
  limits.total_timeout = std::chrono::seconds(60);
  limits.silence_timeout = std::chrono::seconds(30);
  limits.max_answer_bytes = 1 << 20;
  const auto client = std::make_shared<outbound::HttpClient>(std::vector{origin}, limits);
  return MonitorHook([client, url = config.url](const MonitoringEvent& event) { return Post(*client, url, event); });
}

}  // namespace wfe::delivery
