#include "tools/wfe/worker_process.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "activities/agent/cache/context_cache.h"
#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/cost_ledger.h"
#include "activities/agent/step/config.h"
#include "activities/build/checks/allowed_roots.h"
#include "activities/prompts/records_template_rows.h"
#include "engine/base/parse_json.h"
#include "tools/wfe/agent_config.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/metrics_file.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/registry.h"
#include "tools/wfe/worker_activities.h"
#include "workers/client/budget_client.h"
#include "workers/client/grpc_client.h"
#include "workers/client/records_client.h"
#include "workers/embedded/direct_client.h"
#include "workers/host/host_id.h"
#include "workers/host/result_cache.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker_group.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::unique_ptr<client::ServiceClient> ClientFor(const WorkerProcessOptions& options) {
  if (options.engine != nullptr) return std::make_unique<embedded::DirectClient>(embedded::WayInto(*options.engine));
  return client::NewGrpcClient({.address = options.address,
                                .ns = options.ns,
                                .api_key = options.config.client.api_key,
                                .call_stream = true});
}

}  // namespace

class WorkerProcess::Impl {
 public:
  ~Impl() {
    stopping_ = true;
    if (records_check_.joinable()) records_check_.join();
    if (workers_) workers_->StopAll();
    executor_.reset();
    ledger_.reset();  // sends its last rows
    budgets_.reset();
    workers_.reset();
    records_channel_.reset();
  }

  Status Start(const WorkerProcessOptions& options) {
    log_ = options.log ? options.log : [](const std::string&) {};
    const Config& config = options.config;
    std::error_code error;
    fs::create_directories(config.worker.work_root, error);
    const fs::path work_root = error ? fs::path() : fs::canonical(config.worker.work_root, error);
    if (error || access(work_root.c_str(), W_OK) != 0) {
      return InvalidArgument("cannot use the work root " + config.worker.work_root + ": " +
                             (error ? error.message() : "it is not writable"));
    }
    fs::permissions(work_root, fs::perms::owner_all, error);
    WFE_ASSIGN_OR_RETURN(const std::string host_id, worker::HostId(work_root, ids_));
    WFE_RETURN_IF_ERROR(ChooseTypes(options.types));

    metrics_ = std::make_unique<MetricsFile>(work_root / "outbound-metrics.txt");
    result_cache_ = std::make_unique<worker::ResultCache>(worker::ResultCache::kDefaultBytes, metrics_->metrics());
    workers_ = std::make_unique<worker::WorkerGroup>(
        ClientFor(options), [this](worker::LogLevel, std::string_view message) { log_(std::string(message)); });
    if (!options.records_address.empty()) {
      records_channel_ = client::NewGrpcClient({.address = options.records_address, .ns = options.ns, .api_key = {}});
    }
    records_ = std::make_shared<client::RecordsClient>(records_channel_ ? *records_channel_ : workers_->client());

    WFE_ASSIGN_OR_RETURN(agent_, AgentConfigFrom(config, work_root.string(), metrics_->metrics()));
    agent_.blob_sink = records_;
    agent_.blob_source = records_;
    agent_.template_rows = std::make_shared<prompts::RecordsTemplateRows>(records_);
    KeepBudgets(config);
    if (config.caching.enabled) {
      agent_.cache =
          std::make_shared<agent::ContextCache>(records_, records_, records_, nullptr,
                                                agent::CacheOptions{.max_age_hours = config.caching.max_age_hours,
                                                                    .min_files = config.caching.min_files_to_cache});
    }
    ledger_ = std::make_shared<agent::CostLedger>(
        work_root.string(),
        [this](const std::string& key, const std::string& row) { return StoreLedgerRow(key, row); });
    agent_.record_call = [ledger = ledger_.get(), metrics = metrics_.get()](const nlohmann::json& row) {
      ledger->Record(row);
      if (row.value("status", "") != "started") metrics->Write();
    };
    if (const std::string warning = AgentWarning(agent_); !warning.empty()) log_(warning);
    agent::PruneJournal(agent_);
    std::vector<std::string> roots = {work_root.string()};
    for (const std::string& allowed : config.worker.allowed_roots) {
      const std::string path = fs::absolute(allowed, error).lexically_normal().string();
      WFE_ASSIGN_OR_RETURN(std::string real, build::ResolveExisting(path));
      roots.push_back(std::move(real));
    }
    roots_ = std::make_shared<const build::AllowedRoots>(roots);
    if (config.worker.queues.empty()) return InvalidArgument("a worker needs a queue: --queue, or worker.queues");
    for (const std::string& queue : config.worker.queues) {
      if (queue.empty()) return InvalidArgument("a worker's queue needs a name: --queue, or worker.queues");
    }
    // Each queue's worker takes as many tasks as it has slots; one that waited here for a thread could not heartbeat.
    executor_ = std::make_unique<worker::ThreadPoolActivityExecutor>(
        static_cast<size_t>(config.worker.max_concurrent_activities) * config.worker.queues.size());
    for (const std::string& queue : config.worker.queues) {
      AddQueue(queue, worker::HostQueueName(queue, host_id), work_root.string(), options);
    }
    const std::string records_address = options.records_address.empty() ? options.address : options.records_address;
    records_check_ = std::thread([this, records_address] { CheckRecords(records_address); });
    return Ok();
  }

  void Drain() { workers_->Drain(); }

 private:
  Status ChooseTypes(const std::vector<std::string>& types) {
    if (types.empty()) {
      workflows_ = WorkflowTypes();
      return Ok();
    }
    for (const std::string& type : types) {
      const sdk::WorkflowFunction* const function = WorkflowTypes().Find(type);
      if (function == nullptr) {
        std::string known;
        for (const std::string& name : WorkflowTypes().Names()) known += " " + name;
        return InvalidArgument("no workflow type " + type + "; this program has:" + known);
      }
      workflows_.RegisterErased(type, *function);
    }
    return Ok();
  }

  void KeepBudgets(const Config& config) {
    if (!config.cost_tracking.enabled) return;
    budgets_ = std::make_unique<client::BudgetClient>(records_channel_ ? *records_channel_ : workers_->client());
    agent_.budgets = budgets_.get();
    agent_.program_run = config.cost_tracking.program_run.value_or(Money());
    // A run of a program may take as long as its time limit, and an answer of a model half an hour.
    agent_.call_lease =
        std::max<Duration>(agent_.call_lease, std::chrono::seconds(config.agent.step_timeout_s) + 10min);
  }

  /// Settles with the budgets, too, what could not be settled when the call ended; that a row is there again changes
  /// nothing in either.
  Status StoreLedgerRow(const std::string& key, const std::string& row) {
    WFE_RETURN_IF_ERROR(records_->AppendRow(std::string(agent::kCostLedgerTable), key, row));
    const auto charge = budgets_ ? agent::ChargeOf(ParseJson(row)) : std::nullopt;
    if (!charge) return Ok();
    const Status settled = budgets_->Settle(charge->first, charge->second);
    if (settled) return Ok();
    const StatusCode code = settled.error().code;
    // What comes again later holds the row back; what will never be settled must not hold back those behind it.
    if (code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded ||
        code == StatusCode::kResourceExhausted) {
      return settled;
    }
    log_("call " + charge->first.call_id + " is in no budget: " + settled.error().message);
    return Ok();
  }

  void AddQueue(const std::string& queue, const std::string& host_queue, const std::string& work_root,
                const WorkerProcessOptions& options) {
    const Config& config = options.config;
    sdk::ActivityRegistry& registry = *activities_.emplace_back(std::make_unique<sdk::ActivityRegistry>());
    RegisterWorkerActivities(registry, {.config = config,
                                        .agent = agent_,
                                        .records = records_,
                                        .service = &workers_->client(),
                                        .ns = options.ns,
                                        .work_root = work_root,
                                        .host_queue = host_queue,
                                        .roots = roots_,
                                        .alive_lock = options.alive_lock,
                                        .runs_code = options.runs_code});

    worker::WorkerOptions worker;
    worker.ns = options.ns;
    worker.task_queue = queue;
    worker.identity = Identity();
    worker.build_id = "wfe-" WFE_VERSION;
    worker.max_cached_workflows = static_cast<size_t>(config.worker.max_cached_workflows);
    worker.max_concurrent_activities = static_cast<size_t>(config.worker.max_concurrent_activities);
    worker.extra_activity_queues = {host_queue};
    worker.drain_timeout = std::chrono::seconds(config.worker.drain_timeout_s);
    if (config.caching.enabled) worker.result_cache = result_cache_.get();
    worker.measures_usage = true;
    worker.on_completion_acknowledged = [this](const std::string& token) {
      agent::OnCompletionAcknowledged(agent_, token);
    };
    workers_->Add(*executor_, workflows_, registry, worker);
  }

  /// Says so when there is no records service, and ends the process: builds could not keep their contexts and trees.
  void CheckRecords(const std::string& address) {
    while (!stopping_) {
      const auto info = records_->GetInfo();
      if (info) return;
      if (info.error().code == StatusCode::kUnimplemented) {
        log_("no records service at " + address +
             "; start one with `wfe server --records-only` and name it with --records");
        kill(getpid(), SIGTERM);
        return;
      }
      std::this_thread::sleep_for(200ms);
    }
  }

  std::function<void(const std::string&)> log_;
  std::unique_ptr<MetricsFile> metrics_;  // outlives the agent's backends and the cache, which count in it
  std::unique_ptr<worker::ResultCache> result_cache_;  // outlives the workers
  SystemIdSource ids_;
  sdk::WorkflowRegistry workflows_;
  std::vector<std::unique_ptr<sdk::ActivityRegistry>> activities_;
  agent::GeminiConfig agent_;
  std::shared_ptr<const build::AllowedRoots> roots_;
  std::unique_ptr<worker::WorkerGroup> workers_;
  std::unique_ptr<client::ServiceClient> records_channel_;  // when records are served elsewhere
  std::shared_ptr<client::RecordsClient> records_;
  std::unique_ptr<client::BudgetClient> budgets_;  // null: cost_tracking is not enabled
  std::shared_ptr<agent::CostLedger> ledger_;
  std::atomic<bool> stopping_ = false;
  std::thread records_check_;
  std::unique_ptr<worker::ThreadPoolActivityExecutor> executor_;
};

WorkerProcess::WorkerProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WorkerProcess::~WorkerProcess() = default;

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(const WorkerProcessOptions& options) {
  auto impl = std::make_unique<Impl>();
  WFE_RETURN_IF_ERROR(impl->Start(options));
  return std::unique_ptr<WorkerProcess>(new WorkerProcess(std::move(impl)));
}

void WorkerProcess::Drain() { impl_->Drain(); }

}  // namespace wfe::cli
