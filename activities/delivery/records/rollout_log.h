// What rollouts did (RO-1): their plan, and their events, numbered (activities/learning/records/event_log.h, table
// workflow_rollouts).  The first row is the plan.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/rollout.h"
#include "activities/learning/records/event_log.h"
#include "activities/learning/records/rows.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::delivery {

inline constexpr std::string_view kRolloutsTable = "workflow_rollouts";

struct RolloutHeader {
  std::string rollout_id;
  std::string workflow_id;
  int version = 0;
  int control = 0;  ///< In service when it began.
  RolloutPlan plan;
  std::string author;
  std::string reason;
  std::string started_at;
};
WFE_RECORD(RolloutHeader, rollout_id, workflow_id, version, control, plan, author, reason, started_at);
constexpr RecordRules RulesOf(const RolloutHeader*) {
  return {.required = "rollout_id workflow_id version control started_at"};
}

struct StoredRollout {
  RolloutHeader header;
  RolloutState state;
  std::vector<RolloutEvent> events;
};
WFE_RECORD(StoredRollout, header, state, events);

/// Calls block; callable from any thread.
class RolloutLog {
 public:
  explicit RolloutLog(client::RecordsClient& records) : log_(records, kRolloutsTable) {}

  /// The first header counts; it is returned.
  Result<RolloutHeader> Begin(const RolloutHeader& header);
  /// Appends the `number`-th event (from 1).  One that is there already is left as it is.
  Status Append(const std::string& rollout_id, int64_t number, const RolloutEvent& event);
  /// NOT_FOUND when there is none.
  Result<StoredRollout> Get(const std::string& rollout_id) const;
  /// By id; one that cannot be read is a problem.
  Result<std::vector<StoredRollout>> List(learning::RowProblems& problems) const;

 private:
  learning::EventLog log_;
};

}  // namespace wfe::delivery
