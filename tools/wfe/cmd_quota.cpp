// wfe quota: what the month's quota of tokens comes to, before it is gone (QF-3 to QF-7).
#include <fmt/core.h>

#include <algorithm>

#include "activities/quota/steps/quota_report.h"
#include "engine/base/counted.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/quota_page.h"
#include "tools/wfe/record_file.h"

namespace wfe::cli {
namespace {

struct QuotaFlags {
  RecordsOptions records;
  std::string daily;
  std::string at;
  std::string html;
  std::optional<int64_t> limit;
  std::string type;
  bool check = false;
};

/// A day is its beginning: then the days before it are over.
Result<Instant> ReadAt(const std::string& text) {
  if (text.empty()) return SystemClock().Now();
  if (const std::optional<quota::Day> day = quota::ParseDay(text)) return Instant(*day);
  if (const std::optional<Instant> time = ParseIso8601(text)) return *time;
  return InvalidArgument("--at takes a day (2026-11-21) or a time (2026-11-21T05:00:00Z), not \"" + text + "\"");
}

Result<std::map<quota::Day, int64_t>> ReadDaily(const std::string& file) {
  WFE_ASSIGN_OR_RETURN(const auto rows, ReadRecordFile<std::vector<quota::UsedDay>>(file, "the days"));
  std::map<quota::Day, int64_t> by_day;
  for (const quota::UsedDay& row : rows) {
    const std::optional<quota::Day> day = quota::ParseDay(row.day);
    if (!day) return InvalidArgument("the days in " + file + ": \"" + row.day + "\" is not a day like 2026-01-31");
    if (row.tokens < 0) return InvalidArgument("the days in " + file + ": " + row.day + " has less than no tokens");
    if (!by_day.emplace(*day, row.tokens).second) {
      return InvalidArgument("the days in " + file + ": " + row.day + " is there twice");
    }
  }
  // A typing error in a year would make a series of a million days of nothing.
  constexpr std::chrono::days kLongest(3660);
  if (!by_day.empty() && by_day.rbegin()->first - by_day.begin()->first > kLongest) {
    return InvalidArgument("the days in " + file + " are more than ten years apart");
  }
  return by_day;
}

Result<quota::QuotaReport> QuotaReportFor(Globals& globals, const QuotaFlags& flags, quota::QuotaRules& rules,
                                          Instant& now) {
  WFE_ASSIGN_OR_RETURN(now, ReadAt(flags.at));
  WFE_ASSIGN_OR_RETURN(const Config* const config, globals.config());
  rules = QuotaRulesOf(config->quota);
  if (flags.limit) rules.monthly_tokens = *flags.limit;
  if (!flags.daily.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto by_day, ReadDaily(flags.daily));
    return quota::ReportOfDays(by_day, rules, now);
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(quota::QuotaReport report, quota::ReadQuotaReport(*connection.records(), rules, now));
  if (report.strange_rows > 0) {
    Warn(Counted(report.strange_rows, "row of the ledger is no call and is", "rows of the ledger are no calls and are") +
             " left out",
         globals.format);
  }
  return report;
}

Result<int> ShowQuota(Globals& globals, const QuotaFlags& flags, bool whole) {
  quota::QuotaRules rules;
  Instant now{};
  WFE_ASSIGN_OR_RETURN(const quota::QuotaReport report, QuotaReportFor(globals, flags, rules, now));
  if (!flags.html.empty()) WFE_RETURN_IF_ERROR(WriteTextFile(flags.html, QuotaHtml(report)));
  if (globals.format != OutputFormat::kText) {
    PrintJson(report, globals.format);
  } else {
    const size_t width = std::min<size_t>(TerminalWidth(), 80);
    PrintText(whole ? QuotaForecastText(report, width) : QuotaStatusText(report, width));
  }
  const auto& gone = report.forecast.exhaustion;
  return flags.check && gone && !gone->day.empty() ? kExitProblemsFound : kExitOk;
}

Result<int> CheckQuota(Globals& globals, const QuotaFlags& flags) {
  quota::QuotaRules rules;
  Instant now{};
  WFE_ASSIGN_OR_RETURN(const quota::QuotaReport report, QuotaReportFor(globals, flags, rules, now));
  const quota::PreflightFacts facts = quota::FactsOf(report, flags.type);
  const quota::PreflightDecision decision = quota::DecidePreflight(facts, rules.preflight, now);
  nlohmann::ordered_json shown;
  shown["workflow_type"] = flags.type;
  shown["decision"] = decision.decision;
  shown["reason"] = decision.reason;
  shown["delay_s"] = decision.delay_s;
  shown["projected_percent"] = decision.projected_percent;
  shown["run_budget"] = facts.run_budget;
  PrintObject(shown, globals.format);
  return decision.decision == quota::kDeny ? kExitProblemsFound : kExitOk;
}

}  // namespace

void AddQuotaCommands(CLI::App& app, Globals& globals) {
  CLI::App& command = *app.add_subcommand("quota", "What the month's quota of tokens comes to, before it is gone");
  command.require_subcommand(1);
  command.footer("Examples:\n  wfe quota status\n  wfe quota forecast\n  wfe quota check AuditedBuildWorkflow");
  const auto add = [&](const char* name, const char* description, auto body) {
    CLI::App& sub = *command.add_subcommand(name, description);
    auto flags = std::make_shared<QuotaFlags>();
    AddClientOptions(sub, globals);
    AddRecordsOption(sub, flags->records);
    sub.add_option("--quota", flags->limit, "Tokens a month (default: $WFE_QUOTA_LIMIT, quota.monthly_tokens)")
        ->check(WholeNumber(0, kMostQuotaTokens));
    sub.add_option("--daily", flags->daily,
                   "JSON file [{\"day\": \"2026-11-01\", \"tokens\": 5}, …] instead of the ledger");
    sub.add_option("--at", flags->at, "As of this day's beginning, or time (default: now)");
    sub.callback([&globals, flags, body] { globals.Run([&] { return body(globals, *flags); }); });
    return std::pair<CLI::App*, std::shared_ptr<QuotaFlags>>(&sub, flags);
  };
  const auto [forecast, forecast_flags] =
      add("forecast", "Usage at the month's end, the day on which the quota is gone, a plan by day",
          [](Globals& g, const QuotaFlags& flags) { return ShowQuota(g, flags, true); });
  forecast->add_option("--html", forecast_flags->html, "Write a page to this file, too");
  forecast->add_flag("--check", forecast_flags->check, "Exit code 12 when the quota is not expected to last");
  forecast->footer(
      "Examples:\n  wfe quota forecast\n  wfe quota forecast --quota 500000000 --output json\n"
      "  wfe quota forecast --daily days.json --at 2026-11-15\n\n"
      "Tokens are input and output; days and months are those of UTC. It needs 7 whole days of data.\n"
      "Exit codes: 2 bad option, 3 no server answers, 12 the quota does not last (with --check).");
  const auto [status, status_flags] =
      add("status", "The same in a few lines",
          [](Globals& g, const QuotaFlags& flags) { return ShowQuota(g, flags, false); });
  status->add_flag("--check", status_flags->check, "Exit code 12 when the quota is not expected to last");
  status->footer("Examples:\n  wfe quota status\n  wfe quota status --check && wfe generate \"…\"\n\n"
                 "Exit codes: 2 bad option, 3 no server answers, 12 the quota does not last (with --check).");
  const auto [check, check_flags] =
      add("check", "Whether a run may begin: allow, warn, throttle or deny",
          [](Globals& g, const QuotaFlags& flags) { return CheckQuota(g, flags); });
  check->add_option("TYPE", check_flags->type, "Type of the workflow")->required();
  check->footer("Examples:\n  wfe quota check AuditedBuildWorkflow\n\n"
                "Exit codes: 2 bad option, 3 no server answers, 12 denied.");
}

}  // namespace wfe::cli
