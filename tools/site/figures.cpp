// Quota, costs, budgets and the dashboard (HT-2, RP-5 to RP-7).
#include <fmt/core.h>

#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/cost_summary.h"
#include "activities/dashboard/page.h"
#include "activities/dashboard/source.h"
#include "activities/quota/steps/run_decisions.h"
#include "engine/base/record_schema.h"
#include "tools/site/answers.h"
#include "tools/site/site_context.h"
#include "tools/wfe/cost_sums.h"
#include "tools/wfe/quota_page.h"
#include "workers/client/budget_figures.h"

namespace wfe::site {
namespace {

using agent::CostReport;

struct QuotaBand {
  int64_t lo = 0;
  int64_t hi = 0;
  double share = 0.9;  ///< Of all courses that the month may take.
};
WFE_RECORD(QuotaBand, lo, hi, share);

struct QuotaAdvice {
  std::string decision;  ///< allow, warn, throttle or deny: what a run that begins now is told.
  std::string reason;
  std::optional<int64_t> tokens_today;  ///< To use today, so that the quota lasts.
};
WFE_RECORD(QuotaAdvice, decision, reason, tokens_today);

constexpr size_t kShownDecisions = 50;

/// HT-2.
struct QuotaAnswer {
  std::string as_of;
  std::string month;
  std::optional<int64_t> limit;
  int64_t used = 0;
  std::optional<int64_t> expected;
  std::optional<QuotaBand> band;
  std::optional<quota::Exhaustion> exhaustion;
  QuotaAdvice recommendation;
  std::string sentence;
  quota::RunDecisions decisions;  ///< The newest 50 (RP-7).
  quota::QuotaReport report;      ///< What `wfe quota forecast --output json` gives.
};
WFE_RECORD(QuotaAnswer, as_of, month, limit, used, expected, band, exhaustion, recommendation, sentence, decisions,
           report);

QuotaAnswer QuotaAnswerOf(const quota::QuotaReport& report, const quota::QuotaRules& rules, Instant now) {
  const quota::QuotaForecast& forecast = report.forecast;
  QuotaAnswer answer{.as_of = forecast.as_of, .month = forecast.month, .limit = forecast.quota, .used = forecast.used};
  if (forecast.forecast) {
    answer.expected = forecast.expected;
    answer.band = QuotaBand{.lo = forecast.lo, .hi = forecast.hi};
  }
  answer.exhaustion = forecast.exhaustion;
  const quota::PreflightDecision decision = quota::DecidePreflight(quota::FactsOf(report, ""), rules.preflight, now);
  answer.recommendation.decision = decision.decision;
  answer.recommendation.reason = decision.reason;
  if (forecast.quota && !forecast.days.empty()) answer.recommendation.tokens_today = forecast.days.front().plan;
  answer.sentence = quota::SentenceOf(forecast);
  answer.report = report;
  return answer;
}

/// What `show` makes of the report, the decisions and the rules.
template <class Show>
http::Response WithQuota(const SiteContext& context, Show show) {
  const Instant now = SystemClock().Now();
  const quota::QuotaRules rules = cli::QuotaRulesOf(context.config.quota);
  const auto report = quota::ReadQuotaReport(context.records, rules, now);
  if (!report) return http::ErrorResponse(report.error());
  const auto decisions = quota::ReadRunDecisions(context.records, kShownDecisions);
  return decisions ? show(*report, *decisions, rules, now) : http::ErrorResponse(decisions.error());
}

Result<CostReport> ReadLedger(const SiteContext& context) {
  CostReport report;
  WFE_RETURN_IF_ERROR(
      context.records.ScanRows(std::string(agent::kCostLedgerTable), "",
                               [&](const std::string&, const std::string& value) { std::ignore = report.Add(value); }));
  return report;
}

/// Of a day of any year; those that no call can have been made in come before or after all calls.
Instant BeginOf(const std::string& day) {
  const std::optional<Instant> begin = ParseIso8601(day + "T00:00:00Z");
  return begin ? *begin : day < "1970" ? Instant::min() : Instant::max();
}

http::Response CostsAnswer(const SiteContext& context, const std::string& by, const std::string& since) {
  const Instant now = SystemClock().Now();
  CostReport::Filter filter;
  if (!since.empty()) filter.since = BeginOf(since);
  const Result<CostReport> ledger = ReadLedger(context);
  if (!ledger) return http::ErrorResponse(ledger.error());
  nlohmann::ordered_json json = {{"as_of", FormatIso8601Millis(now)}};
  json.update(cli::CostSumsJson(*ledger, filter, by, now));
  return JsonAnswer(json);
}

http::Response CostsPageAnswer(const SiteContext& context) {
  const Instant now = SystemClock().Now();
  const Result<CostReport> ledger = ReadLedger(context);
  if (!ledger) return http::ErrorResponse(ledger.error());
  const auto budgets = client::ReadBudgets(context.client, "");
  if (!budgets) return http::ErrorResponse(budgets.error());
  const agent::CostSummary summary = agent::Summarize(*ledger, {}, now);
  const dashboard::CostFigures figures{.today = summary.today,
                                       .month = summary.month,
                                       .total = summary.total,
                                       .mean_call_usd = agent::MeanCost(summary.total),
                                       .by_model = ledger->Sum({}, "model", now).groups,
                                       .budgets = *budgets};
  return PageAnswer(dashboard::CostsPage(figures, ledger->Sum({}, "type", now).groups,
                                         ledger->Sum({}, "day", now).groups, now, SitePages("/costs")));
}

http::Response BudgetAnswerOf(const SiteContext& context) {
  const auto budgets = client::ReadBudgets(context.client, "");
  if (!budgets) return http::ErrorResponse(budgets.error());
  return JsonAnswer({{"budgets", nlohmann::json(*budgets)}});
}

template <class Show>
http::Response WithDashboard(const SiteContext& context, Duration window, Show show) {
  dashboard::DashboardSource source(context.records, [&] { return client::ReadBudgets(context.client, ""); });
  const Instant now = SystemClock().Now();
  const auto rows = source.Read(now, window);
  if (!rows) return http::ErrorResponse(rows.error());
  return show(MakeDashboard(**rows, now, window), **rows, now);
}

http::Response DashboardAnswer(const SiteContext& context, Duration window) {
  return WithDashboard(context, window, [](const dashboard::Dashboard& figures, const auto&, Instant) {
    return JsonAnswer(nlohmann::json(figures));
  });
}

http::Response DashboardPageAnswer(const SiteContext& context, Duration window) {
  return WithDashboard(context, window, [window](const dashboard::Dashboard& figures, const auto& rows, Instant now) {
    return PageAnswer(DashboardPage(figures, rows, now, window, SitePages("/")));
  });
}

void AddQuota(http::Router& router, const SiteContext& context) {
  http::Operation forecast =
      ReadOperation("/api/quota/forecast", "getQuotaForecast",
                    "The month's quota: usage to date, forecast, band, exhaustion, limit, recommendation",
                    SchemaRef("QuotaForecast"));
  forecast.handle = [&context](const http::Request&) {
    return context.kept.Get("quota", [&context] {
      return WithQuota(context, [](const auto& report, const auto& decisions, const auto& rules, Instant now) {
        QuotaAnswer answer = QuotaAnswerOf(report, rules, now);
        answer.decisions = decisions;
        return JsonAnswer(nlohmann::json(answer));
      });
    });
  };
  router.Add(std::move(forecast));
  router.Add(PageOperation("/quota", [&context](const http::Request&) {
    return context.kept.Get("quota page", [&context] {
      return WithQuota(context, [](const auto& report, const auto& decisions, const auto& rules, Instant now) {
        const auto told = quota::DecidePreflight(quota::FactsOf(report, ""), rules.preflight, now);
        return PageAnswer(
            cli::QuotaHtml(report, {.site = SitePages("/quota"), .now = told, .decisions = decisions}));
      });
    });
  }));
}

void AddCosts(http::Router& router, const SiteContext& context) {
  http::Operation costs = ReadOperation("/api/costs", "getCosts", "Model calls and what they cost", SchemaRef("Costs"));
  const nlohmann::json by = {
      {"type", "string"}, {"enum", {"model", "day", "month", "workflow", "type", "step"}}, {"default", "model"}};
  costs.parameters = {{.name = "by", .description = "What the groups are", .schema = by},
                      {.name = "since",
                       .description = "Only calls since this day of UTC",
                       .schema = {{"type", "string"}, {"format", "date"}}}};
  costs.handle = [&context](const http::Request& request) {
    const std::string group = ParameterOr(request, "by", "model");
    const std::string since = ParameterOr(request, "since", "");
    return context.kept.Get("costs " + group + " " + since,
                            [&context, group, since] { return CostsAnswer(context, group, since); });
  };
  router.Add(std::move(costs));
  router.Add(PageOperation("/costs", [&context](const http::Request&) {
    return context.kept.Get("costs page", [&context] { return CostsPageAnswer(context); });
  }));
  http::Operation budget =
      ReadOperation("/api/budget", "getBudget", "Budgets of model calls and how they stand", SchemaRef("Budgets"));
  budget.handle = [&context](const http::Request&) { return BudgetAnswerOf(context); };
  router.Add(std::move(budget));
}

void AddDashboard(http::Router& router, const SiteContext& context) {
  http::Operation board =
      ReadOperation("/api/dashboard", "getDashboard",
                    "What generations did and cost, and what the optimizer made of them", SchemaRef("Dashboard"));
  board.parameters = {
      {.name = "hours", .description = "The window: so many hours until now", .schema = IntegerSchema(1, 744, 24)}};
  board.handle = [&context](const http::Request& request) {
    const int64_t hours = IntegerOr(request, "hours", 24);
    return context.kept.Get("dashboard " + std::to_string(hours),
                            [&context, hours] { return DashboardAnswer(context, std::chrono::hours(hours)); });
  };
  router.Add(std::move(board));
  http::Operation page = PageOperation("/", [&context](const http::Request& request) {
    const int64_t hours = IntegerOr(request, "hours", 24);
    return context.kept.Get("dashboard page " + std::to_string(hours),
                            [&context, hours] { return DashboardPageAnswer(context, std::chrono::hours(hours)); });
  });
  page.parameters = {{.name = "hours", .description = "", .schema = IntegerSchema(1, 744, 24)}};
  router.Add(std::move(page));
}

}  // namespace

void AddFigures(http::Router& router, const SiteContext& context, nlohmann::json& schemas) {
  AddDashboard(router, context);
  AddQuota(router, context);
  AddCosts(router, context);
  nlohmann::json group = RecordSchema<CostReport::Group>();
  group["properties"]["mean_cost_usd"] = {{"type", "number"}};
  group["required"] = {"calls", "cost_usd"};
  const nlohmann::json sum = SchemaRef("CostGroup");
  schemas["CostGroup"] = group;
  schemas["Costs"] = {{"type", "object"},
                      {"required", {"as_of", "by", "groups", "today", "month", "total"}},
                      {"properties",
                       {{"as_of", {{"type", "string"}}},
                        {"by", {{"type", "string"}}},
                        {"groups", {{"type", "array"}, {"items", sum}}},
                        {"today", sum},
                        {"month", sum},
                        {"total", sum}}}};
  schemas["Budgets"] = {
      {"type", "object"},
      {"required", {"budgets"}},
      {"properties", {{"budgets", {{"type", "array"}, {"items", RecordSchema<client::BudgetFigure>()}}}}}};
  schemas["Dashboard"] = RecordSchema<dashboard::Dashboard>();
  schemas["Dashboard"]["required"] = {"at", "since", "generations", "analysis", "optimization", "costs"};
  schemas["QuotaForecast"] = RecordSchema<QuotaAnswer>();
  schemas["QuotaForecast"]["required"] = {"as_of", "month", "used", "recommendation", "sentence", "decisions", "report"};
}

}  // namespace wfe::site
