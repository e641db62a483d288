#include "engine/history/note.h"

namespace wfe::history {

bool IsVolatile(const Note& note) {
  return std::holds_alternative<note::WorkflowTaskTaken>(note) || std::holds_alternative<note::WorkflowTaskLost>(note);
}

}  // namespace wfe::history
