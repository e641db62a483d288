// A store directory read without a server: for `wfe verify` and `wfe history lint --data`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/lint/lint.h"
#include "engine/storage/execution_reader.h"
#include "temporal/api/history/v1/message.pb.h"
#include "tools/wfe/cli.h"

namespace wfe::cli {

/// One run as it is stored.
struct StoredHistory {
  Target target;
  temporal::api::history::v1::History history;
  lint::StoredRun run;
  storage::ChainReport chain;

  /// File rules and the store rules that need nothing but this run.
  std::vector<lint::Finding> Lint() const;
};

class StoreReader {
 public:
  /// Opens read-only; a server may be running on the same directory, whose newest commits may then be missing.
  static Result<std::unique_ptr<StoreReader>> Open(const std::string& directory);
  /// By workflow id (newest run, or `run_id`), or by a run id given as `name`.
  Result<StoredHistory> Find(const std::string& ns, const std::string& name, const std::string& run_id) const;
  /// Every run of every namespace; stops at the first error but those of single runs, which `unreadable` is told of.
  Status ForEach(const std::function<void(const StoredHistory&)>& visit,
                 const storage::UnreadableRun& unreadable) const;
  /// What runs owe each other.  One that cannot be read is visited with the error.
  Status ForEachOwed(const std::function<void(Result<lint::OwedObligation>)>& visit) const;
  Status ForEachSchedule(const std::function<void(const engine::v1::ScheduleRow&)>& visit) const;

 private:
  Result<StoredHistory> Read(const ExecutionKey& key) const;
  explicit StoreReader(std::unique_ptr<storage::KeyValueReader> rows) : rows_(std::move(rows)), reader_(*rows_) {}
  Result<ExecutionKey> FindKey(const std::string& ns, const std::string& name, const std::string& run_id) const;

  const std::unique_ptr<storage::KeyValueReader> rows_;
  const storage::ExecutionReader reader_;
};

}  // namespace wfe::cli
