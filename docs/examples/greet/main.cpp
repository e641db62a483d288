// One workflow, one activity, and the worker that serves them.
#include "workers/host/run_worker.h"
#include "workers/sdk/workflow.h"

using namespace std::chrono_literals;
using namespace wfe::sdk;

struct ComposeInput {
  std::string name;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ComposeInput, name)

inline constexpr ActivityType<ComposeInput, std::string> kCompose{"compose"};

ActivityResult<std::string> Compose(ActivityContext&, const ComposeInput& input) {
  if (input.name.empty()) {
    return ApplicationFailure{.message = "nobody to greet", .type = "NO_NAME", .non_retryable = true};
  }
  return "Hello, " + input.name;
}

Task<std::string> Greet(WorkflowContext& ctx, std::string name) {
  ComposeInput input{.name = name};
  std::string greeting = co_await ctx.Activity(kCompose, input, {.start_to_close = 10s});
  co_await ctx.Sleep(100ms);  // durable: survives any restart
  co_return greeting;
}

int main(int argc, char** argv) {
  WorkflowRegistry workflows;
  workflows.Register("Greet", &Greet);
  ActivityRegistry activities;
  activities.Register(kCompose, &Compose);
  return wfe::worker::RunWorker(argc, argv, workflows, activities, {.task_queue = "greet"});
}
