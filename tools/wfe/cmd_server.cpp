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

struct WorkerFlags {
  std::vector<std::string> queues;
  std::vector<std::string> types;
  std::vector<std::string> allow;
  std::string work_root;
  std::string records;
};

struct ServerFlags {
  std::string data;
  std::string listen;
  std::string http;
  std::string accept_data_loss;
  bool records_only = false;
  bool insecure = false;
  bool with_worker = false;
  WorkerFlags worker;
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

/// What the configuration and the flags say of a worker, but where its engine is.
WorkerProcessOptions WorkerOptionsOf(const Globals& globals, const Config& config, const WorkerFlags& flags) {
  WorkerProcessOptions options;
  options.config = config;
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
  return options;
}

/// Pages and JSON beside the engine.  A port that nobody chose may be taken, by another server for instance: this one
/// goes on without pages and says so.  One that somebody chose must be had.  nullptr: there are none.
Result<std::unique_ptr<Site>> StartSite(Globals& globals, const ServerFlags& flags, const Config& config,
                                        local::LocalEngine& engine, Log& log) {
  SiteOptions options;
  options.config = config;
  HttpConfig& http = options.config.http;
  const bool chosen = !flags.http.empty() || config.chosen.contains("http.listen");
  if (!flags.http.empty()) http.listen = flags.http;
  options.ns = globals.Namespace();
  options.insecure = flags.insecure;
  options.log = &log;
  if (!globals.site || http.listen == "off") return std::unique_ptr<Site>();
  Result<std::unique_ptr<Site>> site = globals.site(engine, options);
  if (!site && site.error().code == StatusCode::kUnavailable && !chosen) {
    log.Warning("http_not_served",
             "no pages and no JSON over HTTP: " + site.error().message +
                 "; --http HOST:PORT chooses another address, --http off none",
             {{"address", http.listen}});
    return std::unique_ptr<Site>();
  }
  if (!site) return std::move(site).error();
  PrintEvent("pages at http://" + (*site)->address() + "/", {{"event", "pages"}, {"address", (*site)->address()}},
             globals.format);
  return site;
}

Result<int> Serve(Globals& globals, const ServerFlags& flags) {
  worker::ShutdownSignal signal;
  if (flags.with_worker && flags.records_only) {
    return InvalidArgument("--worker and --records-only exclude each other: a worker needs an engine");
  }
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  host::ServerOptions options;
  local::EngineOptions& engine = options.engine;
  engine.data_dir = flags.data.empty() ? config->server.data_dir : flags.data;
  engine.shards = static_cast<int>(config->server.shards);
  engine.threads = static_cast<int>(config->server.threads);
  engine.limits = config->limits;
  engine.budgets = BudgetsOf(config->cost_tracking);
  engine.accept_data_loss = flags.accept_data_loss;
  options.listen = flags.listen.empty() ? config->server.listen : flags.listen;
  options.records_only = flags.records_only;
  options.insecure = flags.insecure;
  const SystemClock clock;
  LineLog log(config->server.log_format == "json" ? LineLog::Format::kJson : LineLog::Format::kText,
              LevelOf(config->server.log_level), clock, WriteToStandardError);
  engine.log = &log;
  engine.check_derived_every = std::chrono::seconds(config->server.check_derived_s);
  umask(S_IRWXG | S_IRWXO);  // what is stored is for this user alone
  host::StartStep step = {};
  const auto started = host::Server::Start(options, &step);
  if (!started) {
    std::ignore = Fail(started.error(), globals.format);
    return ServerExitCode(step, started.error());
  }
  PrintEvent(fmt::format("wfe {} listens on {}, data in {}", WFE_VERSION, (*started)->address(), engine.data_dir),
             {{"event", "serving"}, {"address", (*started)->address()}, {"data", engine.data_dir}}, globals.format);
  const auto limits = ToJson(*config)["limits"];
  PrintEvent("limits: " + LimitsText(limits), {{"event", "limits"}, {"limits", limits}}, globals.format);
  Result<std::unique_ptr<Site>> site = StartSite(globals, flags, *config, (*started)->engine(), log);
  if (!site) {
    (*started)->Stop(2s);
    std::ignore = Fail(site.error(), globals.format);
    return site.error().code == StatusCode::kUnavailable ? kExitAddressInUse : kExitUsage;
  }
  std::unique_ptr<WorkerProcess> worker;
  if (flags.with_worker) {
    WorkerProcessOptions worker_options = WorkerOptionsOf(globals, *config, flags.worker);
    worker_options.engine = &(*started)->engine();
    WFE_ASSIGN_OR_RETURN(worker, WorkerProcess::Start(worker_options));
  }
  signal.Wait();
  PrintEvent(worker ? "stopping: waiting for running activities; a second signal stops at once" : "stopping",
             {{"event", "stopping"}}, globals.format);
  if (worker) worker->Drain();
  worker.reset();
  site->reset();
  (*started)->Stop(2s);
  return kExitOk;
}

Result<int> Work(Globals& globals, const WorkerFlags& flags) {
  worker::ShutdownSignal signal;
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WorkerProcessOptions options = WorkerOptionsOf(globals, *config, flags);
  options.address = globals.Address();
  options.ns = globals.Namespace();
  options.records_address = flags.records;
  WFE_ASSIGN_OR_RETURN(const auto worker, WorkerProcess::Start(options));
  signal.Wait();
  options.log("draining: waiting for running activities; a second signal stops at once");
  worker->Drain();
  return kExitOk;
}

void AddWorkerOptions(CLI::App& command, WorkerFlags& flags) {
  command.add_option("-q,--queue", flags.queues, "Task queue; may be repeated (default: wfe)");
  command.add_option("--types", flags.types, "Serve only these workflow types")->delimiter(',');
  command.add_option("--work-root", flags.work_root, "Directory for builds, journals and caches (default: ./wfe-work)");
  command.add_option("--allow", flags.allow,
                     "Directory that builds and audits may use besides the work root; may be repeated");
}

}  // namespace

void AddServerCommands(CLI::App& app, Globals& globals) {
  auto server = std::make_shared<ServerFlags>();
  CLI::App& serve = *app.add_subcommand("server", "Run the engine on a store directory");
  AddCommonOptions(serve, globals);
  serve.add_option("--data", server->data, "Store directory (default: ./wfe-data); made when missing");
  serve.add_option("--listen", server->listen, "HOST:PORT (default: 127.0.0.1:7233); port 0 takes a free one; unix:PATH for this user alone");
  serve.add_option("--http", server->http,
                   "HOST:PORT of the pages and of JSON over HTTP (default: 127.0.0.1:8233); \"off\" for none");
  serve.add_flag("--records-only", server->records_only,
                 "Serve blobs and rows only, for workers attached to a Temporal cluster");
  serve.add_option("--accept-data-loss", server->accept_data_loss,
                   "Go on although the store ends at this commit; the refused start names the number");
  serve.add_flag("--insecure", server->insecure, "Listen in plain text on an address that is not loopback");
  serve.add_flag("--worker", server->with_worker,
                 "Run a worker in this process too, for one machine; the options below are its");
  AddWorkerOptions(serve, server->worker);
  serve.footer(
      "Examples:\n  wfe server\n  wfe server --worker --allow ~/projects\n  wfe server --data /var/lib/wfe --listen 127.0.0.1:7234\n"
      "  wfe server --listen unix:$HOME/wfe.sock\n\n"
      "Clients of a socket name it as --address unix:$HOME/wfe.sock.\n"
      "SIGTERM stops it in order; killed at any instant it goes on from its last commit.\n"
      "Exit codes: 2 bad option or too few open files allowed, 13 store in use or damaged, 14 address in use, 74 the disk refused a write.");
  serve.callback([&globals, server] { globals.Run([&] { return Serve(globals, *server); }); });

  auto worker = std::make_shared<WorkerFlags>();
  CLI::App& work = *app.add_subcommand("worker", "Run workflows and activities of a task queue");
  AddClientOptions(work, globals);
  AddWorkerOptions(work, *worker);
  work.add_option("--records", worker->records, "HOST:PORT of the records service (default: the server itself)");
  work.footer(
      "Examples:\n  wfe worker --queue wfe --work-root /var/lib/wfe-work\n  wfe worker --allow ~/projects\n\n"
      "Activities touch the work root and the directories given by --allow (or worker.allowed_roots), nothing else.\n"
      "The model's key is read from GEMINI_API_KEY. SIGTERM drains: running activities may end, a second one stops at "
      "once.");
  work.callback([&globals, worker] { globals.Run([&] { return Work(globals, *worker); }); });
}

}  // namespace wfe::cli
