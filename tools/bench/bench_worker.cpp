// The worker process of the benchmark.
#include <signal.h>
#include <unistd.h>

#include <future>

#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "tools/bench/bench.h"
#include "tools/bench/workload.h"
#include "workers/client/grpc_client.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker.h"

namespace wfe::bench {

int RunBenchWorker(const std::string& address, const std::string& queue, Transport transport) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  sdk::WorkflowRegistry workflows;
  sdk::ActivityRegistry activities;
  RegisterWorkload(workflows, activities);
  auto client = client::NewGrpcClient({.address = address, .call_stream = transport == Transport::kStream});
  SystemClock clock;
  SystemIdSource ids;
  ThreadLoop loop;
  Strand strand(loop);
  ThreadLoop code_thread;  // as `wfe worker` has one
  Strand workflow_code(code_thread, WorkLength::kMayBeLong);
  worker::ThreadPoolActivityExecutor executor(2);
  worker::WorkerOptions options;
  options.task_queue = queue;
  options.identity = "bench-worker-" + std::to_string(getpid());
  options.max_cached_workflows = 20'000;
  // As many as the widest workflow has: with fewer, some of its activities would ride on an answer and others be polled
  // for, and 2,000 and 200 would measure two different ways.
  options.max_concurrent_activities = 2000;
  options.drain_timeout = std::chrono::seconds(1);
  std::unique_ptr<worker::Worker> worker;
  std::promise<void> stopped;
  strand.Post([&] {
    worker = std::make_unique<worker::Worker>(worker::Environment{.client = *client,
                                                                  .strand = strand,
                                                                  .timers = loop,
                                                                  .clock = clock,
                                                                  .ids = ids,
                                                                  .log = [](worker::LogLevel, std::string_view) {},
                                                                  .workflow_code = &workflow_code},
                                              executor, workflows, activities, options);
    worker->Start();
  });
  int received = 0;
  sigwait(&signals, &received);
  strand.Post([&] { worker->Shutdown([&] { stopped.set_value(); }); });
  stopped.get_future().wait();
  std::promise<void> gone;
  strand.Post([&] {
    worker.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  client.reset();
  workflow_code.Close();
  strand.Close();
  return 0;
}

}  // namespace wfe::bench
