// A workflow with the profile of some of its executions: what suggestions, searches and trials are about.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/records/version_store.h"
#include "activities/graph/graph.h"
#include "activities/optimizer/steps/session_steps.h"
#include "engine/base/result.h"

namespace wfe::optimizer {

struct ProfiledWorkflow {
  ProfileWindow window;
  std::string content;                ///< Of the version, canonical JSON.
  std::optional<graph::Graph> graph;  ///< Absent: its versions are settings of a workflow in C++ (GW-3).
  std::vector<delivery::ExecutionRecord> executions;
  PerformanceProfile profile;  ///< With its bottlenecks.

  const graph::Graph* GraphOrNull() const { return graph ? &*graph : nullptr; }
};

/// The last `count` executions of the version in service.  NOT_FOUND: there is no such workflow.  FAILED_PRECONDITION:
/// that version has no executions yet.
Result<ProfiledWorkflow> ProfileLast(client::RecordsClient& records, const std::string& workflow_id, int64_t count,
                                     const BottleneckRules& rules, const Catalog& catalog, Instant now,
                                     learning::RowProblems& problems);

/// The same executions again.
Result<ProfiledWorkflow> ProfileAgain(client::RecordsClient& records, const ProfileWindow& window,
                                      const BottleneckRules& rules, const Catalog& catalog,
                                      learning::RowProblems& problems);

/// A graph, where the content is one; nullopt: it is not meant to be one (it has no nodes).  DATA_LOSS: it cannot be
/// read.
Result<std::optional<graph::Graph>> GraphOf(const std::string& content);

}  // namespace wfe::optimizer
