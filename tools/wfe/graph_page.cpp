#include "tools/wfe/graph_page.h"

#include <fmt/core.h>

#include "engine/base/counted.h"
#include "tools/wfe/output.h"

namespace wfe::cli {
namespace {

std::string SecondsOf(int64_t milliseconds) {
  return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
}
std::string DollarsOf(Money money) { return money.zero() ? "" : "$" + money.Rounded(4); }

/// "2 from a cache, 1 recorded"
std::string Answered(const workflows::NodeProgress& node) {
  std::string text;
  if (node.from_cache > 0) text = fmt::format("{} from a cache", node.from_cache);
  if (node.recorded > 0) text += fmt::format("{}{} recorded", text.empty() ? "" : ", ", node.recorded);
  return text;
}

}  // namespace

std::string GraphPage(const workflows::GraphProgress& run, size_t width) {
  Table table({{"NODE", "node", true, false},
               {"STATUS", "status", false, false},
               {"RUNS", "runs", false, true},
               {"TIME", "time", false, true},
               {"COST", "cost", false, true},
               {"TOKENS", "tokens", false, true},
               {"", "answered", false, false}});
  for (const workflows::NodeProgress& node : run.nodes) {
    table.Add({{"node", node.id},
               {"status", node.status},
               {"runs", node.runs},
               {"time", SecondsOf(node.duration_ms)},
               {"cost", DollarsOf(node.cost_usd)},
               {"tokens", node.tokens == 0 ? "" : std::to_string(node.tokens)},
               {"answered", Answered(node)}});
  }
  std::string text =
      fmt::format("{}, version {}{}\n\n", run.graph_id, run.version.substr(0, 12), run.dry_run ? ", a dry run" : "");
  text += table.Text(width);
  text += fmt::format("\n{}: {} run in {}", run.status, Counted(run.node_runs, "node"), SecondsOf(run.duration_ms));
  if (run.dry_run) text += fmt::format(" ({} by the times of the records)", SecondsOf(run.path_ms));
  if (!run.cost_usd.zero()) text += ", " + DollarsOf(run.cost_usd);
  if (run.tokens > 0) text += ", " + Counted(run.tokens, "token");
  text += "\n";
  if (!run.message.empty()) text += run.message + "\n";
  if (run.outputs.is_object() && !run.outputs.empty()) text += "\n" + run.outputs.dump(2) + "\n";
  return text;
}

}  // namespace wfe::cli
