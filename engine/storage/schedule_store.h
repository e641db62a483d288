// The schedules of a store: one row each, replaced whenever the schedule does something.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/storage/commit_stage.h"
#include "wfe/engine/v1/schedule.pb.h"

namespace wfe::storage {

/// Told of a schedule whose row cannot be read: namespace, id, why.
using UnreadableSchedule = std::function<void(const std::string&, const std::string&, const Error&)>;

/// Every schedule of every namespace; stops at the first error, the visitor's too.  For tools on a store at rest, too.
/// Without `unreadable` a row that cannot be read is such an error.
Status ForEachSchedule(const KeyValueReader& rows, const std::function<Status(engine::v1::ScheduleRow)>& visit,
                       const UnreadableSchedule& unreadable = {});

/// Thread-safe, but the writes of one schedule must come from one thread at a time, as they do from its shard.
/// `stage` outlives it.
class ScheduleStore {
 public:
  explicit ScheduleStore(CommitStage& stage) : stage_(stage) {}

  /// Adds or replaces a row; `durable` runs as for ExecutionStore::Commit.
  void Put(const engine::v1::ScheduleRow& row, DurableCallback durable);
  void Delete(std::string_view ns, std::string_view schedule_id, DurableCallback durable);

  /// Every schedule, for recovery.
  Status ForEach(const std::function<Status(engine::v1::ScheduleRow)>& visit,
                 const UnreadableSchedule& unreadable) const {
    return ForEachSchedule(stage_, visit, unreadable);
  }
  /// Those of a namespace by id, from after `after`, as long as the visitor answers true.  Rows that cannot be read are
  /// passed over: they were named at the start.
  Status ForEachAfter(std::string_view ns, const std::string& after,
                      const std::function<bool(engine::v1::ScheduleRow)>& visit) const;

 private:
  CommitStage& stage_;
};

}  // namespace wfe::storage
