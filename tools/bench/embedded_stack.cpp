#include "tools/bench/embedded_stack.h"

#include "tools/bench/workload.h"

namespace wfe::bench {

Result<std::unique_ptr<EmbeddedStack>> EmbeddedStack::Start(const std::string& directory) {
  auto stack = std::unique_ptr<EmbeddedStack>(new EmbeddedStack);
  WFE_ASSIGN_OR_RETURN(stack->engine_, local::LocalEngine::Open({.data_dir = directory}));
  const embedded::DirectWay way = embedded::WayInto(*stack->engine_);
  stack->client_ = std::make_unique<embedded::DirectClient>(way);
  RegisterWorkload(stack->workflows_, stack->activities_);
  stack->worker_ = std::make_unique<worker::WorkerGroup>(std::make_unique<embedded::DirectClient>(way),
                                                         [](worker::LogLevel, std::string_view) {});
  stack->executor_ = std::make_unique<worker::ThreadPoolActivityExecutor>(2);
  stack->worker_->Add(*stack->executor_, stack->workflows_, stack->activities_, WorkloadOptions(kBenchQueue));
  return stack;
}

EmbeddedStack::~EmbeddedStack() {
  if (worker_) {
    worker_->Drain();
    worker_->StopAll();
  }
  executor_.reset();
  worker_.reset();
  client_.reset();
}

}  // namespace wfe::bench
