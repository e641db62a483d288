// The store of definition versions (RC-18, RB-1, RB-3): which there are, which new runs get, and who changed that.
// Append-only; what a version says is a blob, canonical JSON with its hash, whatever kind of definition it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/delivery/records/version_state.h"
#include "activities/learning/records/rows.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::delivery {

/// Of a definition's text.
inline constexpr size_t kMaxDefinitionBytes = 8 << 20;

/// The same value always as the same text: keys sorted, no blanks.  INVALID_ARGUMENT when it is no JSON or too long.
Result<std::string> CanonicalJson(const std::string& text);

struct NewVersion {
  std::string workflow_id;
  std::string content;                ///< JSON.
  std::optional<int> parent_version;  ///< Absent: the one in service.
  std::string suggestion;
  nlohmann::json metrics;
  std::string author;
  std::string reason;
  std::string at;  ///< ISO 8601, UTC.
};

/// Who changes something, when and why.
struct Change {
  std::string author;
  std::string reason;
  std::string at;
};

struct VersionChange {
  std::string version_id;  ///< In service now.
  std::string previous_version_id;
  int version = 0;
  int previous_version = 0;
  bool changed = false;  ///< False: it was in service already, and nothing was recorded.
};
WFE_RECORD(VersionChange, version_id, previous_version_id, version, previous_version, changed);
constexpr RecordRules RulesOf(const VersionChange*) { return {.whole = true}; }

/// What a rollout does with the traffic.
struct SplitRequest {
  std::string rollout_id;
  int version = 0;
  int control = 0;   ///< Must be in service.
  double share = 0;  ///< 0: all new runs get the control again.
  int64_t step = 0;  ///< Rises within the rollout.
  Change change;
};

struct SplitAnswer {
  bool changed = false;   ///< False: an earlier attempt, or a later step, was there.
  std::string overtaken;  ///< Not empty: the traffic is not the rollout's any more, and why.
};

/// Every call reads the rows again, so any number of stores in any number of processes may be at work: a change that
/// meets another is decided anew on what the other left.  Callable from any thread; calls block.
///
/// Errors: NOT_FOUND (no such workflow or version), INVALID_ARGUMENT (an id, a content, no author or reason),
/// FAILED_PRECONDITION (deleted, past the original, in use), ABORTED (another change came first), UNAVAILABLE,
/// DATA_LOSS.
class VersionStore {
 public:
  explicit VersionStore(client::RecordsClient& records) : records_(records), log_(records, kVersionsTable) {}

  /// The first is v0, and in service.  A content that is there already (and not deleted) gives its number again.
  Result<int> Put(const NewVersion& version);
  Result<VersionState> Get(const std::string& workflow_id) const;
  /// By id; one that cannot be read is a problem and left out.
  Result<std::vector<VersionState>> List(learning::RowProblems& problems) const;
  /// Canonical JSON; DATA_LOSS when the blob is not what its hash says.
  Result<std::string> Content(const VersionState& state, int version) const;

  /// `only_from`: what its author saw in service; with another one nothing changes, and ABORTED says so.
  Result<VersionChange> Activate(const std::string& workflow_id, int version, const Change& change,
                                 std::optional<int> only_from = std::nullopt);
  /// To the version before, or to a named one.  While a rollout divides the traffic and nobody names one, the division
  /// ends, and the version in service stays.
  Result<VersionChange> RollBack(const std::string& workflow_id, std::optional<int> version, const Change& change,
                                 std::optional<int> only_from = std::nullopt);
  Status Delete(const std::string& workflow_id, int version, const Change& change);

  /// A step of a rollout.  A step that is not above the last one of the rollout changes nothing: an attempt that was
  /// held up cannot raise the share after a later one lowered it.
  Result<SplitAnswer> Split(const std::string& workflow_id, const SplitRequest& request);
  /// The end of a rollout: its version is in service.
  Result<SplitAnswer> Finish(const std::string& workflow_id, const SplitRequest& request);
  /// For `version`: in service, or rolled out by `rollout_id`.  The first one is kept.  False: there is one, or the
  /// version is not what its author took it for.
  Result<bool> SetBaseline(const std::string& workflow_id, int version, const std::string& rollout_id,
                           const PerformanceWindow& baseline, const std::string& at);

 private:
  using Decide = std::function<Result<std::optional<VersionEvent>>(const VersionState& state)>;
  Result<bool> Append(const std::string& workflow_id, const Decide& decide);
  Result<VersionChange> Switch(std::string_view kind, const std::string& workflow_id, std::optional<int> version,
                               const Change& change, std::optional<int> only_from);

  client::RecordsClient& records_;
  learning::EventLog log_;
};

/// Why the traffic of a workflow is not a rollout's (any more); empty while it is.
std::string WhyOvertaken(const VersionState& state, const std::string& rollout_id);

}  // namespace wfe::delivery
