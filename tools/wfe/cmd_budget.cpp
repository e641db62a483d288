// wfe budget: what model calls may cost, and what they have cost of it (QF-2).
#include <fmt/core.h>

#include <algorithm>

#include "tools/wfe/one_of.h"
#include "workers/client/budget_figures.h"
#include "engine/base/counted.h"
#include "engine/base/parse_json.h"
#include "engine/base/printable.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/prompt_store.h"
#include "wfe/records/v1/records.pb.h"

namespace wfe::cli {
namespace {

namespace rec = ::wfe::records::v1;
using client::BudgetFigure;

constexpr std::pair<const char*, rec::BudgetPeriod> kPeriods[] = {
    {"daily", rec::BUDGET_PERIOD_DAY}, {"monthly", rec::BUDGET_PERIOD_MONTH}, {"run", rec::BUDGET_PERIOD_RUN}};
constexpr std::pair<const char*, rec::BudgetOnExceed> kOnExceed[] = {{"warn", rec::BUDGET_ON_EXCEED_WARN},
                                                                     {"block", rec::BUDGET_ON_EXCEED_BLOCK},
                                                                     {"defer", rec::BUDGET_ON_EXCEED_DEFER}};

template <class Value, size_t count>
std::optional<Value> ValueOfWord(const std::pair<const char*, Value> (&pairs)[count], const std::string& word) {
  for (const auto& [each, value] : pairs) {
    if (word == each) return value;
  }
  return std::nullopt;
}

struct BudgetFlags {
  RecordsOptions records;
  std::string run_id;
  bool check = false;
  // set and reset
  std::string period;
  std::string limit;
  std::string workflow_type;
  std::optional<int> warn_at;
  std::string on_exceed;
};

template <class Response, class Request>
Result<Response> AskRecords(Globals& globals, const RecordsConnection& connection, const char* method,
                     const Request& request) {
  return client::BlockingCall<Response>(connection.channel(globals), client::kRecordsService, method, request,
                                        std::chrono::seconds(10));
}

void PrintBudget(const BudgetFigure& budget) {
  const std::string name = PrintableLine(budget.budget);
  if (!budget.limit_usd) {
    fmt::print("{:<34} {:<12} {:>12} USD used, no limit\n", name, budget.period, budget.used_usd.Rounded(4));
    return;
  }
  if (budget.period.empty()) {
    fmt::print("{:<34} {} USD for each run, then {}\n", name, budget.limit_usd->ToString(), budget.on_exceed);
    return;
  }
  fmt::print("{:<34} {:<12} {} of {} USD\n", name, PrintableLine(budget.period), budget.used_usd.Rounded(4),
             budget.limit_usd->ToString());
  fmt::print("  {} {:5.1f} %  warns at {} %, then {}\n", client::BudgetBar(budget, 30), *budget.UsedPercent(),
             budget.warn_at_percent, budget.on_exceed);
  if (!budget.reserved_usd.zero()) {
    fmt::print("  {} USD reserved for calls under way (+)\n", budget.reserved_usd.Rounded(4));
  }
  if (!budget.assumed_usd.zero()) {
    fmt::print("  {} USD of it assumed, for calls whose cost nobody reported\n", budget.assumed_usd.Rounded(4));
  }
  if (budget.unpriced_calls > 0) {
    fmt::print("  {} not in it\n", Counted(budget.unpriced_calls, "call has no price and is", "calls have no price and are"));
  }
}

Result<int> ShowBudgets(Globals& globals, const BudgetFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const std::vector<BudgetFigure> budgets,
                       client::ReadBudgets(connection.channel(globals), flags.run_id));
  if (globals.format == OutputFormat::kText) {
    for (const BudgetFigure& budget : budgets) PrintBudget(budget);
  } else {
    PrintObject({{"budgets", nlohmann::json(budgets)}}, globals.format);
  }
  const bool used_up = std::ranges::any_of(budgets, &BudgetFigure::IsUsedUp);
  return flags.check && used_up ? kExitProblemsFound : kExitOk;
}

/// The rule as it is, or a new one.
rec::BudgetRule RuleNamed(const rec::GetBudgetsResponse& budgets, const BudgetFlags& flags) {
  rec::BudgetRule rule;
  rule.set_period(*ValueOfWord(kPeriods, flags.period));
  rule.set_workflow_type(flags.workflow_type);
  rule.set_warn_at_percent(80);
  rule.set_on_exceed(rec::BUDGET_ON_EXCEED_BLOCK);
  for (const rec::BudgetStanding& budget : budgets.budgets()) {
    if (budget.rule().period() == rule.period() && budget.rule().workflow_type() == rule.workflow_type()) {
      return budget.rule();
    }
  }
  return rule;
}

Result<int> ChangeBudget(Globals& globals, const BudgetFlags& flags, bool reset) {
  std::optional<Money> limit;
  if (!reset && flags.limit != "none") {
    const Result<Money> read = Money::Parse(flags.limit);
    if (!read || read->negative()) {
      return InvalidArgument("the limit \"" + flags.limit + "\" is no amount of dollars; write 12.50, or none");
    }
    limit = *read;
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const rec::GetBudgetsResponse budgets, AskRecords<rec::GetBudgetsResponse>(globals, connection, "GetBudgets", rec::GetBudgetsRequest()));
  rec::SetBudgetRequest request;
  rec::BudgetRule& rule = *request.mutable_rule() = RuleNamed(budgets, flags);
  request.set_reset(reset);
  rule.clear_limit_nanos();
  if (limit) rule.set_limit_nanos(limit->nanos());
  if (flags.warn_at) rule.set_warn_at_percent(*flags.warn_at);
  if (!flags.on_exceed.empty()) rule.set_on_exceed(*ValueOfWord(kOnExceed, flags.on_exceed));
  WFE_RETURN_IF_ERROR(AskRecords<rec::SetBudgetResponse>(globals, connection, "SetBudget", request));
  BudgetFlags shown = flags;
  shown.check = false;
  return ShowBudgets(globals, shown);
}

Result<int> BudgetEvents(Globals& globals, const BudgetFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  Table table({{"TIME", "time"},
               {"EVENT", "event"},
               {"BUDGET", "budget", true},
               {"PERIOD", "period", true},
               {"USED", "used_usd", false, true},
               {"LIMIT", "limit_usd", false, true}});
  WFE_RETURN_IF_ERROR(
      connection.records()->ScanRows("budget_events", "", [&](const std::string&, const std::string& value) {
        nlohmann::json row = ParseJson(value);
        if (row.is_object()) table.Add(std::move(row));
      }));
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no budget has been nearly used up\n");
    return kExitOk;
  }
  table.Print(globals.format);
  return kExitOk;
}

void AddNameOptions(CLI::App& command, BudgetFlags& flags) {
  command.add_option("PERIOD", flags.period, "daily, monthly or run")
      ->required()
      ->transform(OneOf("PERIOD", {"daily", "monthly", "run"}));
  command.add_option("--type", flags.workflow_type, "Only calls of workflows of this type");
}

}  // namespace

void AddBudgetCommands(CLI::App& app, Globals& globals) {
  CLI::App& budget = *app.add_subcommand("budget", "What model calls may cost in a day, a month or a run");
  budget.require_subcommand(1);
  budget.footer("Examples:\n  wfe budget show\n  wfe budget set daily 20\n  wfe budget events");
  const auto add = [&](const char* name, const char* description, auto body) {
    CLI::App& command = *budget.add_subcommand(name, description);
    auto flags = std::make_shared<BudgetFlags>();
    AddClientOptions(command, globals);
    AddRecordsOption(command, flags->records);
    command.callback([&globals, flags, body] { globals.Run([&] { return body(globals, *flags); }); });
    return std::pair<CLI::App*, std::shared_ptr<BudgetFlags>>(&command, flags);
  };
  const auto [show, show_flags] = add("show", "The budgets, and how much of them is used", ShowBudgets);
  show->add_option("--run-id", show_flags->run_id, "Budgets per run: as this one stands");
  show->add_flag("--check", show_flags->check, "Exit code 12 when one of them is used up");
  show->footer(
      "Examples:\n  wfe budget show\n  wfe budget show --check && wfe build \"Add a --json option\"\n\n"
      "Periods are those of UTC. Exit codes: 2 bad option, 3 no server answers, 12 used up (with --check).");

  const auto [set, set_flags] =
      add("set", "Set a budget", [](Globals& g, const BudgetFlags& flags) { return ChangeBudget(g, flags, false); });
  AddNameOptions(*set, *set_flags);
  set->add_option("LIMIT", set_flags->limit, "US dollars, as in 12.50; 0 buys nothing; none: no limit")->required();
  set->add_option("--warn-at", set_flags->warn_at, "Percent of the limit at which to warn, once in a period; 0: never")
      ->check(WholeNumber(0, 100));
  set->add_option("--on-exceed", set_flags->on_exceed, "warn, block, or defer to the next period")
      ->transform(OneOf("--on-exceed", {"warn", "block", "defer"}));
  set->footer(
      "Examples:\n  wfe budget set daily 20\n  wfe budget set monthly 300 --warn-at 70 --on-exceed defer\n"
      "  wfe budget set run 1.50 --type AuditedBuildWorkflow\n  wfe budget set daily none\n\n"
      "It holds from the next call on, for all workers; what was spent in the period counts.\n"
      "Exit codes: 2 bad option, 3 no server answers.");

  const auto [reset, reset_flags] =
      add("reset", "Back to what the server's configuration says",
          [](Globals& g, const BudgetFlags& flags) { return ChangeBudget(g, flags, true); });
  AddNameOptions(*reset, *reset_flags);
  reset->footer(
      "Examples:\n  wfe budget reset daily\n  wfe budget reset run --type AuditedBuildWorkflow\n\n"
      "Exit codes: 2 bad option, 3 no server answers.");

  const auto [events, events_flags] = add("events", "When budgets were nearly or wholly used up", BudgetEvents);
  events->footer(
      "Examples:\n  wfe budget events\n  wfe budget events --output jsonl\n\nExit codes: 3 no server answers.");
}

}  // namespace wfe::cli
