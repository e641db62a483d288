// The registry of generated nodes (RC-2): what there is, which version is current, what its tests said.
//
// A node is a fold over its events (event_log.h, table node_registry):
//   version  a generation: its text's hash, its report
//   tested   what the tests of a version said
//   status   a person or a workflow decided about the node
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/records/event_log.h"
#include "activities/learning/records/rows.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

inline constexpr std::string_view kNodesTable = "node_registry";

/// The values of NodeState::status.
inline constexpr std::string_view kNodeNew = "new";          ///< No version has passed its tests.
inline constexpr std::string_view kNodeReady = "ready";      ///< The current version has.
inline constexpr std::string_view kNodeRetired = "retired";  ///< Decided by `status`.

struct NodeVersion {
  int version = 0;
  std::string content_hash;
  std::string report_id;
  std::string test_result;  ///< "passed", "failed", or empty: not tested.
  std::string created_at;
};
WFE_RECORD(NodeVersion, version, content_hash, report_id, test_result, created_at);
constexpr RecordRules RulesOf(const NodeVersion*) { return {.seldom = "test_result"}; }

struct NodeState {
  std::string node_id;
  std::string description;
  std::string task_type;
  int current_version = 0;  ///< The newest that passed its tests; the newest of all while none has.
  std::vector<NodeVersion> versions;
  std::string status{kNodeNew};
  std::string updated_at;
};
WFE_RECORD(NodeState, node_id, description, task_type, current_version, versions, status, updated_at);

/// One row.
struct NodeEvent {
  std::string kind;
  std::string at;  ///< ISO 8601, UTC.
  std::string description;
  std::string task_type;
  std::string content_hash;
  std::string report_id;
  std::string test_result;
  std::string status;
  std::string author;
  std::string reason;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(NodeEvent, kind, at, description, task_type, content_hash, report_id, test_result, status, author, reason);
constexpr RecordRules RulesOf(const NodeEvent*) {
  return {.required = "kind at",
          .seldom = "description task_type content_hash report_id test_result status author reason"};
}

/// Pure.  DATA_LOSS names the row that is no event or of an unknown kind.
Result<NodeState> FoldNode(const std::string& node_id, const StoredEvents& events);

/// Calls block; callable from any thread.  No call waits for a model: each is a read and a row (RC-2).
class NodeRegistry {
 public:
  explicit NodeRegistry(client::RecordsClient& records) : log_(records, kNodesTable) {}

  /// NOT_FOUND when there is no such node.
  Result<NodeState> Get(const std::string& node_id) const;
  /// By id; a node whose events cannot be read is a problem and left out.
  Result<std::vector<NodeState>> List(RowProblems& problems) const;

  /// A generation of the node.  The same report again changes nothing (false).
  Result<bool> AddVersion(const std::string& node_id, const NodeEvent& version);
  /// What the tests of the version with this report said.  The same result again changes nothing.
  Result<bool> SetTestResult(const std::string& node_id, const std::string& report_id, const std::string& test_result,
                             const std::string& at);
  /// `retired`, or `new` to have it again; needs author and reason.
  Result<bool> SetStatus(const std::string& node_id, const std::string& status, const std::string& author,
                         const std::string& reason, const std::string& at);

 private:
  EventLog log_;
};

}  // namespace wfe::learning
