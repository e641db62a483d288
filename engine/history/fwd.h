// Names of engine/history for headers that only pass them on.
#pragma once

namespace wfe::history {

class MutableState;
struct Limits;
struct StartInput;
struct StartedWorkflowTask;
struct Transition;

}  // namespace wfe::history
