#include "tools/wfe/runs_here.h"

#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {

bool RunsHere(Globals& globals, const Config& config, bool local, const std::string& at_what_price) {
  if (local) return true;
  const Config standard;
  if (globals.AddressWasNamed() || config.client.address != standard.client.address) return false;
  const auto info =
      globals.Call<ws::GetSystemInfoResponse>("GetSystemInfo", ws::GetSystemInfoRequest(), std::chrono::seconds(2));
  if (info || !Globals::IsUnreachable(info.error())) return false;
  if (globals.format == OutputFormat::kText) {
    PrintText("no server at " + config.client.address + ": running here, and " + at_what_price + "\n");
  }
  return true;
}

Result<EndedRun> RunToItsEnd(Globals& globals, const StartOptions& start, bool here, bool follow, double timeout_s) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const Target target, StartWorkflow(globals, start));
  if (!here) WarnAboutQueue(globals, start.queue.empty() ? config->client.queue : start.queue);
  FollowOptions options;
  options.show_steps = follow || (globals.format == OutputFormat::kText && StdoutIsTerminal());
  options.ends_with_us = here;
  options.timeout = TimeoutOf(timeout_s);
  WFE_ASSIGN_OR_RETURN(Outcome outcome, FollowRun(globals, target, options));
  return EndedRun{.target = target, .outcome = std::move(outcome)};
}

}  // namespace wfe::cli
