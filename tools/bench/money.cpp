#include "tools/bench/money.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "activities/agent/cache/context_cache.h"
#include "tools/bench/clock.h"
#include "workers/client/budget_client.h"
#include "workers/client/records_client.h"

namespace wfe::bench {
namespace {


/// Does one thing after the other; `number` is its own.
using Operation = std::function<Status(const std::string& number)>;

struct Rate {
  int64_t done = 0;
  double seconds = 0;
  std::vector<double> latencies_ms;
};

Result<Rate> Repeat(int callers, double seconds, const Operation& operation) {
  Rate rate;
  std::mutex mutex;
  std::optional<Error> error;  // guarded by mutex, like rate
  std::atomic<bool> failed = false;
  // Ids of one scenario at one number of callers must not be those of another.
  static std::atomic<int64_t> round = 0;
  const std::string prefix = std::to_string(getpid()) + "-" + std::to_string(++round) + "-";
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, caller] {
      std::vector<double> latencies;
      for (int64_t i = 0; !failed; ++i) {
        const Clock::time_point from = Clock::now();
        if (from >= end) break;
        const Status status = operation(prefix + std::to_string(caller) + "-" + std::to_string(i));
        if (!status) {
          const std::lock_guard lock(mutex);
          error = status.error();
          failed = true;
          return;
        }
        latencies.push_back(std::chrono::duration<double, std::milli>(Clock::now() - from).count());
      }
      const std::lock_guard lock(mutex);
      rate.latencies_ms.insert(rate.latencies_ms.end(), latencies.begin(), latencies.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (error) return *error;
  rate.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  rate.done = static_cast<int64_t>(rate.latencies_ms.size());
  if (rate.done == 0) return Internal("nothing was done in the measured time");
  std::sort(rate.latencies_ms.begin(), rate.latencies_ms.end());
  return rate;
}

/// As long as the rows of real calls are.
std::string LedgerRow(const std::string& call_id) {
  const nlohmann::json row = {{"call_id", call_id},
                              {"workflow_id", "build-parser-1f2e3d4c"},
                              {"workflow_run_id", "0190f1a2-7b3c-7def-8123-456789abcdef"},
                              {"workflow_type", "AuditedBuildWorkflow"},
                              {"activity_type", "executeGeminiAgent"},
                              {"step_name", "implement_v1"},
                              {"attempt", 1},
                              {"turn", 3},
                              {"model", "gemini-2.5-flash"},
                              {"backend", "gemini"},
                              {"status", "done"},
                              {"started", "2026-11-26T12:00:00.000Z"},
                              {"time", "2026-11-26T12:00:09.000Z"},
                              {"input_tokens", 12'345},
                              {"output_tokens", 678},
                              {"cached_tokens", 0},
                              {"token_count_source", "reported"},
                              {"cost_usd", 0.0053985},
                              {"price_version", "2025-06-17"},
                              {"charged", "reported"}};
  return row.dump();
}

}  // namespace

Status MeasureMoney(const Environment& env, std::vector<Figure>& figures) {
  const auto records = std::make_shared<client::RecordsClient>(*env.client);
  client::BudgetClient budgets(*env.client);
  agent::ContextCache cache(records, records, records, nullptr);
  const agent::CacheQuestion question{.task = "count the words of a text", .model = "m", .parameters = {}, .files = {}};
  WFE_RETURN_IF_ERROR(cache.Store(question, {.tokens = 1000}, std::string(2000, 'x')));
  const std::string key = agent::CacheKey(question);

  const std::pair<const char*, Operation> operations[] = {
      {"ledger_rows",
       [&](const std::string& number) -> Status {
         WFE_RETURN_IF_ERROR(records->AppendRow("bench_ledger", "2026-11-26/" + number + "/1", LedgerRow(number)));
         return Ok();
       }},
      {"budgeted_calls",
       [&](const std::string& number) -> Status {
         const client::BudgetedCall call{.call_id = number, .run_id = "bench", .model = "m"};
         // Nothing, so that no limit of the server is met.
         WFE_RETURN_IF_ERROR(budgets.Reserve(call, Money(), std::chrono::minutes(1)));
         return budgets.Settle(call, {.kind = client::CallCharge::Kind::kCost, .cost = Money()});
       }},
      {"cache_look_ups", [&](const std::string& number) -> Status {
         WFE_ASSIGN_OR_RETURN(const auto hit,
                              cache.Look(key, {.token = "bench/" + number, .workflow_run_id = "bench"}));
         return hit ? Ok() : Status(Internal("a kept answer is not there"));
       }}};
  const std::vector<int> callers =
      env.options.concurrency.empty() ? std::vector<int>{1, 16, 64} : env.options.concurrency;
  for (const auto& [name, operation] : operations) {
    for (const int count : callers) {
      env.progress("money: " + std::string(name) + " with " + std::to_string(count) + " callers");
      WFE_ASSIGN_OR_RETURN(const Rate rate, Repeat(count, env.options.seconds / 3, operation));
      Figure figure{.scenario = "money", .concurrency = count, .name = name};
      figure.value = static_cast<double>(rate.done) / rate.seconds;
      figure.unit = "/s";
      figure.samples = rate.done;
      figure.against = "rocksdb_synced_batches";
      figure.ratio = figure.value / env.limits.rocksdb_batches_per_s;
      figures.push_back(figure);
      figures.push_back({.scenario = "money",
                         .concurrency = count,
                         .name = std::string(name) + "_p50",
                         .value = rate.latencies_ms[rate.latencies_ms.size() / 2],
                         .unit = "ms",
                         .samples = rate.done});
    }
  }
  return Ok();
}

}  // namespace wfe::bench
