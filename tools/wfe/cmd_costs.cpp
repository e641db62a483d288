// wfe costs: what model calls were made and what they cost, from the cost ledger.
#include <fmt/core.h>

#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/cost_summary.h"
#include "engine/base/counted.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/cost_sums.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {
namespace {

using agent::CostReport;
using agent::CostSummary;
using agent::MeanCost;

struct CostOptions {
  RecordsOptions records;
  std::string workflow;
  std::string since;
  std::string by = "model";
};

/// "2026-11-21", a time with a zone, or how long ago: "90m", "24h", "7d".
Result<Instant> ReadSince(const std::string& text, Instant now) {
  if (const std::optional<Instant> time = ParseIso8601(text)) return *time;
  if (const std::optional<Instant> day = ParseIso8601(text + "T00:00:00.000Z")) return *day;
  const std::map<char, int64_t> units = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}};
  const auto unit = text.size() >= 2 && text.size() <= 9 ? units.find(text.back()) : units.end();
  if (unit != units.end() && text.find_first_not_of("0123456789") == text.size() - 1) {
    return now - std::chrono::seconds(std::stoll(text) * unit->second);
  }
  return InvalidArgument(
      "--since takes a day (2026-11-21), a time (2026-11-21T05:00:00Z) or an age (90m, 24h, 7d), not \"" + text + "\"");
}

std::string CostText(const CostReport::Group& group) {
  const std::string cost = group.cost_usd.Rounded(4);
  return group.unpriced > 0 ? fmt::format("{} + {} unpriced", cost, group.unpriced) : cost;
}

nlohmann::json ForPeople(const CostReport::Group& group) {
  nlohmann::json row = group;
  if (group.name.empty()) row["name"] = "(not named)";
  row["cost_usd"] = CostText(group);
  return row;
}

void PrintCostSummary(const CostSummary& summary) {
  const auto line = [](const char* title, const CostReport::Group& group) {
    fmt::print("{:<12} {:>9} {:<5}  {:>14} USD\n", title, group.calls, group.calls == 1 ? "call" : "calls", CostText(group));
  };
  line("Today", summary.today);
  line("This month", summary.month);
  line("Total", summary.total);
  if (const auto mean = MeanCost(summary.total)) fmt::print("{:<12} {:>32} USD\n", "Mean a call", mean->Rounded(6));
  fmt::print("\n");
}

Result<int> Costs(Globals& globals, const CostOptions& options) {
  const Instant now = SystemClock().Now();
  CostReport::Filter filter{.workflow_id = options.workflow, .since = std::nullopt};
  if (!options.since.empty()) {
    WFE_ASSIGN_OR_RETURN(filter.since, ReadSince(options.since, now));
  }
  WFE_ASSIGN_OR_RETURN(RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  CostReport report;
  int64_t strange = 0;
  WFE_RETURN_IF_ERROR(connection.records()->ScanRows(std::string(agent::kCostLedgerTable), "",
                                                     [&](const std::string&, const std::string& value) {
                                                       if (!report.Add(value)) ++strange;
                                                     }));
  const CostReport::Sums sums = report.Sum(filter, options.by, now);
  if (strange > 0) {
    Warn(Counted(strange, "row of the ledger is no call and is", "rows of the ledger are no calls and are") + " left out",
         globals.format);
  }
  if (globals.format == OutputFormat::kText) {
    if (sums.groups.empty()) {
      fmt::print("no model calls in the ledger{}\n", options.workflow.empty() && !filter.since ? "" : " that fit");
      return kExitOk;
    }
    PrintCostSummary(agent::Summarize(report, filter, now));
    std::string title = options.by;
    for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    Table table({{title, "name", true, false},
                 {"CALLS", "calls", false, true},
                 {"FAILED", "failed", false, true},
                 {"LOST", "lost", false, true},
                 {"OPEN", "open", false, true},
                 {"IN", "input_tokens", false, true},
                 {"CACHED", "cached_tokens", false, true},
                 {"OUT", "output_tokens", false, true},
                 {"USD", "cost_usd", false, true}});
    for (const CostReport::Group& group : sums.groups) table.Add(ForPeople(group));
    if (sums.groups.size() > 1) table.Add(ForPeople(sums.total));
    table.Print(globals.format);
    if (sums.total.uncounted > sums.total.open) {
      PrintPage(fmt::format("{} of the calls ended without any count of tokens; what they cost is not known.\n",
                            sums.total.uncounted - sums.total.open), 0);
    }
    return kExitOk;
  }
  PrintObject(CostSumsJson(report, filter, options.by, now), globals.format);
  return kExitOk;
}

}  // namespace

void AddCostsCommand(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<CostOptions>();
  CLI::App& costs = *app.add_subcommand("costs", "Model calls and what they cost, failed and lost ones included");
  AddClientOptions(costs, globals);
  AddRecordsOption(costs, options->records);
  costs.add_option("--workflow", options->workflow, "Only calls of this workflow id");
  costs.add_option("--since", options->since, "Only calls since a day, a time or an age: 2026-11-21, 24h, 7d");
  costs.add_option("--by", options->by, "model (default), day, month, workflow, type or step")
      ->transform(OneOf("--by", {"model", "day", "month", "workflow", "type", "step"}));
  costs.footer(
      "Examples:\n  wfe costs\n  wfe costs --since 7d --by day\n  wfe costs --workflow my-build --by step --output "
      "json\n\n"
      "Days are those of UTC. A call whose model has no price is counted and has no part in the sums.\n"
      "Exit codes: 2 bad option, 3 no server answers.");
  costs.callback([&globals, options] { globals.Run([&] { return Costs(globals, *options); }); });
}

}  // namespace wfe::cli
