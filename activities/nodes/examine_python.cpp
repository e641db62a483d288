#include <nlohmann/json.hpp>

#include "activities/nodes/examine.h"
#include "activities/nodes/scene.h"
#include "engine/base/parse_json.h"

namespace wfe::nodes {
namespace {

using nlohmann::json;

/// Of one process of the examiner.  The examiner itself ends a file that takes too much of the processor; this is the
/// limit of last resort, and generous, since a loaded machine is slow with files that are right.
constexpr size_t kMaxBatchBytes = 1 << 20;
constexpr uint64_t kMaxAnswerBytes = 64ull << 20;
constexpr auto kBatchTime = std::chrono::minutes(10);

NodeFinding ReadFinding(const json& answer) {
  return {.rule = answer.at("rule").get<std::string>(),
          .line = answer.at("line").get<int64_t>(),
          .message = answer.at("message").get<std::string>()};
}

NodeCheck ReadCheck(const json& answer) {
  NodeCheck check;
  check.name = answer.at("name").get<std::string>();
  check.score = answer.at("score").get<double>();
  for (const json& finding : answer.at("findings")) check.findings.push_back(ReadFinding(finding));
  if (const std::string why = answer.at("skipped").get<std::string>(); !why.empty()) {
    check.status = kSkipped;
    check.message = why;
  } else if (const std::string reason = answer.at("blocked").get<std::string>(); !reason.empty()) {
    check.status = kBlocked;
    check.message = reason;
  }
  if (const json& fixed = answer.at("fixed"); !fixed.is_null()) {
    const NodeFinding was = ReadFinding(fixed);
    check.auto_fixed = true;
    check.message = "repaired: " + was.message;
    check.line = was.line;
    check.rule = was.rule;
  }
  Settle(check);
  return check;
}

ExaminedNode ReadAnswer(const std::string& line) {
  const json answer = ParseJson(line);
  ExaminedNode node;
  if (const json& text = answer.at("text"); !text.is_null()) node.repaired = text.get<std::string>();
  for (const json& check : answer.at("checks")) node.checks.push_back(ReadCheck(check));
  return node;
}

std::string Question(const NodeSource& source) {
  json question = {{"text", source.text}, {"required_tools", source.required_tools}, {"repair", source.repair}};
  question["tools"] = source.tools.has_value() ? json(*source.tools) : json(nullptr);
  return question.dump() + "\n";
}

/// Why the examiner ended at a file.
std::string HowItEnded(const sandbox::ProcessOutcome& outcome) {
  if (outcome.limit == sandbox::ProcessOutcome::Limit::kMemory) return "it takes more memory than there is for it";
  if (outcome.kind == sandbox::ProcessOutcome::Kind::kTimedOut) return "it takes too long";
  // bubblewrap passes on a signal as 128 and more.
  const int signal = outcome.signal != 0 ? outcome.signal : outcome.exit_code - 128;
  return "the examiner ended at it by signal " + std::to_string(signal);
}

bool FailedByItself(const sandbox::ProcessOutcome& outcome) {
  return outcome.kind == sandbox::ProcessOutcome::Kind::kExited && outcome.exit_code < 128 &&
         outcome.limit == sandbox::ProcessOutcome::Limit::kNone;
}

std::string Tail(const std::string& text) { return text.substr(text.size() - std::min<size_t>(text.size(), 300)); }

}  // namespace

Result<std::vector<ExaminedNode>> ExaminePython(const NodeSettings& settings, std::span<const NodeSource> sources,
                                                const sandbox::ProcessWatch& watch) {
  std::vector<ExaminedNode> examined;
  if (sources.empty()) return examined;
  WFE_ASSIGN_OR_RETURN(const PythonTool python, settings.Python());
  WFE_ASSIGN_OR_RETURN(const std::string examiner, settings.ExaminerDirectory());
  WFE_ASSIGN_OR_RETURN(NodeScene scene, NodeScene::Make(settings));
  scene.ShowTool(python.directories);
  NodeScene::Command command;
  command.argv = {python.program, "-I", "-B", scene.Show(examiner, "/wfe/examiner")};
  command.limits = LimitsOfTool(kBatchTime, kMaxAnswerBytes);
  while (examined.size() < sources.size()) {
    command.standard_input.clear();
    const size_t first = examined.size();
    for (size_t i = first; i < sources.size() && command.standard_input.size() < kMaxBatchBytes; ++i) {
      command.standard_input += Question(sources[i]);
    }
    const sandbox::ProcessOutcome outcome = scene.Run(command, watch);
    if (outcome.kind == sandbox::ProcessOutcome::Kind::kCancelled) return Cancelled("the examination was cancelled");
    if (outcome.kind == sandbox::ProcessOutcome::Kind::kCouldNotStart) {
      return FailedPrecondition("the examiner of nodes could not be started: " + outcome.start_error);
    }
    if (outcome.out.truncated) return Internal("the examiner of nodes wrote more than is read of it");
    size_t start = 0;
    for (size_t end; (end = outcome.out.text.find('\n', start)) != std::string::npos; start = end + 1) {
      try {
        examined.push_back(ReadAnswer(outcome.out.text.substr(start, end - start)));
      } catch (const json::exception& e) {
        return Internal("the examiner of nodes answered what is no answer: " + JsonErrorText(e));
      }
    }
    const bool whole = outcome.kind == sandbox::ProcessOutcome::Kind::kExited && outcome.exit_code == 0;
    if (whole) {
      if (examined.size() == first) return Internal("the examiner of nodes gave no answer");
      continue;
    }
    if (FailedByItself(outcome))
      return Internal("the examiner of nodes failed: " + sandbox::Printable(Tail(outcome.err.text)));
    if (examined.size() < sources.size()) {
      examined.push_back(Unreadable(
          kPython, {.rule = "examiner", .line = 0, .message = "the file cannot be examined: " + HowItEnded(outcome)}));
    }
  }
  return examined;
}

}  // namespace wfe::nodes
