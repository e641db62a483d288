// Names of engine/history for headers that only pass them on.
#pragma once

namespace wfe::history {

struct Limits;
struct MutableState;
struct StartInput;
struct StartedWorkflowTask;
struct Transition;

}  // namespace wfe::history
