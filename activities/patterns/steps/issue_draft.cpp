#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "activities/learning/records/rows.h"
#include "activities/patterns/steps/register.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/text.h"

namespace wfe::patterns {
namespace {

constexpr size_t kExamples = 5;

/// One line of what somebody wrote, as code, which Markdown leaves as it is.
std::string AsCode(const std::string& text) {
  std::string line = sandbox::CleanTerminalText(sandbox::ToUtf8(text));
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '`', '\'');
  return "`" + line + "`";
}

std::string DraftName(const std::string& signature) {
  std::string name = signature;
  std::ranges::replace(name, ':', '_');
  return name + ".md";
}

}  // namespace

std::string IssueText(const RoiRow& candidate, const OperationPattern& pattern,
                      const std::vector<PatternOccurrence>& examples, const std::string& now) {
  const std::string payback =
      candidate.payback_months ? fmt::format("{:.1f} months", *candidate.payback_months) : "never";
  std::string text = fmt::format("# Make a tool for {}\n\n", pattern.pattern_signature);
  text += fmt::format(
      "Agents did this {} times between {} and {}, about {:.0f} times a month. A tool would save {:.2f} USD a month.\n\n",
      pattern.agent_count, pattern.first_seen.substr(0, 10), pattern.last_seen.substr(0, 10), candidate.per_month,
      candidate.monthly_savings_usd);
  text += "## Evidence\n\n";
  text += fmt::format("- confidence {:.0f} of 100: {:.0f} % done alike, {:.0f} % successful\n", pattern.confidence_score,
                      100 * pattern.consistency, 100 * pattern.success_rate);
  text += fmt::format("- {:.0f} tokens and {:.4f} USD each\n", pattern.avg_tokens, candidate.llm_cost_usd);
  for (const PatternOccurrence& example : examples) {
    text += fmt::format("- {} in run `{}`: {}\n", example.observed_at.substr(0, 10), example.workflow_run_id,
                        AsCode(example.evidence));
  }
  text += "\n## Return\n\n| | |\n|---|---|\n";
  text += fmt::format("| making the tool | {:.2f} USD |\n", candidate.implementation_cost_usd);
  text += fmt::format("| one call of it | {:.4f} USD |\n", candidate.tool_cost_usd);
  text += fmt::format("| saved a year | {:.2f} USD |\n", candidate.annual_savings_usd);
  text += fmt::format("| paid back after | {} |\n", payback);
  text += fmt::format("| return in the first year | {:.0f} % |\n\n", candidate.roi_percent);
  text += "## Suggested tool\n\n";
  text += candidate.suggested_tool.empty() ? "None is known.\n\n" : AsCode(candidate.suggested_tool) + "\n\n";
  text += fmt::format("Once it is there:\n\n    wfe tools register TOOL.json\n    wfe patterns activate {} --tool ID\n\n",
                      pattern.pattern_signature);
  text += fmt::format("Drafted by wfe on {}.\n", now.substr(0, 10));
  return text;
}

Result<DraftIssueOutput> DraftIssue(RowStore& rows, const std::string& directory, const DraftIssueInput& input) {
  const std::string& signature = input.candidate.pattern_signature;
  if (!IsSignature(signature)) return InvalidArgument("\"" + signature + "\" is no signature");
  WFE_ASSIGN_OR_RETURN(const auto drafted, rows.GetRow(std::string(kDraftsTable), signature));
  const std::string file = directory + "/" + DraftName(signature);
  if (drafted) return DraftIssueOutput{.file = *drafted, .is_new = false};
  PatternStore store(rows);
  WFE_ASSIGN_OR_RETURN(const std::optional<OperationPattern> pattern, store.Find(signature));
  if (!pattern) return NotFound("there is no pattern " + signature);
  std::vector<PatternOccurrence> examples;
  WFE_RETURN_IF_ERROR(rows.ScanRows(std::string(kOccurrencesTable), signature + "/",
                                    [&](const std::string& key, const std::string& value) {
                                      auto row = learning::ReadRow<PatternOccurrence>(kOccurrencesTable, key, value);
                                      if (row && row->tool_id.empty()) examples.push_back(*std::move(row));
                                    }));
  std::ranges::stable_sort(examples, std::ranges::greater(), &PatternOccurrence::observed_at);
  examples.resize(std::min(examples.size(), kExamples));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory));
  WFE_RETURN_IF_ERROR(dir.Write(DraftName(signature), IssueText(input.candidate, *pattern, examples, input.now)));
  // Last, so that a draft that is noted is there.
  WFE_ASSIGN_OR_RETURN(const bool is_new, rows.AppendRow(std::string(kDraftsTable), signature, file));
  return DraftIssueOutput{.file = file, .is_new = is_new};
}

}  // namespace wfe::patterns
