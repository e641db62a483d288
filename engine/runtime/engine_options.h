// What an engine is given: its limits, and what its host lends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/id_source.h"
#include "engine/base/log.h"
#include "engine/base/metrics.h"
#include "engine/base/time.h"
#include "engine/records/budget_store.h"
#include "engine/records/records_store.h"
#include "engine/runtime/admission.h"
#include "engine/shard/options.h"
#include "engine/storage/store.h"
#include "engine/visibility/visibility_reader.h"

namespace wfe::runtime {

/// Every number the engine limits itself by (ARCHITECTURE section 8); the defaults are Temporal's where it has one.
struct EngineOptions {
  shard::Options shard;  ///< Limits of executions, polls, queries, caches.

  int64_t max_message_bytes = 4 << 20;  ///< S57: one request.
  int max_history_page = 256;           ///< S52.
  int max_visibility_page = 1000;
  int64_t max_list_page_bytes = 4 << 20;  ///< A page of a listing ends there.
  AdmissionLimits admission;
  size_t max_namespaces = 1000;  ///< They are kept in memory.
  int64_t max_text_bytes = 4096;  ///< A reason or a description.
  int64_t max_custom_search_attributes = 100;  ///< Of one namespace.
  visibility::VisibilityLimits visibility;
  records::RecordsLimits records;
  records::BudgetOptions budgets;

  /// Namespaces that exist from the start; RegisterNamespace adds more, kept in the store.
  std::vector<std::string> namespaces = {"default"};
  Duration default_retention = std::chrono::hours(72);  ///< S106; kept with a namespace, but nothing is deleted by it.

  /// How often the derived data is compared with the stored states and repaired (H21, H33); zero: never by itself.
  Duration check_derived_every = std::chrono::minutes(10);

  std::string server_version = "1.0.0";
  std::string cluster_name = "wfe";
};

/// What the host lends.  Everything outlives the engine.
struct EngineHost {
  const Clock& clock;
  IdSource& ids;
  TimerService& timers;
  /// One strand per shard; the number of shards is a power of two and may change between starts.
  std::vector<Executor*> shard_executors;
  Executor& matching_executor;
  /// For calls that read much or wait for the disk (lists, records); may run functions in parallel.
  Executor& blocking_executor;
  /// Open, and its commit stage running or run by the host.  Gives the epoch and the secret of task tokens, too.
  storage::Store& store;
  /// The scale of ServerCall::Deadline, for whoever waits; null: `clock`.  A wall clock that is put right must not end
  /// every wait, or none (F8).
  const Clock* monotonic = nullptr;
  /// What an operator should know; null: nobody listens.
  Log* log = nullptr;
  /// What is counted; null: nobody looks.
  Metrics* metrics = nullptr;
  /// Told when the disk begins to lag so far behind that calls are refused, and when that is over; on any thread.
  std::function<void(bool)> overloaded = {};
};

/// What CheckDerived found (H21, H33): everything but `open_executions` should be 0.
struct DerivedReport {
  int64_t open_executions = 0;
  int64_t timers_missing = 0;   ///< In the state, not in the index, or at another time.
  int64_t timers_orphaned = 0;  ///< In the index, not in any state.
  bool clean() const { return timers_missing == 0 && timers_orphaned == 0; }
};

}  // namespace wfe::runtime
