#include "tests/simulation/program_neighbours.h"

#include <string>
#include <vector>

namespace wfe::simulation {

using namespace std::chrono_literals;
using namespace sdk;  // NOLINT: workflow code reads as its authors write it
using nlohmann::json;

namespace {

constexpr WorkflowType<json, json> kChildProgram{kProgramWorkflow};
constexpr int64_t kWrong = -1'000'000;

// ---- Making steps -------------------------------------------------------------------------------------------------

/// What the child runs, and what it gives.
Program ChildProgram(Random& random, int signals) {
  ProgramShape shape;
  shape.operations = static_cast<int>(random.Between(0, 3));
  shape.signals = signals;
  shape.continues = random.Chance(0.3);
  return RandomProgram(random, shape);
}

json ChildStep(Random& random, const char* op, Program program, const char* end) {
  program.input["end"] = end;
  return {{"op", op},
          {"input", std::move(program.input)},
          {"close", random.Below(3)},
          {"cancellation", random.Below(4)},
          {"ms", random.Chance(0.3) ? int64_t{0} : random.Between(1, 5000)}};
}

json RandomStep(Random& random, int64_t& sum) {
  switch (random.Below(8)) {
    case 0:
    case 1: {  // its value is added
      Program program = ChildProgram(random, 0);
      sum += program.value;
      return ChildStep(random, "child", std::move(program), "complete");
    }
    case 2: {  // signalled so often, by its handle or as a stranger
      const int64_t count = random.Between(1, 4);
      Program program = ChildProgram(random, static_cast<int>(count));
      json values = json::array();
      // Request ids are known per run: a repeated delivery that meets the next run of the chain is a new signal to it.
      const bool once = !program.continues;
      sum += program.value;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t value = random.Between(1, 99);
        sum += value;
        values.push_back(value);
      }
      json step = ChildStep(random, "child_signalled", std::move(program), "complete");
      step["values"] = std::move(values);
      step["once"] = once;
      step["external"] = random.Chance(0.5);
      return step;
    }
    case 3:  // fails, or is repeated until it does not
    {
      sum += 1;
      json step = ChildStep(random, "child_failing", ChildProgram(random, 0), "fail");
      step["attempts"] = random.Between(1, 3);
      return step;
    }
    case 4:  // cancelled by its parent
      sum += 1;
      return ChildStep(random, "child_cancelled", ChildProgram(random, 0), "cancel");
    case 5:  // cancelled as a stranger would
      sum += 1;
      return ChildStep(random, "child_cancelled_by_id", ChildProgram(random, 0), "cancel");
    case 6: {  // left behind
      sum += 1;
      json step = ChildStep(random, "child_left", ChildProgram(random, 0), random.Chance(0.7) ? "complete" : "cancel");
      step["again"] = random.Chance(0.3);
      return step;
    }
    default:
      sum += 1;
      return {{"op", "nobody"}, {"cancel", random.Chance(0.5)}};
  }
}

// ---- Running them -------------------------------------------------------------------------------------------------

ChildHandle<json> Start(WorkflowContext& ctx, const json& step, std::string_view id = {}) {
  ChildOptions options;
  options.workflow_id = id;
  options.parent_close = static_cast<ParentClosePolicy>(step["close"].get<int>());
  options.cancellation = static_cast<ChildCancellationType>(step["cancellation"].get<int>());
  if (step.contains("attempts")) {
    options.retry.maximum_attempts = step["attempts"].get<int>();
    options.retry.initial_interval = 200ms;
  }
  return ctx.StartChild(kChildProgram, step["input"], options);
}

Task<int64_t> ValueOf(ChildHandle<json> child) {
  json result = co_await child.Result();
  co_return result["value"].get<int64_t>();
}

Task<int64_t> Signalled(WorkflowContext& ctx, const json* step) {
  ChildHandle<json> child = Start(ctx, *step);
  std::vector<Future<void>> sent;
  if ((*step)["external"].get<bool>()) co_await child.Started();
  int64_t number = 0;
  for (const json& value : (*step)["values"]) {
    json signal = {{"number", number++}, {"value", value}};
    if ((*step)["once"].get<bool>()) signal["once"] = true;
    if ((*step)["external"].get<bool>()) {
      sent.push_back(ctx.External(child.workflow_id()).Signal(kSignalName, signal));
    } else {
      sent.push_back(child.Signal(kSignalName, signal));
    }
  }
  Future<void> all = All(sent);
  co_await all;
  co_return co_await ValueOf(child);
}

Task<int64_t> Failing(WorkflowContext& ctx, const json* step) {
  ChildHandle<json> child = Start(ctx, *step);
  int64_t result = kWrong;
  try {
    co_await child.Result();
  } catch (const ChildWorkflowFailure& failure) {
    if (failure.type() == "PLANNED") result = 1;
  }
  co_return result;
}

Task<int64_t> CancelledByParent(WorkflowContext& ctx, const json* step) {
  ChildHandle<json> child = Start(ctx, *step);
  const std::chrono::milliseconds wait((*step)["ms"].get<int64_t>());
  if (wait > 0ms) co_await ctx.Sleep(wait);
  child.Cancel();
  int64_t result = kWrong;
  try {
    co_await child.Result();
  } catch (const CancelledFailure&) {
    result = 1;
  }
  co_return result;
}

Task<int64_t> CancelledById(WorkflowContext& ctx, const json* step) {
  ChildHandle<json> child = Start(ctx, *step);
  co_await child.Started();
  ExternalWorkflow stranger = ctx.External(child.workflow_id());
  co_await stranger.Cancel("planned");
  int64_t result = kWrong;
  try {
    co_await child.Result();
  } catch (const ChildWorkflowFailure& failure) {
    if (failure.cancelled()) result = 1;
  } catch (const CancelledFailure&) {  // the parent was cancelled, too
    result = 1;
  }
  co_return result;
}

Task<int64_t> Left(WorkflowContext& ctx, const json* step) {
  ChildHandle<json> child = Start(ctx, *step);
  co_await child.Started();
  int64_t result = 1;
  if ((*step)["again"].get<bool>()) {
    json late = *step;
    late["input"]["end"] = "complete";
    ChildHandle<json> second = Start(ctx, late, child.workflow_id());
    try {
      co_await second.Started();
    } catch (const ChildStartFailure& failure) {
      if (!failure.already_started()) result = kWrong;
    }
  }
  co_return result;
}

Task<int64_t> Nobody(WorkflowContext& ctx, const json* step) {
  ExternalWorkflow nobody = ctx.External("nobody");
  int64_t result = kWrong;
  try {
    if ((*step)["cancel"].get<bool>()) {
      co_await nobody.Cancel();
    } else {
      co_await nobody.Signal(kSignalName);
    }
  } catch (const ExternalWorkflowFailure& failure) {
    if (failure.reason() == ExternalWorkflowFailure::Reason::kNotFound) result = 1;
  }
  co_return result;
}

}  // namespace

void AddNeighbourSteps(Program& program, Random& random) {
  json& ops = program.input["ops"];
  const int64_t count = random.Between(1, 3);
  for (int64_t i = 0; i < count; ++i) {
    json step = RandomStep(random, program.value);
    if (random.Chance(0.3)) {  // beside another one
      json both = json::array({json::array({std::move(step)}), json::array({RandomStep(random, program.value)})});
      step = {{"op", "all"}, {"branches", std::move(both)}};
    }
    ops.insert(ops.begin() + static_cast<int64_t>(random.Below(ops.size() + 1)), std::move(step));
  }
}

Task<int64_t> RunNeighbourStep(WorkflowContext& ctx, const json* step) {
  const std::string name = (*step)["op"];
  if (name == "child") {
    ChildHandle<json> child = Start(ctx, *step);
    co_return co_await ValueOf(child);
  }
  if (name == "child_signalled") co_return co_await Signalled(ctx, step);
  if (name == "child_failing") co_return co_await Failing(ctx, step);
  if (name == "child_cancelled") co_return co_await CancelledByParent(ctx, step);
  if (name == "child_cancelled_by_id") co_return co_await CancelledById(ctx, step);
  if (name == "child_left") co_return co_await Left(ctx, step);
  if (name == "nobody") co_return co_await Nobody(ctx, step);
  co_return 0;
}

}  // namespace wfe::simulation
