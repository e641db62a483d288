// The workflows a worker serves.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/parse_json.h"
#include "workers/sdk/activity.h"
#include "workers/sdk/failure.h"
#include "workers/sdk/task.h"
#include "workers/sdk/workflow_context.h"
#include "workers/sdk/workflow_type.h"

namespace wfe::sdk {

/// A workflow with its types erased.
using WorkflowFunction = std::function<Task<nlohmann::json>(WorkflowContext&, nlohmann::json)>;

namespace detail {

/// An input that the workflow cannot take fails the run with a sentence: no later attempt of the task could do better.
template <class Input>
Input ReadWorkflowInput(const WorkflowContext& ctx, const nlohmann::json& json) {
  try {
    return json.get<Input>();
  } catch (const nlohmann::json::exception& e) {
    throw WorkflowFailure("the input of " + ctx.info().workflow_type + " is not what it takes: " + JsonErrorText(e),
                          "INVALID_INPUT", /*non_retryable=*/true);
  }
}

template <class Output, class Input>
Task<nlohmann::json> RunTyped(WorkflowContext& ctx, nlohmann::json json,
                              Task<Output> (*function)(WorkflowContext&, Input)) {
  Input input = ReadWorkflowInput<Input>(ctx, json);
  Task<Output> task = function(ctx, std::move(input));
  if constexpr (std::is_void_v<Output>) {
    co_await task;
    co_return nlohmann::json(nullptr);
  } else {
    Output output = co_await task;
    nlohmann::json result = output;
    co_return result;
  }
}

}  // namespace detail

/// Filled before the worker starts, read-only afterwards; then any thread may use it.
class WorkflowRegistry {
 public:
  /// `function` is a plain function, or a lambda without captures behind a unary plus.  Its input is by value.
  template <class Output, class Input>
  void Register(std::string name, Task<Output> (*function)(WorkflowContext&, Input)) {
    static_assert(!std::is_reference_v<Input>, "a coroutine takes its input by value: a reference would dangle");
    RegisterErased(std::move(name), [function](WorkflowContext& ctx, nlohmann::json input) {
      return detail::RunTyped<Output, Input>(ctx, std::move(input), function);
    });
  }
  /// A workflow without input.
  template <class Output>
  void Register(std::string name, Task<Output> (*function)(WorkflowContext&)) {
    RegisterErased(std::move(name),
                   [function](WorkflowContext& ctx, nlohmann::json) { return RunPlain<Output>(ctx, function); });
  }
  /// The same under a declared name, whose types the function must have.
  template <class Output, class Input>
  void Register(WorkflowType<Input, Output> type, std::type_identity_t<Task<Output> (*)(WorkflowContext&, Input)> function) {
    Register(std::string(type.name), function);
  }
  template <class Output>
  void Register(WorkflowType<Nothing, Output> type, std::type_identity_t<Task<Output> (*)(WorkflowContext&)> function) {
    Register(std::string(type.name), function);
  }
  /// The last registration of a name counts.
  void RegisterErased(std::string name, WorkflowFunction function) {
    functions_.insert_or_assign(std::move(name), std::move(function));
  }
  /// nullptr when the name is unknown.
  const WorkflowFunction* Find(const std::string& name) const {
    const auto found = functions_.find(name);
    return found == functions_.end() ? nullptr : &found->second;
  }
  bool empty() const { return functions_.empty(); }
  /// Sorted.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, function] : functions_) names.push_back(name);
    return names;
  }

 private:
  template <class Output>
  static Task<nlohmann::json> RunPlain(WorkflowContext& ctx, Task<Output> (*function)(WorkflowContext&)) {
    Task<Output> task = function(ctx);
    if constexpr (std::is_void_v<Output>) {
      co_await task;
      co_return nlohmann::json(nullptr);
    } else {
      Output output = co_await task;
      nlohmann::json result = output;
      co_return result;
    }
  }

  std::map<std::string, WorkflowFunction> functions_;
};

}  // namespace wfe::sdk
