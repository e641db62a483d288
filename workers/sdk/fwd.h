// Forward declarations of the workflow SDK.
#pragma once

namespace wfe::sdk {

class WorkflowContext;
class WorkflowRegistry;
class WorkflowInstance;
class WorkflowRuntime;
class CancellationScope;
class ShieldScope;
class ExternalWorkflow;
struct ActivityOptions;
struct ChildOptions;
struct WorkflowInfo;

template <class T>
class Task;
template <class T>
class Future;
template <class T>
class SignalChannel;
template <class T>
class ChildHandle;

namespace detail {
class PromiseBase;
class Scheduler;
class ScopeState;
class FutureStateBase;
class WorkflowState;
}  // namespace detail

}  // namespace wfe::sdk
