#include "activities/learning/records/node_registry.h"

#include <algorithm>

namespace wfe::learning {
namespace {

constexpr std::string_view kVersion = "version";
constexpr std::string_view kTested = "tested";
constexpr std::string_view kStatus = "status";

NodeVersion* FindReport(NodeState& node, const std::string& report_id) {
  const auto found = std::ranges::find(node.versions, report_id, &NodeVersion::report_id);
  return found == node.versions.end() ? nullptr : &*found;
}

void ChooseCurrent(NodeState& node, bool retired) {
  node.current_version = node.versions.empty() ? 0 : node.versions.back().version;
  node.status = kNodeNew;
  for (const NodeVersion& version : node.versions) {
    if (version.test_result != "passed") continue;
    node.current_version = version.version;
    node.status = kNodeReady;
  }
  if (retired) node.status = kNodeRetired;
}

}  // namespace

Result<NodeState> FoldNode(const std::string& node_id, const StoredEvents& events) {
  NodeState node{.node_id = node_id};
  bool retired = false;
  for (const auto& [key, value] : events) {
    WFE_ASSIGN_OR_RETURN(const NodeEvent event, ReadRow<NodeEvent>(kNodesTable, key, value));
    node.updated_at = event.at;
    if (event.kind == kVersion) {
      if (!event.description.empty()) node.description = event.description;
      if (!event.task_type.empty()) node.task_type = event.task_type;
      node.versions.push_back({.version = static_cast<int>(node.versions.size()) + 1,
                               .content_hash = event.content_hash,
                               .report_id = event.report_id,
                               .test_result = event.test_result,
                               .created_at = event.at});
    } else if (event.kind == kTested) {
      NodeVersion* const version = FindReport(node, event.report_id);
      if (version == nullptr) {
        return DataLoss("row " + key + " of table node_registry is about report " + event.report_id +
                        ", which the node does not have");
      }
      version->test_result = event.test_result;
    } else if (event.kind == kStatus) {
      retired = event.status == kNodeRetired;
    } else {
      return DataLoss("row " + key + " of table node_registry is of the unknown kind \"" + event.kind +
                      "\"; a newer wfe may have written it");
    }
  }
  ChooseCurrent(node, retired);
  return node;
}

Result<NodeState> NodeRegistry::Get(const std::string& node_id) const {
  WFE_ASSIGN_OR_RETURN(const StoredEvents events, log_.Read(node_id));
  if (events.empty()) return NotFound("there is no node \"" + node_id + "\" in the registry");
  return FoldNode(node_id, events);
}

Result<std::vector<NodeState>> NodeRegistry::List(RowProblems& problems) const {
  WFE_ASSIGN_OR_RETURN(const auto all, log_.ReadAll());
  std::vector<NodeState> nodes;
  for (const auto& [id, events] : all) {
    Result<NodeState> node = FoldNode(id, events);
    if (node) {
      nodes.push_back(*std::move(node));
    } else {
      problems.push_back(node.error().message);
    }
  }
  return nodes;
}

Result<bool> NodeRegistry::AddVersion(const std::string& node_id, const NodeEvent& version) {
  if (version.report_id.empty()) return InvalidArgument("a version of node " + node_id + " needs its report");
  return log_.Append(node_id, [&](const StoredEvents& events) -> Result<std::optional<std::string>> {
    WFE_ASSIGN_OR_RETURN(NodeState node, FoldNode(node_id, events));
    if (FindReport(node, version.report_id) != nullptr) return std::optional<std::string>();
    NodeEvent event = version;
    event.kind = kVersion;
    return std::optional(RowText(event));
  });
}

Result<bool> NodeRegistry::SetTestResult(const std::string& node_id, const std::string& report_id,
                                         const std::string& test_result, const std::string& at) {
  return log_.Append(node_id, [&](const StoredEvents& events) -> Result<std::optional<std::string>> {
    WFE_ASSIGN_OR_RETURN(NodeState node, FoldNode(node_id, events));
    const NodeVersion* const version = FindReport(node, report_id);
    if (version == nullptr) return NotFound("node " + node_id + " has no version of report " + report_id);
    if (version->test_result == test_result) return std::optional<std::string>();
    NodeEvent event;
    event.kind = kTested;
    event.at = at;
    event.report_id = report_id;
    event.test_result = test_result;
    return std::optional(RowText(event));
  });
}

Result<bool> NodeRegistry::SetStatus(const std::string& node_id, const std::string& status, const std::string& author,
                                     const std::string& reason, const std::string& at) {
  if (status != kNodeRetired && status != kNodeNew) {
    return InvalidArgument("the status of a node is set to retired or new, not to \"" + status + "\"");
  }
  if (author.empty() || reason.empty()) return InvalidArgument("a node's status needs an author and a reason");
  return log_.Append(node_id, [&](const StoredEvents& events) -> Result<std::optional<std::string>> {
    if (events.empty()) return NotFound("there is no node \"" + node_id + "\" in the registry");
    WFE_ASSIGN_OR_RETURN(const NodeState node, FoldNode(node_id, events));
    if ((node.status == kNodeRetired) == (status == kNodeRetired)) return std::optional<std::string>();
    NodeEvent event;
    event.kind = kStatus;
    event.at = at;
    event.status = status;
    event.author = author;
    event.reason = reason;
    return std::optional(RowText(event));
  });
}

}  // namespace wfe::learning
