#include <fmt/core.h>

#include "activities/packaged/common/severity.h"
#include "tools/wfe/packaged_commands.h"
#include "tools/wfe/page_lines.h"

namespace wfe::cli {
namespace {

std::string HowManySteps(int64_t count) { return fmt::format("{} {}", count, count == 1 ? "step" : "steps"); }

}  // namespace

std::string PackagedModelLine(const packaged::ModelUse& use) {
  const std::string unanswered =
      use.unanswered == 0 ? "" : HowManySteps(use.unanswered) + " asked a model and got no answer";
  if (use.calls == 0) return unanswered.empty() ? "no model was asked" : unanswered;
  if (use.scripted) {
    return fmt::format("model: {} canned {} (scripted); no model was asked, nothing was paid", use.calls,
                       use.calls == 1 ? "answer" : "answers");
  }
  std::string line = fmt::format("model: {} {} of {}, {} tokens, ${}", use.calls, use.calls == 1 ? "call" : "calls",
                                 packaged::ModelInWords(use), use.tokens, use.cost_usd.Rounded(4));
  if (use.unpriced > 0) line += fmt::format(" and {} of unknown price", use.unpriced);
  if (use.cached > 0) line += fmt::format(", {} from the cache", use.cached);
  if (!unanswered.empty()) line += "; " + unanswered;
  return line;
}

std::string PackagedPage(const std::string& id, const workflows::PackagedResult& result) {
  PageLines page(StdoutIsTerminal() ? TerminalWidth() : 100);
  page.Wrap("", id + ": " + result.headline);
  for (const std::string& sentence : result.summary) page.Wrap("  ", sentence);
  if (!result.findings.empty()) {
    std::string line = "findings:";
    const char* separator = " ";
    for (const std::string_view severity : packaged::kSeverities) {
      const auto found = result.findings.find(std::string(severity));
      if (found == result.findings.end()) continue;
      line += fmt::format("{}{} {}", separator, found->second, severity);
      separator = ", ";
    }
    page.Add("  " + line);
  }
  for (const packaged::Gap& gap : result.gaps) page.Wrap("  missing: ", gap.step + ": " + gap.reason);
  page.Wrap("  ", PackagedModelLine(result.model_use) + "; " + HumanDuration(static_cast<double>(result.duration_ms) / 1e3));
  page.Add("  in " + result.output_dir + ":");
  for (const packaged::Deliverable& file : result.deliverables) {
    page.Add(fmt::format("    {}  {} bytes{}", file.path, file.bytes, file.unchanged ? ", as before" : ""));
  }
  return page.Take();
}

}  // namespace wfe::cli
