#include "workers/host/run_worker.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "engine/base/printable.h"
#include "workers/client/grpc_client.h"
#include "workers/core/history_json.h"
#include "workers/core/replayer.h"
#include "workers/host/process_name.h"
#include "workers/host/program_options.h"
#include "workers/host/shutdown_signal.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker_arguments.h"
#include "workers/host/worker_group.h"

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

void SayInLog(LogLevel level, std::string_view message) {
  Say((level == LogLevel::kInfo ? "" : "warning: ") + std::string(message));
}

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
  WorkerGroup group(client::NewGrpcClient({.address = arguments->address,
                                           .ns = arguments->ns,
                                           .api_key = arguments->api_key,
                                           .call_stream = true}),
                    SayInLog);
  ThreadPoolActivityExecutor executor(program.max_concurrent_activities);
  WorkerOptions options = OptionsOf(program, arguments->ns, ProcessName(name));
  options.task_queue = arguments->task_queue;
  group.Add(executor, workflows, activities, std::move(options));
  signal.Wait();
  Say("draining: waiting for running activities; a second signal stops at once");
  group.Drain();
  group.StopAll();  // what still runs reports to nobody and is waited for
  return kOk;
}

}  // namespace wfe::worker
