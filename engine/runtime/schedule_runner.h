// The single writer of a part of all schedules: takes inputs, commits, and carries out what the state asks for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/schedules/machine.h"
#include "engine/shard/due_timers.h"
#include "engine/shard/durable_gate.h"
#include "engine/shard/options.h"
#include "engine/shard/router.h"
#include "engine/shard/shard.h"
#include "engine/storage/schedule_store.h"

namespace wfe::runtime {

namespace ws = temporal::api::workflowservice::v1;

/// Names a schedule; sharded like a workflow id.
struct ScheduleKey {
  Namespace ns;
  std::string schedule_id;
};

/// Owns the schedules whose ids hash to its shard, beside the shard's executions and on the same strand.  Everything
/// but the constructor is called on that strand; callbacks run there too, never before what they tell is durable.
///
/// A schedule's timer and what it has under way are derived from its row, so recovery is nothing but reading the rows.
/// The workflows it starts live on any shard; they are reached through the router, like a client would.
class ScheduleRunner {
 public:
  struct Host {
    const Clock& clock;
    TimerService& timers;
    Executor& executor;
    storage::ScheduleStore& store;
    shard::Router& router;  ///< Of this strand.
  };
  ScheduleRunner(const shard::Options& options, Host host);
  ~ScheduleRunner();
  ScheduleRunner(const ScheduleRunner&) = delete;
  ScheduleRunner& operator=(const ScheduleRunner&) = delete;

  /// `unreadable` answer DATA_LOSS until somebody deletes them.
  void Recover(std::vector<schedules::State> states, const std::vector<ScheduleKey>& unreadable = {});
  /// Compares the timers with the states, and repairs what differs (H21).
  shard::DerivedDifference CheckDerived();
  /// Refuses what comes afterwards.  `flushed` runs when all commits are durable.
  void Stop(Function<void()> flushed);

  /// The conflict token.  ALREADY_EXISTS, unless it was created by the same request.
  void Create(schedules::NewSchedule schedule, shard::Callback<uint64_t> done);
  /// An update or a patch.  NOT_FOUND; the errors of schedules::Advance.
  void Apply(const ScheduleKey& key, schedules::Input input, shard::Callback<uint64_t> done);
  void Delete(const ScheduleKey& key, shard::Callback<bool> done);
  /// Waits a moment for the starts that are decided upon: who has triggered one wants to see it (WIRE-F12).
  void Describe(const ScheduleKey& key, shard::Callback<ws::DescribeScheduleResponse> done);
  /// The action times in (start, end], at most 1,000 of them.
  void MatchingTimes(const ScheduleKey& key, Instant start, Instant end,
                     shard::Callback<ws::ListScheduleMatchingTimesResponse> done);

 private:
  struct Entry {
    uint64_t instance = 0;  ///< Tells it from an earlier schedule of the same id when late answers come.
    schedules::State state;
    uint64_t last_commit = 0;
    std::set<std::string> under_way;  ///< Names of effects.
    int64_t bytes = 0;                ///< Its part of bytes_.
  };
  struct WaitingDescribe {
    uint64_t id = 0;
    ScheduleKey schedule;
    shard::Callback<ws::DescribeScheduleResponse> done;
  };
  using Key = ExecutionKey;  // with the schedule's id for the workflow id, and no run

  static Key KeyOf(const engine::v1::ScheduleRow& row);
  static Key KeyOf(const ScheduleKey& key);
  Entry* Find(const Key& key);
  Entry* Find(const Key& key, uint64_t instance);
  Result<Entry*> Require(const ScheduleKey& key);

  /// Stores the state as it is now; effects follow when it is durable.
  void Save(const Key& key, Entry& entry);
  void Take(const Key& key, uint64_t instance, const schedules::Input& input);
  void Forget(const Key& key, Function<void()> durable);
  void CarryOut(const Key& key, uint64_t instance);
  void CarryOutLater(const Key& key, uint64_t instance, std::string effect);
  void Begin(const Key& key, Entry& entry, const schedules::Effect& effect, const std::string& name);
  void SetTimer(const Key& key, const Entry& entry);
  void Weigh(Entry& entry);
  /// What a client adds is refused when there is too much; what schedules do by themselves is not.
  Status CheckRoom() const;
  bool OnDue(const Key& key);
  bool MayStart();
  void DescribeNow(const ScheduleKey& schedule, shard::Callback<ws::DescribeScheduleResponse> done);
  /// Those that wait for this schedule; with `only`, that one.
  void AnswerDescribes(const Key& key, std::optional<uint64_t> only);

  const shard::Options& options_;
  const Host host_;
  std::unordered_map<Key, std::unique_ptr<Entry>> entries_;
  int64_t bytes_ = 0;  // of all rows
  std::set<std::pair<std::string, std::string>> unreadable_;  // namespace and id
  std::unordered_map<Key, std::vector<WaitingDescribe>> describes_;
  uint64_t last_describe_ = 0;
  shard::DurableGate gate_;
  shard::DueTimers timers_;
  bool stopped_ = false;
  uint64_t last_instance_ = 0;
  Instant start_window_;  // the second that starts_in_window_ counts in
  int starts_in_window_ = 0;
};

}  // namespace wfe::runtime
