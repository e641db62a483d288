// wfe server, wfe worker
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "engine/base/line_log.h"
#include "engine/host/server.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/worker_process.h"
#include "workers/host/shutdown_signal.h"

namespace wfe::cli {
namespace {

using namespace std::chrono_literals;

struct ServerFlags {
  std::string data;
  std::string listen;
  std::string accept_data_loss;
  bool records_only = false;
  bool insecure = false;
};

/// By what failed; the error's code alone does not tell a store that is not there from an address that is not.
int ServerExitCode(host::StartStep step, const Error& error) {
  switch (step) {
    case host::StartStep::kOptions:
      return kExitUsage;
    case host::StartStep::kStore:
      return error.code == StatusCode::kResourceExhausted ? kExitDiskRefused : kExitStore;
    case host::StartStep::kAddress:
      return kExitAddressInUse;
  }
  return kExitFailed;
}

/// The limits that hold, on one line.
std::string LimitsText(const nlohmann::ordered_json& limits) {
  std::string text;
  for (const auto& [name, value] : limits.items()) text += (text.empty() ? "" : ", ") + name + " " + value.dump();
  return text;
}

LogLevel LevelOf(std::string_view name) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning}) {
    if (LogLevelName(level) == name) return level;
  }
  return LogLevel::kError;
}

Result<int> Serve(Globals& globals, const ServerFlags& flags) {
  worker::ShutdownSignal signal;
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  host::ServerOptions options;
  options.data_dir = flags.data.empty() ? config->server.data_dir : flags.data;
  options.listen = flags.listen.empty() ? config->server.listen : flags.listen;
  options.shards = static_cast<int>(config->server.shards);
  options.threads = static_cast<int>(config->server.threads);
  options.limits = config->limits;
  options.records_only = flags.records_only;
  options.accept_data_loss = flags.accept_data_loss;
  options.insecure = flags.insecure;
  const SystemClock clock;
  LineLog log(config->server.log_format == "json" ? LineLog::Format::kJson : LineLog::Format::kText,
              LevelOf(config->server.log_level), clock, WriteToStandardError);
  options.log = &log;
  options.check_derived_every = std::chrono::seconds(config->server.check_derived_s);
  umask(S_IRWXG | S_IRWXO);  // what is stored is for this user alone
  host::StartStep step = {};
  const auto started = host::Server::Start(options, &step);
  if (!started) {
    std::ignore = Fail(started.error(), globals.format);
    return ServerExitCode(step, started.error());
  }
  PrintEvent(fmt::format("wfe {} listens on {}, data in {}", WFE_VERSION, (*started)->address(), options.data_dir),
             {{"event", "serving"}, {"address", (*started)->address()}, {"data", options.data_dir}}, globals.format);
  const auto limits = ToJson(*config)["limits"];
  PrintEvent("limits: " + LimitsText(limits), {{"event", "limits"}, {"limits", limits}}, globals.format);
  signal.Wait();
  PrintEvent("stopping", {{"event", "stopping"}}, globals.format);
  (*started)->Stop(2s);
  return kExitOk;
}

struct WorkerFlags {
  std::vector<std::string> queues;
  std::vector<std::string> types;
  std::vector<std::string> allow;
  std::string work_root;
  std::string records;
};

Result<int> Work(Globals& globals, const WorkerFlags& flags) {
  worker::ShutdownSignal signal;
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WorkerProcessOptions options;
  options.config = *config;
  options.address = globals.Address();
  options.ns = globals.Namespace();
  options.records_address = flags.records;
  if (!flags.queues.empty()) options.config.worker.queues = flags.queues;
  if (!flags.work_root.empty()) options.config.worker.work_root = flags.work_root;
  std::vector<std::string>& allowed = options.config.worker.allowed_roots;
  allowed.insert(allowed.end(), flags.allow.begin(), flags.allow.end());
  options.types = flags.types;
  options.log = [format = globals.format](const std::string& line) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    PrintEvent(line, {{"event", "log"}, {"message", line}}, format);
  };
  if (geteuid() == 0) {
    options.log(
        "this worker runs as root: so do the checks and agents of every build, and whoever reaches the server can start "
        "one; a user of its own is safer");
  }
  WFE_ASSIGN_OR_RETURN(const auto worker, WorkerProcess::Start(options));
  signal.Wait();
  options.log("draining: waiting for running activities; a second signal stops at once");
  worker->Drain();
  return kExitOk;
}

}  // namespace

void AddServerCommands(CLI::App& app, Globals& globals) {
  auto server = std::make_shared<ServerFlags>();
  CLI::App& serve = *app.add_subcommand("server", "Run the engine on a store directory");
  AddCommonOptions(serve, globals);
  serve.add_option("--data", server->data, "Store directory (default: ./wfe-data); made when missing");
  serve.add_option("--listen", server->listen, "HOST:PORT (default: 127.0.0.1:7233); port 0 takes a free one; unix:PATH for this user alone");
  serve.add_flag("--records-only", server->records_only,
                 "Serve blobs and rows only, for workers attached to a Temporal cluster");
  serve.add_option("--accept-data-loss", server->accept_data_loss,
                   "Go on although the store ends at this commit; the refused start names the number");
  serve.add_flag("--insecure", server->insecure, "Listen in plain text on an address that is not loopback");
  serve.footer(
      "Examples:\n  wfe server\n  wfe server --data /var/lib/wfe --listen 127.0.0.1:7234\n"
      "  wfe server --listen unix:$HOME/wfe.sock     (clients: --address unix:$HOME/wfe.sock)\n\n"
      "SIGTERM stops it in order; killed at any instant it goes on from its last commit.\n"
      "Exit codes: 2 bad option or too few open files allowed, 13 store in use or damaged, 14 address in use, 74 the disk refused a write.");
  serve.callback([&globals, server] { globals.Run([&] { return Serve(globals, *server); }); });

  auto worker = std::make_shared<WorkerFlags>();
  CLI::App& work = *app.add_subcommand("worker", "Run workflows and activities of a task queue");
  AddClientOptions(work, globals);
  work.add_option("-q,--queue", worker->queues, "Task queue; may be repeated (default: wfe)");
  work.add_option("--types", worker->types, "Serve only these workflow types")->delimiter(',');
  work.add_option("--work-root", worker->work_root, "Directory for builds, journals and caches (default: ./wfe-work)");
  work.add_option("--allow", worker->allow,
                  "Directory that builds and audits may use besides the work root; may be repeated");
  work.add_option("--records", worker->records, "HOST:PORT of the records service (default: the server itself)");
  work.footer(
      "Examples:\n  wfe worker --queue wfe --work-root /var/lib/wfe-work\n  wfe worker --allow ~/projects\n\n"
      "Activities touch the work root and the directories given by --allow (or worker.allowed_roots), nothing else.\n"
      "The model's key is read from GEMINI_API_KEY. SIGTERM drains: running activities may end, a second one stops at "
      "once.");
  work.callback([&globals, worker] { globals.Run([&] { return Work(globals, *worker); }); });
}

}  // namespace wfe::cli
