// Forward declarations of the workflow machine.
#pragma once

namespace wfe::core {

struct Divergence;
struct TaskFailure;
struct HandlerOptions;
class CommandMachine;
class WorkflowMachine;
class WorkflowTaskHandler;

}  // namespace wfe::core
