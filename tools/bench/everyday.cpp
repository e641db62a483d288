#include "tools/bench/everyday.h"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "activities/agent/cache/context_cache.h"
#include "activities/agent/call/model_call.h"
#include "activities/agent/call/model_caller.h"
#include "activities/agent/step/agent_worker.h"
#include "activities/agent/step/config.h"
#include "activities/batch/register.h"
#include "activities/context/rules/efficiency.h"
#include "engine/local/local_engine.h"
#include "tools/bench/clock.h"
#include "tools/bench/everyday_model.h"
#include "tools/bench/load.h"
#include "tools/bench/workload.h"
#include "workers/client/records_client.h"
#include "workers/embedded/direct_client.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker_group.h"
#include "workflows/batch/batch_process.h"

namespace wfe::bench {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr int kLargeFiles = 100;
constexpr int kLargeLines = 1'000;
constexpr int kNeededFiles = 5;
constexpr int kLargeSteps = 3;
constexpr int kAskedQuestions = 100;
constexpr int kOtherQuestions = 25;
constexpr int kBatchDocuments = 48;
/// Whose price is reckoned with.
constexpr const char* kPricedAs = "gemini-2.5-flash";

/// An attempt that nobody cancels.
class PlainContext final : public sdk::ActivityContext {
 public:
  PlainContext(const std::string& run, const std::string& type) {
    info_.run_id = run;
    info_.workflow_id = run;
    info_.workflow_type = type;
    info_.activity_id = "1";
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const json&) override {}
  std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return false; }
  bool WaitForCancel(Duration timeout) override {
    std::this_thread::sleep_for(timeout);
    return false;
  }

 private:
  sdk::ActivityInfo info_;
};

/// An engine with its records, in this process.
struct EverydayEngine {
  std::unique_ptr<local::LocalEngine> engine;
  std::unique_ptr<embedded::DirectClient> client;
  std::shared_ptr<client::RecordsClient> records;
};

Result<EverydayEngine> OpenEngine(const std::string& directory) {
  EverydayEngine made;
  WFE_ASSIGN_OR_RETURN(made.engine, local::LocalEngine::Open({.data_dir = directory}));
  made.client = std::make_unique<embedded::DirectClient>(embedded::WayInto(*made.engine));
  made.records = std::make_shared<client::RecordsClient>(*made.client);
  return made;
}

agent::GeminiConfig ConfigWith(const std::string& work_root, std::shared_ptr<agent::ModelBackend> model,
                               const EverydayEngine& engine) {
  agent::GeminiConfig config;
  config.work_root = work_root;
  config.default_backend = "simulated";
  config.default_model = kPricedAs;
  config.backends["simulated"] = std::move(model);
  config.blob_sink = engine.records;
  config.blob_source = engine.records;
  return config;
}

void AddFigure(std::vector<Figure>& figures, std::string name, double value, std::string unit, int64_t samples,
               int callers = 0) {
  Figure figure{.scenario = "everyday", .concurrency = callers, .name = std::move(name)};
  figure.value = value;
  figure.unit = std::move(unit);
  figure.samples = samples;
  figures.push_back(std::move(figure));
}

std::string LargeFileName(int number) { return fmt::format("src/part_{:03}.cpp", number); }

void WriteLargeProject(const std::string& directory) {
  std::filesystem::create_directories(directory + "/src");
  for (int file = 0; file < kLargeFiles; ++file) {
    std::ofstream out(directory + "/" + LargeFileName(file));
    out << "// the file " << LargeFileName(file) << "\n";
    for (int line = 1; line < kLargeLines; ++line) out << "  total += item * " << (file * 7 + line) % 97 << ";\n";
  }
}

double PeakRssMiB() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    double kib = 0;
    status >> kib;
    return kib / 1024;
  }
  return 0;
}

/// One step over 100 files of 1,000 lines, of which it needs five: told the names, given everything, given those five.
Status MeasureLargeContext(const Environment& env, const EverydayEngine& engine, std::vector<Figure>& figures) {
  std::vector<std::string> needed;
  for (int i = 0; i < kNeededFiles; ++i) needed.push_back(LargeFileName(i * 20 + 3));
  for (const std::string policy : {"none", "all", "recommended"}) {
    env.progress("everyday: 100 files of 1,000 lines, give = " + policy);
    std::vector<agent::StepHooks> hooks;
    agent::GeminiConfig config =
        ConfigWith(env.directory + "/everyday/work", std::make_shared<SimulatedModel>(needed), engine);
    config.choose_files = [&](const agent::FileAsk&) -> Result<agent::FileChoice> {
      return agent::FileChoice{.policy = policy, .paths = needed, .max_tokens = 10'000'000};
    };
    config.record_hooks = [&](const std::string&, const agent::StepHooks& step) {
      hooks.push_back(step);
      return Ok();
    };
    agent::AgentWorker worker(config);
    double seconds = 0;
    int64_t prompt = 0;
    Money cost;
    for (int i = 0; i < kLargeSteps; ++i) {
      const std::string directory = fmt::format("{}/everyday/{}-{}", env.directory, policy, i);
      WriteLargeProject(directory);
      PlainContext context(fmt::format("large-{}-{}", policy, i), "BenchEveryday");
      agent::AgentRequest request;
      request.step_name = "implement_v1";
      request.instruction = "Write result.cpp from the five parts.";
      request.working_dir = directory;
      const Clock::time_point begin = Clock::now();
      const auto done = worker.ExecuteAgent(context, request);
      seconds += SecondsSince(begin);
      if (!done.has_value()) return Internal(done.failure() ? done.failure()->message : "cancelled");
      prompt += done.value().prompt_token_count;
      cost = cost.PlusAtMost(done.value().cost_usd.value_or(Money()));
    }
    const context::EfficiencyRow total = context::ReportOf(hooks).total;
    const std::string name = "large_" + policy;
    AddFigure(figures, name + "_step", seconds / kLargeSteps, "s", kLargeSteps);
    AddFigure(figures, name + "_prompt", static_cast<double>(prompt) / kLargeSteps, "tokens", kLargeSteps);
    AddFigure(figures, name + "_cost", cost.usd() / kLargeSteps, "USD", kLargeSteps);
    if (total.percent) AddFigure(figures, name + "_efficiency", *total.percent, "%", total.loaded);
    if (total.loaded_tokens > 0) {
      AddFigure(figures, name + "_used",
                100 - 100 * static_cast<double>(total.wasted_tokens) / static_cast<double>(total.loaded_tokens),
                "% of tokens", total.loaded);
    }
  }
  AddFigure(figures, "peak_rss", PeakRssMiB(), "MiB", 1);
  return Ok();
}

/// Questions that come again as everyday ones do: a few of them often (their numbers are drawn after Zipf's law).
std::vector<int> EverydayQuestions() {
  std::mt19937_64 random(7);
  std::vector<double> weights;
  for (int i = 1; i <= kOtherQuestions; ++i) weights.push_back(1.0 / i);
  std::discrete_distribution<int> draw(weights.begin(), weights.end());
  std::vector<int> asked;
  for (int i = 0; i < kAskedQuestions; ++i) asked.push_back(draw(random));
  return asked;
}

Status MeasureEverydayCache(const Environment& env, const EverydayEngine& engine, std::vector<Figure>& figures) {
  const std::vector<int> asked = EverydayQuestions();
  for (const std::string policy : {"never", "always"}) {
    env.progress("everyday: 100 questions of 25 different ones, cache = " + policy);
    const auto model = std::make_shared<SimulatedModel>();
    agent::GeminiConfig config = ConfigWith(env.directory + "/everyday/work", model, engine);
    config.cache = std::make_shared<agent::ContextCache>(engine.records, engine.records, engine.records, nullptr);
    const agent::ModelCaller caller(config);
    int64_t hits = 0;
    int64_t tokens = 0;
    int64_t saved = 0;
    const Clock::time_point begin = Clock::now();
    for (size_t i = 0; i < asked.size(); ++i) {
      PlainContext context(fmt::format("cache-{}-{}", policy, i), "BenchEveryday");
      agent::CallRequest request;
      request.step_name = "ask";
      request.parts = {fmt::format("Question {}: {}", asked[i], std::string(4'000, 'q'))};
      request.cache = policy;
      const auto reply = caller.Call(context, request);
      if (!reply.has_value()) return Internal(reply.failure() ? reply.failure()->message : "cancelled");
      hits += reply.value().cache_hit ? 1 : 0;
      tokens += reply.value().prompt_token_count + reply.value().completion_token_count;
      saved += reply.value().tokens_saved;
    }
    const std::string name = "cache_" + policy;
    AddFigure(figures, name + "_all", SecondsSince(begin), "s", kAskedQuestions);
    AddFigure(figures, name + "_calls", static_cast<double>(model->calls), "calls", kAskedQuestions);
    AddFigure(figures, name + "_tokens", static_cast<double>(tokens), "tokens", kAskedQuestions);
    if (policy == "never") continue;
    AddFigure(figures, name + "_hits", 100.0 * static_cast<double>(hits) / kAskedQuestions, "%", kAskedQuestions);
    AddFigure(figures, name + "_saved", static_cast<double>(saved), "tokens", hits);
  }
  return Ok();
}

/// A worker that serves batches over the engine.
class BatchWorker {
 public:
  BatchWorker(const agent::GeminiConfig& config, const EverydayEngine& engine) {
    workflows::RegisterBatchProcess(workflows_);
    agent::RegisterGeminiActivities(activities_, config);
    batch::RegisterBatchActivities(
        activities_, {.records = engine.records,
                      .step = [this](const std::string& name) { return activities_.Find(name); },
                      .lists = nullptr});
    group_ = std::make_unique<worker::WorkerGroup>(
        std::make_unique<embedded::DirectClient>(embedded::WayInto(*engine.engine)),
        [](worker::LogLevel, std::string_view) {});
    executor_ = std::make_unique<worker::ThreadPoolActivityExecutor>(16);
    worker::WorkerOptions options;
    options.task_queue = std::string(kBenchQueue);
    options.identity = "bench-everyday";
    options.max_concurrent_activities = 16;
    options.drain_timeout = 1s;
    group_->Add(*executor_, workflows_, activities_, options);
  }
  ~BatchWorker() {
    group_->Drain();
    group_->StopAll();
    executor_.reset();
    group_.reset();
  }
  BatchWorker(const BatchWorker&) = delete;
  BatchWorker& operator=(const BatchWorker&) = delete;

 private:
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  std::unique_ptr<worker::WorkerGroup> group_;
  std::unique_ptr<worker::ThreadPoolActivityExecutor> executor_;
};

/// The same documents one by one and in batches side by side.
Status MeasureBatches(const Environment& env, const EverydayEngine& engine, std::vector<Figure>& figures) {
  const auto model = std::make_shared<SimulatedModel>();
  const BatchWorker worker(ConfigWith(env.directory + "/everyday/work", model, engine), engine);
  for (const auto& [size, parallel] : {std::pair{1, 1}, std::pair{4, 4}, std::pair{4, 12}}) {
    env.progress(fmt::format("everyday: {} documents, {} batches of {} at once", kBatchDocuments, parallel, size));
    workflows::BatchInput input;
    for (int i = 0; i < kBatchDocuments; ++i) {
      input.documents.push_back({.name = fmt::format("document {}", i),
                                 .text = fmt::format("Document {} of {}. {}", i, parallel, std::string(2'000, 'd'))});
    }
    input.step.task = "Sum it up.";
    input.batch_size = size;
    input.parallel = parallel;
    const int64_t before = model->calls;
    const std::string prefix = fmt::format("everyday-{}-{}", size, parallel);
    const Clock::time_point begin = Clock::now();
    WFE_RETURN_IF_ERROR(StartMany(*engine.client, std::string(workflows::kBatchProcessWorkflow), json(input).dump(),
                                  prefix, 1, 1));
    WFE_RETURN_IF_ERROR(AwaitClose(*engine.client, prefix + "-0", 120s));
    const double seconds = SecondsSince(begin);
    if (model->calls - before != kBatchDocuments) {
      return Internal(fmt::format("{} calls were made for {} documents", model->calls - before, kBatchDocuments));
    }
    AddFigure(figures, size == 1 ? "sequential" : "batches", kBatchDocuments / seconds, "documents/s", kBatchDocuments,
              parallel);
  }
  return Ok();
}

}  // namespace

Status MeasureEveryday(const Environment& env, std::vector<Figure>& figures) {
  std::filesystem::create_directories(env.directory + "/everyday/work");
  WFE_ASSIGN_OR_RETURN(const EverydayEngine engine, OpenEngine(env.directory + "/everyday/data"));
  WFE_RETURN_IF_ERROR(MeasureLargeContext(env, engine, figures));
  WFE_RETURN_IF_ERROR(MeasureEverydayCache(env, engine, figures));
  return MeasureBatches(env, engine, figures);
}

}  // namespace wfe::bench
