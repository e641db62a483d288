// What the tests of storage, visibility and records share.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/id_source.h"
#include "engine/base/proto_time.h"
#include "engine/history/state_codec.h"
#include "engine/storage/memory_key_value_store.h"
#include "engine/storage/store.h"

namespace wfe::storage {

/// A folder of its own, gone at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "wfe-store-XXXXXX").string();
    WFE_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Runs what was posted when told to.
class QueueExecutor final : public Executor {
 public:
  void Post(Function<void()> work) override { queue_.push_back(std::move(work)); }
  bool OnStrand() const override { return running_; }
  size_t RunAll() {
    size_t count = 0;
    running_ = true;
    for (; !queue_.empty(); ++count) {
      auto work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
    running_ = false;
    return count;
  }

 private:
  std::deque<Function<void()>> queue_;
  bool running_ = false;
};

inline ExecutionKey Key(const std::string& workflow_id, const std::string& run_id = "r1",
                        const std::string& ns = "default") {
  return {Namespace(ns), WorkflowId(workflow_id), RunId(run_id)};
}

/// Events [first, first + count) whose bytes tell them apart.
inline EventBatch Events(EventId first, int count, const std::string& text = "x") {
  std::vector<temporal::api::history::v1::HistoryEvent> events;
  for (int i = 0; i < count; ++i) {
    auto& event = events.emplace_back();
    event.set_event_id(first + i);
    event.set_event_type(temporal::api::enums::v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
    event.mutable_workflow_execution_signaled_event_attributes()->set_signal_name(text);
  }
  return EventBatch::Encode(events);
}

/// Signals, and nothing else.  The state it lends lives as long as its thread.
inline ExecutionCommit CommitOf(const ExecutionKey& key, EventId first, int count, bool open = true) {
  static thread_local std::deque<history::MutableState> lent;
  ExecutionCommit commit;
  commit.key = key;
  if (count > 0) commit.events = Events(first, count);
  engine::v1::MutableState row;
  auto& folded = *row.mutable_folded();
  folded.set_namespace_(key.ns.value());
  folded.set_workflow_id(key.workflow_id.value());
  folded.set_run_id(key.run_id.value());
  folded.set_next_event_id(first + count);
  folded.set_status(open ? temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING
                         : temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  const int all = static_cast<int>(first) + count - 1;
  folded.set_signal_count(all);
  row.mutable_bookkeeping()->set_history_size_bytes(static_cast<int64_t>(Events(1, all).bytes.size()));
  commit.state = &lent.emplace_back(history::FromCheckpoint(std::move(row)).value());
  return commit;
}

/// A vector of one; ExecutionCommit is not copied by accident.
inline std::vector<ExecutionCommit> One(ExecutionCommit commit) {
  std::vector<ExecutionCommit> commits;
  commits.push_back(std::move(commit));
  return commits;
}

/// A store in memory whose process can crash and start again.
struct MemoryMachine {
  std::shared_ptr<MemoryKeyValueStore> disk = std::make_shared<MemoryKeyValueStore>();
  std::shared_ptr<MemoryLedger> ledger = std::make_shared<MemoryLedger>();
  ManualClock clock;
  SeededIdSource ids{42};
  std::optional<Error> fatal;
  std::optional<uint64_t> accept_data_loss;

  Result<std::unique_ptr<Store>> TryStart() {
    StoreOptions options;
    options.clock = &clock;
    options.ids = &ids;
    options.stage.fatal = [this](const Error& error) { fatal = error; };
    options.accept_data_loss = accept_data_loss;
    return Store::Open(disk, ledger, options);
  }
  std::unique_ptr<Store> Start() {
    auto store = TryStart();
    WFE_CHECK(store.has_value(), store ? "" : store.error().ToString());
    return *std::move(store);
  }
};

}  // namespace wfe::storage
