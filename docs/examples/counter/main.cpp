// A workflow engine inside one program: kill it whenever you like, start it again, and it goes on counting.
#include <cstdio>

#include "workers/embedded/engine.h"
#include "workers/sdk/workflow.h"

using namespace std::chrono_literals;
using namespace wfe::sdk;

inline constexpr ActivityType<int, int> kSay{"say"};

ActivityResult<int> Say(ActivityContext&, const int& number) {
  std::printf("%d\n", number);
  std::fflush(stdout);
  return number;
}

Task<int> Count(WorkflowContext& ctx, int last) {
  int sum = 0;
  for (int i = 1; i <= last; ++i) {
    const int said = co_await ctx.Activity(kSay, i, {.start_to_close = 10s});
    sum += said;
    co_await ctx.Sleep(100ms);  // durable: survives the end of this program
  }
  co_return sum;
}

int main() {
  WorkflowRegistry workflows;
  workflows.Register("Count", &Count);
  ActivityRegistry activities;
  activities.Register(kSay, &Say);
  const auto sum = [&]() -> wfe::Result<int> {
    WFE_ASSIGN_OR_RETURN(const auto engine, wfe::embedded::Engine::Open({.data_dir = "counter-data"}));
    WFE_RETURN_IF_ERROR(engine->Serve(workflows, activities, {.task_queue = "count"}));
    const wfe::worker::StartOptions once{"to-20", "count", wfe::worker::IfStarted::kFindIt};
    WFE_ASSIGN_OR_RETURN(const auto run, engine->client().Start("Count", 20, once));
    return engine->client().Await<int>(run);
  }();
  std::printf("%s\n", sum ? ("the sum is " + std::to_string(*sum)).c_str() : sum.error().message.c_str());
  return sum ? 0 : 1;
}
