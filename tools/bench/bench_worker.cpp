// The worker process of the benchmark.
#include <signal.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/workload.h"
#include "workers/client/grpc_client.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker_group.h"

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
  worker::WorkerGroup group(
      client::NewGrpcClient({.address = address, .call_stream = transport == Transport::kStream}),
      [](worker::LogLevel, std::string_view) {});
  worker::ThreadPoolActivityExecutor executor(2);
  group.Add(executor, workflows, activities, WorkloadOptions(queue));
  int received = 0;
  sigwait(&signals, &received);
  group.Drain();
  group.StopAll();
  return 0;
}

}  // namespace wfe::bench
