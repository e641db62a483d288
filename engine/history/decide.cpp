#include "engine/history/decide.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "engine/history/deadlines.h"
#include "engine/history/finish.h"
#include "engine/history/handlers.h"

namespace wfe::history {
namespace {

/// What the engine says to itself is harmless to a closed run, and whoever asks a run to end is content that it has
/// ended (WIRE-F6); everything else that others ask of it is refused.
template <class T>
constexpr bool kIgnoredWhenClosed = std::is_same_v<T, Tick> || std::is_same_v<T, Recovered> ||
                                    std::is_same_v<T, StickyCleared> || std::is_same_v<T, CancelRequested> ||
                                    std::is_same_v<T, ObligationAnswered> || std::is_same_v<T, ChildEnded>;

}  // namespace

Result<Transition> Decide(MutableState&& state, const Input& input, Instant now, const Limits& limits) {
  return std::visit(
      [&]<class T>(const T& concrete) -> Result<Transition> {
        if (!state.IsOpen()) {
          if constexpr (kIgnoredWhenClosed<T>) return Finish(Builder(state, now, limits));
          return NotFound("workflow execution already completed: " + state.Key().ToString());  // S16
        }
        return On(Builder(state, now, limits), concrete);
      },
      input);
}

bool NeedsFirstEvent(const MutableState& state, const Input& input, Instant now) {
  if (!state.IsOpen() || !state.folded().has_retry_policy()) return false;
  if (std::holds_alternative<Tick>(input)) {
    const std::optional<Instant> deadline = RunDeadline(state);
    return deadline.has_value() && *deadline <= now;
  }
  const auto* completed = std::get_if<WorkflowTaskCompleted>(&input);
  if (completed == nullptr) return false;
  const auto& commands = completed->request.commands();
  return std::any_of(commands.begin(), commands.end(), [](const command::Command& command) {
    return command.command_type() == enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION;
  });
}

}  // namespace wfe::history
