#include "workers/host/run_worker.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <vector>

#include "engine/base/id_source.h"
#include "engine/base/printable.h"
#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "workers/client/grpc_client.h"
#include "workers/core/history_json.h"
#include "workers/core/replayer.h"
#include "workers/host/shutdown_signal.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker.h"
#include "workers/host/worker_arguments.h"

namespace wfe::worker {
namespace {

// docs/cli.md has the same numbers for wfe itself.
constexpr int kOk = 0;
constexpr int kUsage = 2;
constexpr int kNotFound = 4;
constexpr int kProblemsFound = 12;

/// One line to standard error, in one write.
void Say(const std::string& line) {
  const std::string text = PrintableLine(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string Identity(const std::string& name) {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return name + "@" + std::string(host) + ":" + std::to_string(getpid());
}

/// The threads of a worker process and the worker on them; `wfe worker` is made the same way.
class Process {
 public:
  Process(const WorkerArguments& arguments, const std::string& name, const sdk::WorkflowRegistry& workflows,
          const sdk::ActivityRegistry& activities, const WorkerProgram& program)
      : client_(client::NewGrpcClient(
            {.address = arguments.address, .ns = arguments.ns, .api_key = arguments.api_key, .call_stream = true})),
        executor_(std::make_unique<ThreadPoolActivityExecutor>(program.max_concurrent_activities)) {
    WorkerOptions options;
    options.ns = arguments.ns;
    options.task_queue = arguments.task_queue;
    options.identity = Identity(name);
    options.build_id = program.build_id;
    options.max_cached_workflows = program.max_cached_workflows;
    options.max_concurrent_activities = program.max_concurrent_activities;
    options.drain_timeout = program.drain_timeout;
    const Environment environment{.client = *client_,
                                  .strand = strand_,
                                  .timers = loop_,
                                  .clock = clock_,
                                  .ids = ids_,
                                  .log =
                                      [](LogLevel level, std::string_view message) {
                                        Say((level == LogLevel::kInfo ? "" : "warning: ") + std::string(message));
                                      },
                                  .workflow_code = &workflow_code_};
    OnStrand([&] {
      worker_ = std::make_unique<Worker>(environment, *executor_, workflows, activities, options);
      worker_->Start();
    });
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  ~Process() {
    OnStrand([this] { worker_.reset(); });
    executor_.reset();
    client_.reset();  // ends the calls whose answers would go to the strand
    workflow_code_.Close();
    strand_.Close();
  }

  void Drain() {
    std::promise<void> drained;
    strand_.Post([&] { worker_->Shutdown([&] { drained.set_value(); }); });
    drained.get_future().wait();
  }

 private:
  template <class F>
  void OnStrand(F work) {
    std::promise<void> done;
    strand_.Post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  SystemClock clock_;
  SystemIdSource ids_;
  std::unique_ptr<client::ServiceClient> client_;
  // The loop goes before what it runs on is destroyed.
  ThreadLoop loop_;
  Strand strand_{loop_};
  ThreadLoop code_thread_;
  Strand workflow_code_{code_thread_, WorkLength::kMayBeLong};
  std::unique_ptr<ThreadPoolActivityExecutor> executor_;
  std::unique_ptr<Worker> worker_;  // used on strand_ only
};

int ReplayFiles(const std::vector<std::string>& files, const sdk::WorkflowRegistry& workflows) {
  int code = kOk;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad()) {
      Say("cannot read " + file);
      return kNotFound;
    }
    const auto history = core::HistoryFromJson(text);
    if (!history) {
      Say(file + ": " + history.error().message);
      return kUsage;
    }
    const core::ReplayReport report = core::Replay(*history, workflows);
    if (!report.deterministic()) code = kProblemsFound;
    const std::string line = PrintableLine(file + ": " + report.ToString());
    std::printf("%s\n", line.c_str());
  }
  return code;
}

}  // namespace

int RunWorker(int argc, const char* const* argv, const sdk::WorkflowRegistry& workflows,
              const sdk::ActivityRegistry& activities, const WorkerProgram& program) {
  std::string name = argc > 0 ? argv[0] : "worker";
  name.erase(0, name.rfind('/') + 1);
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const Result<WorkerArguments> arguments = ParseWorkerArguments(words, program.task_queue);
  if (!arguments) {
    Say(name + ": " + arguments.error().message);
    return kUsage;
  }
  if (arguments->command == WorkerArguments::Command::kHelp) {
    std::fputs(WorkerUsage(name, program.task_queue).c_str(), stdout);
    return kOk;
  }
  if (arguments->command == WorkerArguments::Command::kReplay) return ReplayFiles(arguments->histories, workflows);
  if (workflows.empty() && activities.empty()) {
    Say(name + ": there is nothing to serve: no workflow and no activity is registered");
    return kUsage;
  }
  ShutdownSignal signal;
  Process process(*arguments, name, workflows, activities, program);
  signal.Wait();
  Say("draining: waiting for running activities; a second signal stops at once");
  process.Drain();
  return kOk;
}

}  // namespace wfe::worker
