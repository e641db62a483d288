#include "tests/workers/child_scenarios.h"

#include <map>
#include <memory>
#include <string>

#include "workers/sdk/workflow.h"

namespace wfe::testing {

using namespace sdk;  // NOLINT: workflow code reads as its authors write it
using nlohmann::json;

namespace {

constexpr WorkflowType<json, json> kKid{"kid"};

std::chrono::milliseconds Millis(const json& step) { return std::chrono::milliseconds(step.value("ms", 0)); }

// ---- The child ----------------------------------------------------------------------------------------------------

/// Goes on for a while after it was asked to cancel, and ends well or as cancelled.
Task<json> AskedToCancel(WorkflowContext& ctx, json input) {
  bool cancelled = false;
  try {
    co_await ctx.Sleep(std::chrono::hours(1));
  } catch (const CancelledFailure&) {
    cancelled = true;
  }
  ShieldScope shield(ctx);
  co_await ctx.Sleep(Millis(input));
  if (cancelled && input["do"] != "stubborn") throw CancelledFailure("as asked", {{"by", "parent"}});
  json result = "stubborn";
  co_return result;
}

Task<json> Kid(WorkflowContext& ctx, json input) {
  const std::string what = input["do"];
  json result = input.value("value", json(nullptr));
  if (what == "fail") throw WorkflowFailure({.message = "as planned", .type = "PLANNED", .details = result});
  if (what == "sleep") co_await ctx.Sleep(Millis(input));
  if (what == "slow" || what == "stubborn") {
    Task<json> asked = AskedToCancel(ctx, input);
    result = co_await asked;
  }
  if (what == "wait") {
    SignalChannel<json> go = ctx.Signals<json>("go");
    result = co_await go.Receive();
  }
  if (what == "continue") {
    input["do"] = input["then"];
    ctx.ContinueAsNew(input);
  }
  co_return result;
}

// ---- The parent ---------------------------------------------------------------------------------------------------

using Children = std::map<std::string, ChildHandle<json>>;

ChildHandle<json> Start(WorkflowContext& ctx, const json& step) {
  const std::string id = step.value("id", "");
  ChildOptions options;
  options.workflow_id = id;
  options.parent_close = static_cast<ParentClosePolicy>(step.value("close", 0));
  options.cancellation = static_cast<ChildCancellationType>(step.value("cancellation", 0));
  options.id_reuse = static_cast<WorkflowIdReusePolicy>(step.value("reuse", 0));
  options.run_timeout = std::chrono::milliseconds(step.value("run_timeout_ms", 0));
  options.retry.maximum_attempts = step.value("attempts", 0);
  options.retry.initial_interval = std::chrono::milliseconds(step.value("retry_ms", 0));
  const json memo = step.value("memo", json::object());
  if (!memo.empty()) options.memo = &memo;
  return ctx.StartChild(kKid, step, options);
}

Task<json> ResultOf(ChildHandle<json> child) {
  json seen;
  try {
    json result = co_await child.Result();
    seen = {"result", result};
  } catch (const CancelledFailure& cancelled) {
    seen = {"cancelled", cancelled.details()};
  } catch (const ChildStartFailure& failure) {
    seen = {"not started", failure.type()};
  } catch (const ChildWorkflowFailure& failure) {
    seen = {failure.cancelled()    ? "child cancelled"
            : failure.timed_out()  ? "timed out"
            : failure.terminated() ? "terminated"
                                   : "failed",
            failure.type()};
  }
  co_return seen;
}

Task<json> StartOf(ChildHandle<json> child) {
  json seen;
  try {
    co_await child.Started();
    seen = "started";
  } catch (const CancelledFailure&) {
    seen = "start cancelled";
  } catch (const ChildStartFailure& failure) {
    seen = {"start failed", failure.already_started()};
  }
  co_return seen;
}

Task<json> Answer(Future<void> request) {
  json seen;
  try {
    co_await request;
    seen = "reached";
  } catch (const ExternalWorkflowFailure& failure) {
    seen = failure.type();
  } catch (const CancelledFailure&) {
    seen = "withdrawn";
  } catch (const ChildStartFailure& failure) {
    seen = {"start failed", failure.already_started()};
  }
  co_return seen;
}

Task<json> Sleeps(WorkflowContext& ctx, Duration duration) {
  json seen = "slept";
  try {
    co_await ctx.Sleep(duration);
  } catch (const CancelledFailure&) {
    seen = "woken by cancel";
  }
  co_return seen;
}

void End(const json& step) {
  const std::string op = step["op"];
  if (op == "fail") throw WorkflowFailure("as planned", "PLANNED");
  if (op == "cancel_self") throw CancelledFailure("as planned");
}

Task<json> Do(WorkflowContext& ctx, std::shared_ptr<Children> children, json step) {
  const std::string op = step["op"];
  const std::string name = step.value("child", "");
  const json value = step.value("value", json(nullptr));
  json seen = op;
  if (op == "start") children->insert_or_assign(name, Start(ctx, step));
  if (op == "cancel") children->at(name).Cancel();
  if (op == "started") {
    Task<json> start = StartOf(children->at(name));
    seen = co_await start;
  }
  if (op == "result") {
    Task<json> result = ResultOf(children->at(name));
    seen = co_await result;
  }
  if (op == "rethrow") {
    const ChildHandle<json>& child = children->at(name);
    seen = co_await child.Result();
  }
  if (op == "signal") {
    Task<json> answer = Answer(children->at(name).Signal("go", value));
    seen = co_await answer;
  }
  if (op == "external_signal") {
    Task<json> answer = Answer(ctx.External(step["id"].get<std::string>()).Signal("go", value));
    seen = co_await answer;
  }
  if (op == "external_cancel") {
    Task<json> answer = Answer(ctx.External(step["id"].get<std::string>()).Cancel("as planned"));
    seen = co_await answer;
  }
  if (op == "sleep") {
    Task<json> sleep = Sleeps(ctx, Millis(step));
    seen = co_await sleep;
  }
  End(step);
  co_return seen;
}

Task<json> Parent(WorkflowContext& ctx, json input) {
  auto children = std::make_shared<Children>();
  json seen = json::array();
  for (const json& step : input["steps"]) {
    Task<json> done = Do(ctx, children, step);
    json word = co_await done;
    if (word != "start") seen.push_back(std::move(word));
  }
  co_return seen;
}

}  // namespace

void RegisterChildScenarios(WorkflowRegistry& registry) {
  registry.Register(kKid, &Kid);
  registry.Register("parent", &Parent);
}

}  // namespace wfe::testing
