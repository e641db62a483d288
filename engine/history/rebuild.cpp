#include "engine/history/rebuild.h"

#include <map>

#include "engine/history/decide.h"
#include "engine/history/note_codec.h"
#include "engine/history/state_codec.h"

namespace wfe::history {

Result<std::optional<engine::v1::MutableState>> Rebuild(const ExecutionKey& key, const std::vector<StoredStep>& steps,
                                                        int64_t last) {
  using Unknown = std::optional<engine::v1::MutableState>;
  struct Step {
    const std::vector<HistoryEvent>* events;
    std::vector<PlacedNote> notes;
  };
  std::map<int64_t, Step> ordered;
  for (const StoredStep& step : steps) {
    if (step.notes.empty()) return Unknown();
    WFE_ASSIGN_OR_RETURN(StoredTransition transition, DecodeNotes(step.notes));
    const int64_t number = transition.number;
    if (!ordered.emplace(number, Step{&step.events, std::move(transition.notes)}).second) {
      return DataLoss("transition " + std::to_string(number) + " is stored twice");
    }
  }
  if (static_cast<int64_t>(ordered.size()) != last || ordered.empty() || ordered.begin()->first != 1 ||
      ordered.rbegin()->first != last) {
    return Unknown();
  }
  MutableState state = NewRun(key);
  for (const auto& [number, step] : ordered) {
    const Status replayed = Replay(state, *step.events, step.notes);
    if (!replayed) {
      return DataLoss("transition " + std::to_string(number) + " does not follow: " + replayed.error().message);
    }
  }
  engine::v1::MutableState rebuilt = ToCheckpoint(state);
  rebuilt.set_transition(last);
  return std::optional(std::move(rebuilt));
}

}  // namespace wfe::history
