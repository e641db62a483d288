// Every number by which a server limits itself: the keys of [limits] in the configuration file, under these names
// (docs/reference/limits.md).
#pragma once

#include <cstdint>

#include "engine/history/limits.h"

namespace wfe::local {

/// Those of one execution, and those of the server.
struct Limits : history::Limits {
  // The door.
  int64_t max_connections = 10'000;  ///< Less when the system allows fewer open files.
  int64_t max_streams_per_connection = 10'000;
  int64_t max_polls_per_stream = 1'000;          ///< Polls for tasks of one stream of calls.
  int64_t max_call_streams = 1'000;              ///< Streams of calls of all callers.
  int64_t max_transport_bytes = 512 << 20;       ///< What gRPC may hold of what it reads.
  int64_t max_unread_answer_bytes = 256 << 20;   ///< Answers that wait for callers that do not read.
  int64_t answer_patience_s = 30;                ///< For one such caller.
  int64_t max_calls = 40'000;                    ///< In progress, parked ones included.
  int64_t max_request_bytes = 256 << 20;         ///< Of the calls in progress.

  // The disk.
  int64_t max_pending_commits = 50'000;
  int64_t max_pending_commit_bytes = 128 << 20;

  // Calls that read much or wait for the disk.
  int64_t blocking_threads = 4;
  int64_t max_blocking_queue = 256;
  int64_t max_list_page_bytes = 4 << 20;

  // Those who wait.
  int64_t max_queues = 100'000;  ///< In use; a poll opens no more.
  int64_t max_pollers = 20'000;
  int64_t max_pollers_per_queue = 2'000;
  int64_t max_history_waiters_per_run = 200;
  int64_t max_queries_per_run = 100;
  int64_t max_queries = 10'000;

  // Memory, of the whole process: each shard has its part.
  int64_t max_cached_bytes = 256 << 20;  ///< Executions that are kept although nothing happens to them.
  int64_t max_namespaces = 1000;
  int64_t max_schedule_bytes = 64 << 10;    ///< One schedule.
  int64_t max_schedules_bytes = 256 << 20;  ///< All of them.
};

}  // namespace wfe::local
