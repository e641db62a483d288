// The examination of nodes' texts: eight checks for each language, two or one of which repair what they find (SG-3).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "activities/nodes/report.h"
#include "activities/nodes/settings.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::nodes {

struct NodeSource {
  std::string text;
  std::optional<std::vector<std::string>> tools;  ///< Names that call_tool() knows; absent: any.
  std::vector<std::string> required_tools;        ///< Must be called.
  bool repair = true;
};

struct ExaminedNode {
  std::vector<NodeCheck> checks;        ///< In the order of WeightsOf.
  std::optional<std::string> repaired;  ///< The text after repairs, when there were any.
};

/// One for each source, in order.  All sources of Python go through one process, so that many cost little more than
/// one. INVALID_ARGUMENT for an unknown language, FAILED_PRECONDITION when the machine lacks Python or a compiler,
/// CANCELLED when the watch said so.
Result<std::vector<ExaminedNode>> ExamineNodes(const NodeSettings& settings, std::string_view language,
                                               std::span<const NodeSource> sources,
                                               const sandbox::ProcessWatch& watch = {});

/// The parts of it.
Result<std::vector<ExaminedNode>> ExaminePython(const NodeSettings& settings, std::span<const NodeSource> sources,
                                                const sandbox::ProcessWatch& watch);
Result<ExaminedNode> ExamineCpp(const NodeSettings& settings, const NodeSource& source,
                                const sandbox::ProcessWatch& watch);

/// A text that cannot be examined at all: the syntax fails for this reason, and the rest is blocked.
ExaminedNode Unreadable(std::string_view language, NodeFinding finding);

/// Status and message of a check from its findings.
void Settle(NodeCheck& check);

}  // namespace wfe::nodes
