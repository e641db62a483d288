// The limits of shards and of the polls, queries and waits they answer; all configurable.
#pragma once

#include "engine/base/time.h"
#include "engine/history/limits.h"
#include "engine/schedules/machine.h"

namespace wfe::shard {

struct Options {
  history::Limits history;

  // Long polls.
  Duration long_poll_timeout = std::chrono::seconds(60);  ///< S100: an empty answer at the latest then.
  Duration long_poll_margin = std::chrono::seconds(1);    ///< Answered so much before the caller gives up.
  int64_t max_queues = 100'000;                           ///< In use, see MatcherLimits.
  int max_pollers = 20'000;                               ///< Parked polls of the process.
  int max_pollers_per_queue = 2'000;
  int max_history_waiters_per_run = 200;  ///< Parked GetWorkflowExecutionHistory calls.

  // Task queues.
  int64_t max_backlog_per_queue = 1'000'000;                 ///< Tasks beyond it stay in the store until it drains.
  Duration sticky_poller_window = std::chrono::seconds(10);  ///< A sticky queue nobody polled so long is passed over.
  Duration queue_idle_lifetime = std::chrono::minutes(5);    ///< An empty, unpolled queue is forgotten.

  // Queries.
  int max_buffered_queries = 1;                             ///< S65: behind one workflow task.
  Duration query_poller_window = std::chrono::seconds(20);  ///< S67: no poller so long: fail fast.
  Duration max_query_wait = std::chrono::seconds(60);       ///< When the caller set no deadline.
  int query_max_workflow_task_attempt = 3;                  ///< S67.
  int64_t max_queries_per_run = 100;                        ///< Waiting for an answer.
  int64_t max_queries = 2'500;                              ///< The same, of a shard.

  // Schedules.
  schedules::Limits schedules;
  int64_t max_schedules = 10'000;            ///< Of one shard; they are kept in memory.
  int64_t max_schedules_bytes = 64 << 20;    ///< The same.
  int max_scheduled_starts_per_second = 30;  ///< S96; of one shard.

  // Memory of a shard.
  int64_t max_cached_executions = 10'000;
  int64_t max_cached_bytes = 64 << 20;             ///< Of their states and tails, as they are stored.
  Duration cache_idle = std::chrono::seconds(10);  ///< A parked execution leaves memory after this.
  int64_t max_cached_history_bytes = 256 << 10;    ///< The tail kept of one execution.

  // Poll answers and history pages.
  int64_t max_history_page_bytes = 2 << 20;
  int max_history_page_events = 256;  ///< S52, for GetWorkflowExecutionHistory.
  int max_timers_per_turn = 256;      ///< Due executions handled before others get a turn (F16).
  bool eager_activities = true;       ///< Activities may start with the reply that schedules them (S40).
};

}  // namespace wfe::shard
