// The activities of AuditedBuildWorkflow with nothing behind them: agents that are not there, checks of files that do
// not exist, by the names and with the types of the real ones.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "activities/agent/step/agent_step.h"
#include "tools/demo/behaviour.h"
#include "tools/demo/trace_sink.h"
#include "workers/sdk/activity.h"

namespace wfe::demo {

inline constexpr std::string_view kSimulatedBackend = "simulated";
inline constexpr std::string_view kSimulatedModel = "simulated-flash";

/// Between the heartbeats of a simulated activity; well below the workflow's heartbeat timeout of 15 s.
inline constexpr Duration kBeat = std::chrono::seconds(5);

/// How long an activity says it took: agents and checks in their results, everything else is quick.
Duration ClaimedDuration(const sdk::ActivityResult<nlohmann::json>& result);

/// A GEMINI.md that some build had.
struct RenderedGemini {
  std::string text;
  agent::PreparedContext prepared;
  int64_t builds = 0;
  std::string first_used;  ///< ISO 8601.
};

/// What the builds leave behind.
struct BuildTraces {
  TraceSink sink;
  std::map<std::string, RenderedGemini> contexts;  ///< By context_file_hash.
};

/// The state of all simulated builds.  One thread.
class SimulatedWorld {
 public:
  /// `behaviour` and `clock` outlive it.
  SimulatedWorld(const Behaviour& behaviour, const Clock& clock, std::string host_queue);

  /// Adds every activity that AuditedBuildWorkflow calls.  The registry must not outlive the world.
  void Register(sdk::ActivityRegistry& registry);

  /// A build has given its directory back: the last thing it does.
  std::function<void(const std::string& workflow_id)> on_released;

  /// Once all builds have ended.
  BuildTraces TakeTraces() { return std::move(traces_); }

  /// Working directory of a build; no such directory exists.
  static std::string WorkingDir(const BuildPlan& plan) { return "/demo/" + plan.folder; }

 private:
  struct Build {
    const BuildPlan* plan = nullptr;
    std::set<size_t> defects;
  };
  Build& BuildOf(const sdk::ActivityContext& context);

  const Behaviour& behaviour_;
  const Clock& clock_;
  const std::string host_queue_;
  std::map<std::string, Build> builds_;
  BuildTraces traces_;
};

}  // namespace wfe::demo
