#include "tools/wfe/generation_page.h"

#include <fmt/core.h>

#include "engine/base/counted.h"
#include "tools/wfe/output.h"

namespace wfe::cli {
namespace {

std::string Dollars(Money money) { return "$" + money.Rounded(4); }

std::string StepTable(const workflows::GenerationResult& result) {
  Table table({{.title = "STEP", .key = "name"},
               {.title = "TIME", .key = "time", .right = true},
               {.title = "TOKENS", .key = "tokens", .right = true},
               {.title = "COST", .key = "cost", .right = true},
               {.title = "WHAT", .key = "what", .elastic = true}});
  for (const workflows::GenerationStep& step : result.steps) {
    const bool asked = !step.model.empty();
    const std::string cost = !asked            ? ""
                             : step.cached     ? "cached"
                             : step.cost_usd   ? Dollars(*step.cost_usd)
                             : result.scripted ? "none"
                                               : "unknown";
    std::string what = step.status == "failed" ? "no: " + step.detail : step.detail;
    if (asked) what += (what.empty() ? "" : ", ") + step.model;
    table.Add({{"name", step.name},
               {"time", HumanDuration(static_cast<double>(step.duration_ms) / 1e3)},
               {"tokens", asked ? std::to_string(step.tokens) : ""},
               {"cost", cost},
               {"what", what}});
  }
  return table.Text(StdoutIsTerminal() ? TerminalWidth() : 100);
}

std::string CostLine(const workflows::GenerationResult& result) {
  std::string line = fmt::format("{}, {} of a model, {}", HumanDuration(static_cast<double>(result.duration_ms) / 1e3),
                                 Counted(result.model_calls, "call"), Counted(result.tokens, "token"));
  if (result.cached_calls > 0) {
    line += fmt::format(", {} from the cache ({} saved)", result.cached_calls, Dollars(result.cost_saved_usd));
  }
  if (result.scripted) return line + ", nothing paid: the answers are canned (scripted)";
  line += ", " + Dollars(result.cost_usd);
  if (result.unpriced_calls > 0) line += fmt::format(" and {} of unknown price", result.unpriced_calls);
  return line;
}

}  // namespace

std::string GenerationPage(const workflows::GenerationResult& result, const std::string& written_to) {
  std::string page = "\n" + StepTable(result) + "\n";
  page += fmt::format("{}: {}", result.node_id, result.state);
  if (!result.grade.empty()) page += fmt::format(", grade {} ({:.2f})", result.grade, result.score);
  if (result.tests > 0) page += fmt::format(", {} of {} tests passed", result.tests - result.tests_failed, result.tests);
  page += "\n  " + CostLine(result) + "\n";
  if (!result.repaired.empty()) {
    page += "  repaired without a model:";
    for (const std::string& check : result.repaired) page += " " + check;
    page += "\n";
  }
  if (!result.message.empty()) page += "  " + result.message + "\n";
  if (!result.findings.empty()) page += "\n" + result.findings + "\n";
  if (!written_to.empty()) return page + "  written to " + written_to + "\n";
  if (!result.code.empty()) page += "\n" + result.code;
  return page;
}

}  // namespace wfe::cli
