#include "activities/nodes/examine.h"

#include "activities/sandbox/text.h"

namespace wfe::nodes {

void Settle(NodeCheck& check) {
  if (check.status.empty()) check.status = check.findings.empty() ? kPass : kFail;
  if (check.findings.empty()) return;
  check.message = check.findings.front().message;
  check.line = check.findings.front().line;
  check.rule = check.findings.front().rule;
}

ExaminedNode Unreadable(std::string_view language, NodeFinding finding) {
  ExaminedNode node;
  for (const CheckWeight& weighted : WeightsOf(language)) {
    NodeCheck check;
    check.name = weighted.check;
    if (node.checks.empty()) {
      check.findings = {finding};
    } else {
      check.status = kBlocked;
      check.message = "the file cannot be read as code";
    }
    Settle(check);
    node.checks.push_back(std::move(check));
  }
  return node;
}

namespace {

std::optional<NodeFinding> WhyNotRead(const NodeSettings& settings, const NodeSource& source) {
  const uint64_t limit = settings.config().limits.source_bytes;
  if (source.text.size() > limit) {
    return NodeFinding{.rule = "too-large",
                       .line = 0,
                       .message = "the file has " + std::to_string(source.text.size()) + " bytes; at most " +
                                  std::to_string(limit) + " are examined"};
  }
  if (!sandbox::IsUtf8(source.text)) {
    return NodeFinding{.rule = "E902", .line = 0, .message = "the file is not text in UTF-8"};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<ExaminedNode>> ExamineNodes(const NodeSettings& settings, std::string_view language,
                                               std::span<const NodeSource> sources,
                                               const sandbox::ProcessWatch& watch) {
  if (WeightsOf(language).empty()) {
    return InvalidArgument("there are no nodes in the language \"" + sandbox::Printable(language) +
                           "\"; it may be python or cpp");
  }
  std::vector<ExaminedNode> examined(sources.size());
  std::vector<NodeSource> readable;
  std::vector<size_t> places;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (const auto why = WhyNotRead(settings, sources[i])) {
      examined[i] = Unreadable(language, *why);
    } else {
      readable.push_back(sources[i]);
      places.push_back(i);
    }
  }
  if (language == kPython) {
    WFE_ASSIGN_OR_RETURN(std::vector<ExaminedNode> nodes, ExaminePython(settings, readable, watch));
    for (size_t i = 0; i < nodes.size(); ++i) examined[places[i]] = std::move(nodes[i]);
    return examined;
  }
  for (size_t i = 0; i < readable.size(); ++i) {
    WFE_ASSIGN_OR_RETURN(examined[places[i]], ExamineCpp(settings, readable[i], watch));
  }
  return examined;
}

}  // namespace wfe::nodes
