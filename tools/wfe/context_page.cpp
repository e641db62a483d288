#include "tools/wfe/context_page.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/wfe/page_lines.h"
#include "tools/wfe/quota_page.h"

namespace wfe::cli {
namespace {

using context::ContextProfile;
using context::EfficiencyReport;
using context::EfficiencyRow;
using context::FileRow;

std::string PercentCell(const std::optional<double>& percent) {
  return percent ? fmt::format("{:.1f} %", *percent) : "-";
}

std::string EfficiencyLine(const EfficiencyRow& row, const std::string& name) {
  return fmt::format("{:<30}{:>5}{:>8}{:>8}{:>9}{:>9}{:>9}", CutName(name, 29), row.runs, row.loaded, row.accessed,
                     PercentCell(row.percent), TokensText(row.loaded_tokens), TokensText(row.wasted_tokens));
}

void AddContextTotal(PageLines& lines, const EfficiencyReport& report) {
  const EfficiencyRow& total = report.total;
  if (!total.percent) {
    lines.Wrap("", fmt::format("No file was loaded in {} {} of agents: there is no efficiency.", total.steps,
                               total.steps == 1 ? "step" : "steps"));
    return;
  }
  lines.Add(fmt::format("CONTEXT EFFICIENCY  {}  {}  target {:.0f} %", PercentCell(total.percent),
                        ShareBar(*total.percent / 100, 20), context::kTargetPercent));
  const double wasted = total.loaded_tokens > 0 ? 100 * static_cast<double>(total.wasted_tokens) /
                                                      static_cast<double>(total.loaded_tokens)
                                                : 0;
  lines.Wrap("  ", fmt::format("{} of {} files accessed in {} runs; {} of {} tokens billed for files were for nothing "
                               "({:.1f} %{})",
                               total.accessed, total.loaded, total.runs, TokensText(total.wasted_tokens),
                               TokensText(total.loaded_tokens), wasted,
                               total.wasted_usd.zero() ? "" : ", " + total.wasted_usd.Rounded(4) + " USD"));
  if (report.changed_only_steps > 0) {
    lines.Wrap("  ", fmt::format("of {} steps only what they changed is known: their agents do not tell what they read",
                                 report.changed_only_steps));
  }
}

}  // namespace

std::string ContextEfficiencyText(const EfficiencyReport& report, size_t runs, size_t width) {
  PageLines lines(width);
  AddContextTotal(lines, report);
  if (report.total.steps == 0) return lines.Take();
  const auto head = [&](const char* what) {
    lines.Head(fmt::format("{:<30}{:>5}{:>8}{:>8}{:>9}{:>9}{:>9}", what, "RUNS", "LOADED", "USED", "EFF.", "TOKENS",
                           "WASTED"));
  };
  head("TYPE OF WORKFLOW");
  for (const EfficiencyRow& type : report.types) {
    lines.Add(EfficiencyLine(type, type.name.empty() ? "(not named)" : type.name));
  }
  if (runs == 0) return lines.Take();
  head("LATEST RUNS");
  for (size_t i = 0; i < std::min(runs, report.runs.size()); ++i) {
    const EfficiencyRow& run = report.runs[i];
    lines.Add(EfficiencyLine(run, run.workflow_id.empty() ? run.name : run.workflow_id));
  }
  return lines.Take();
}

std::string ContextWasteText(const EfficiencyReport& report, size_t files, size_t width) {
  PageLines lines(width);
  AddContextTotal(lines, report);
  const auto wasted = std::ranges::count_if(report.files, [](const FileRow& f) { return f.wasted_tokens > 0; });
  if (wasted == 0) {
    lines.Add("Nothing was loaded for nothing.");
    return lines.Take();
  }
  lines.Head(fmt::format("{:<36}{:>7}{:>8}{:>8}{:>9}{:>10}", "FILE", "LOADS", "UNUSED", "TOKENS", "WASTED", "USD"));
  size_t shown = 0;
  for (const FileRow& file : report.files) {
    if (file.wasted_tokens == 0 || shown == files) break;
    ++shown;
    lines.Add(fmt::format("{:<36}{:>7}{:>8}{:>8}{:>9}{:>10}", CutName(file.path, 35), file.loads, file.unused,
                          TokensText(file.tokens), TokensText(file.wasted_tokens),
                          file.wasted_usd.zero() ? "-" : file.wasted_usd.Rounded(4)));
  }
  if (static_cast<size_t>(wasted) > shown) {
    lines.Add(fmt::format("… and {} more; --top shows them", static_cast<size_t>(wasted) - shown));
  }
  lines.Head("A file that is used without a trace counts as wasted, so this is the most.");
  return lines.Take();
}

std::string ContextProfilesText(const std::vector<ContextProfile>& profiles, size_t width) {
  PageLines lines(width);
  if (profiles.empty()) {
    lines.Add("no steps of agents in this time");
    return lines.Take();
  }
  lines.Add(fmt::format("{:<36}{:>6}{:>9}{:>6}{:>11}{:>10}", "CATEGORY", "STEPS", "EFF.", "SET", "EXPECTED", "TOKENS"));
  for (const ContextProfile& profile : profiles) {
    lines.Add(fmt::format("{:<36}{:>6}{:>9}{:>6}{:>11}{:>10}", CutName(profile.category, 35), profile.steps,
                          PercentCell(profile.percent), profile.recommended.size(),
                          PercentCell(profile.expected_percent),
                          profile.expected_percent ? fmt::format("{:+.0f} %", -profile.saving_percent) : "-"));
    if (!profile.project.empty()) lines.Add("  " + profile.project);
  }
  return lines.Take();
}

std::string ContextProfileText(const ContextProfile& profile, const context::ContextSets& sets, size_t files,
                               size_t width) {
  PageLines lines(width);
  lines.Add("CONTEXT OF " + profile.category);
  if (!profile.project.empty()) lines.Add("  " + profile.project);
  lines.Wrap("  ", fmt::format("{} successful steps; {} of {} loaded files accessed ({})", profile.steps,
                               profile.accessed, profile.loaded, PercentCell(profile.percent)));
  if (profile.recommended.empty()) {
    lines.Wrap("  ", "no set is recommended: " + profile.why);
  } else {
    lines.Wrap("  ", fmt::format("recommended: {} {} of {} tokens; on these steps an efficiency of {} and {:+.1f} % "
                                 "tokens of files",
                                 profile.recommended.size(), profile.recommended.size() == 1 ? "file" : "files",
                                 TokensText(profile.set_tokens),
                                 PercentCell(profile.expected_percent), -profile.saving_percent));
  }
  if (!sets.versions.empty()) {
    lines.Wrap("  ", fmt::format("{} {} kept; {}", sets.versions.size(),
                                 sets.versions.size() == 1 ? "version" : "versions",
                                 sets.active.empty() ? "none is in use" : "version " + sets.active + " is in use"));
  }
  lines.Head(fmt::format("{:<44}{:>9}{:>8}{:>8}{:>9}", "FILE", "ACCESSED", "RATE", "TOKENS", "SET"));
  for (size_t i = 0; i < std::min(files, profile.files.size()); ++i) {
    const context::ProfileFile& file = profile.files[i];
    lines.Add(fmt::format("{:<44}{:>9}{:>8}{:>8}{:>9}", CutName(file.path, 43), file.accessed,
                          fmt::format("{:.0f} %", 100 * file.rate), file.tokens > 0 ? TokensText(file.tokens) : "-",
                          file.recommended ? "yes" : ""));
  }
  if (profile.files.size() > files) {
    lines.Add(fmt::format("… and {} more; --top shows them", profile.files.size() - files));
  }
  return lines.Take();
}

std::string ToolUseText(const context::ToolUseReport& report, size_t tools, size_t width) {
  PageLines lines(width);
  if (report.tools.empty()) {
    lines.Add("no tool was called in this time");
    return lines.Take();
  }
  lines.Wrap("", fmt::format("{} {} of tools in {} {} of agents", report.calls, report.calls == 1 ? "call" : "calls",
                             report.steps, report.steps == 1 ? "step" : "steps"));
  lines.Head(fmt::format("{:<32}{:>9}{:>9}{:>9}{:>11}  {}", "TOOL", "CALLS", "FAILED", "STEPS", "MEAN", "BY"));
  for (size_t i = 0; i < std::min(tools, report.tools.size()); ++i) {
    const context::ToolUse& use = report.tools[i];
    const std::string_view by = use.via == agent::kViaToolCall ? "wfe" : std::string_view(use.via);
    lines.Add(fmt::format("{:<32}{:>9}{:>9}{:>9}{:>11}  {}", CutName(use.tool, 31), use.calls, use.failed, use.steps,
                          use.mean_duration_ms ? fmt::format("{:.1f} ms", *use.mean_duration_ms) : "-", by));
  }
  if (report.tools.size() > tools) {
    lines.Add(fmt::format("… and {} more; --top shows them", report.tools.size() - tools));
  }
  if (report.left_out > 0) {
    lines.Head(fmt::format("{} calls of long steps are counted and not listed.", report.left_out));
  }
  return lines.Take();
}

std::string ToolCallsText(const std::vector<agent::StepToolCalls>& steps, size_t calls, size_t width) {
  PageLines lines(width);
  size_t shown = 0;
  size_t kept = 0;
  for (const agent::StepToolCalls& step : steps) {
    kept += step.calls.size();
    lines.Head(fmt::format("{} {}: {} {}, {} failed", step.at.substr(0, 19), step.step_name, step.count,
                           step.count == 1 ? "call" : "calls", step.failed));
    for (const agent::AgentToolCall& call : step.calls) {
      if (shown == calls) break;
      ++shown;
      const auto hash = [](const std::string& text) { return text.empty() ? "-" : text.substr(0, 10); };
      lines.Add(fmt::format("  {:<28}{:<7}{:>9}  in {:<11} out {}", CutName(call.tool, 27),
                            call.success ? "ok" : "failed",
                            call.duration_ms ? fmt::format("{} ms", *call.duration_ms) : "-", hash(call.input_hash),
                            hash(call.output_hash)));
    }
  }
  if (kept > shown) lines.Head(fmt::format("… and {} more calls; --top shows them", kept - shown));
  return lines.Take();
}

}  // namespace wfe::cli
