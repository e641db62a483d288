// What the dashboard shows (RP-5, RP-6), from stored rows and nothing else (RP-12): every figure is a count, a sum or a
// mean of rows that `wfe registry export` and `wfe costs` give for the same window.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workers/client/budget_figures.h"
#include "activities/agent/cost/cost_summary.h"
#include "activities/learning/records/generations.h"
#include "activities/learning/records/reports.h"
#include "activities/learning/steps/cycle_steps.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "engine/base/time.h"

namespace wfe::dashboard {

/// A generation is meant to take less (TG-1).
inline constexpr int64_t kTargetDurationMs = 10'000;
inline constexpr int kTrendDays = 7;

/// Runs of StreamlinedGenerationWorkflow that began in the window and have ended: rows of usage_history.
struct GenerationFigures {
  int64_t generations = 0;
  int64_t success_first_pass = 0;
  int64_t success_after_escalation = 0;
  int64_t failed = 0;
  std::optional<double> success_rate;  ///< Of both kinds of success.
  std::optional<double> mean_duration_ms;
  int64_t within_target = 0;
  Money cost_usd;
  int64_t priced = 0;  ///< Runs all of whose calls have a price; the mean is of them.
  std::optional<Money> mean_cost_usd;
  int64_t unpriced = 0;
  int64_t scripted = 0;  ///< Answered from a cassette: neither priced nor unpriced.
};
WFE_RECORD(GenerationFigures, generations, success_first_pass, success_after_escalation, failed, success_rate,
           mean_duration_ms, within_target, cost_usd, priced, mean_cost_usd, unpriced, scripted);

/// What static analysis said in the window: rows of generation_reports.
struct AnalysisFigures {
  int64_t reports = 0;
  int64_t first_answers = 0;           ///< The first report of each run: what the prompt brought about.
  std::optional<double> mean_quality;  ///< Of the first answers, as in a cycle of the optimizer.
  int64_t auto_fixes = 0;              ///< Of all reports.
  int64_t escalations = 0;             ///< Of the window's generations.
};
WFE_RECORD(AnalysisFigures, reports, first_answers, mean_quality, auto_fixes, escalations);

/// 24 hours; of the first answers made in them.
struct DayOfQuality {
  std::string from;
  std::string to;
  int64_t answers = 0;
  std::optional<double> mean_quality;
};
WFE_RECORD(DayOfQuality, from, to, answers, mean_quality);

/// What the optimizer did: rows of prompt_cycles.
struct OptimizationFigures {
  std::string last_run_at;            ///< Empty: it has never run.
  std::vector<std::string> last_run;  ///< A sentence for each template that it changed; for all when it changed none.
  int64_t cycles = 0;                 ///< Runs of it in the window.
  int64_t improvements = 0;           ///< Versions that became active in the window.
  int64_t experiments = 0;            ///< Versions that began to be tried.
  int64_t taken_back = 0;             ///< Rolled back, or given up after an experiment.
  std::vector<DayOfQuality> days;     ///< Oldest first; the last one is the window if that is 24 hours.
  std::string direction;              ///< This week beside the one before: rising, falling, steady or unknown.
  double change = 0;
  double p_value = 1;
};
WFE_RECORD(OptimizationFigures, last_run_at, last_run, cycles, improvements, experiments, taken_back, days, direction,
           change, p_value);

/// Calls of models, of all workflows: rows of cost_ledger.
struct CostFigures {
  agent::CostReport::Group today;
  agent::CostReport::Group month;
  agent::CostReport::Group total;
  std::optional<Money> mean_call_usd;  ///< Of all calls with a known cost.
  std::vector<agent::CostReport::Group> by_model;
  std::vector<client::BudgetFigure> budgets;
};
WFE_RECORD(CostFigures, today, month, total, mean_call_usd, by_model, budgets);

struct Dashboard {
  std::string at;
  std::string since;
  GenerationFigures generations;
  AnalysisFigures analysis;
  OptimizationFigures optimization;
  CostFigures costs;
  std::vector<std::string> problems;  ///< Rows that could not be read, a sentence each.
};
WFE_RECORD(Dashboard, at, since, generations, analysis, optimization, costs, problems);
constexpr RecordRules RulesOf(const Dashboard*) { return {.seldom = "problems"}; }

/// The stored rows behind a dashboard; more than the windows need does no harm.
struct DashboardRows {
  std::vector<learning::UsageRow> usage;
  std::vector<learning::GenerationReport> reports;  ///< Of the last two weeks.
  std::vector<learning::CycleRow> cycles;
  agent::CostReport calls;
  std::vector<client::BudgetFigure> budgets;
  std::vector<std::string> problems;
};

/// Pure.  The window begins after now - window and ends with now.
Dashboard MakeDashboard(const DashboardRows& rows, Instant now, Duration window);

/// The rows that a section counts, oldest first; for people who doubt a number.
std::vector<learning::UsageRow> GenerationsOf(const DashboardRows& rows, Instant now, Duration window);
std::vector<learning::GenerationReport> ReportsOf(const DashboardRows& rows, Instant now, Duration window);
std::vector<learning::CycleRow> CyclesOf(const DashboardRows& rows, Instant now, Duration window);

}  // namespace wfe::dashboard
