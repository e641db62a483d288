#include "engine/history/decide.h"

#include <type_traits>
#include <utility>

#include "engine/history/handlers.h"

namespace wfe::history {
namespace {

/// What the engine says to itself is harmless to a closed run, and whoever asks a run to end is content that it has
/// ended (WIRE-F6); everything else that others ask of it is refused.
template <class T>
constexpr bool kIgnoredWhenClosed = std::is_same_v<T, Tick> || std::is_same_v<T, Recovered> ||
                                    std::is_same_v<T, StickyCleared> || std::is_same_v<T, CancelRequested>;

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

}  // namespace wfe::history
