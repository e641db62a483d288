#include "activities/dashboard/figures.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "activities/learning/cycle/trend.h"

namespace wfe::dashboard {
namespace {

constexpr std::string_view kGenerationWorkflow = "StreamlinedGenerationWorkflow";
constexpr double kAlpha = 0.05;

/// From after `from` until `to`, so that days in a row count nothing twice.
struct Window {
  Instant from;
  Instant to;
  bool Has(const std::string& time) const {
    const std::optional<Instant> at = ParseIso8601(time);
    return at && *at > from && *at <= to;
  }
};

template <class Row, class Time>
std::vector<Row> Within(const std::vector<Row>& rows, const Window& window, Time Row::*time) {
  std::vector<Row> found;
  std::ranges::copy_if(rows, std::back_inserter(found), [&](const Row& row) { return window.Has(row.*time); });
  std::ranges::stable_sort(found, {}, time);
  return found;
}

std::optional<double> MeanQuality(const std::vector<learning::Generation>& answers) {
  if (answers.empty()) return std::nullopt;
  double sum = 0;
  for (const learning::Generation& answer : answers) sum += answer.score;
  return sum / static_cast<double>(answers.size());
}

GenerationFigures CountGenerations(const std::vector<learning::UsageRow>& runs) {
  GenerationFigures figures;
  double duration_ms = 0;
  Money priced;
  for (const learning::UsageRow& run : runs) {
    ++figures.generations;
    ++(!run.success                                  ? figures.failed
       : run.outcome == "success_after_escalation" ? figures.success_after_escalation
                                                     : figures.success_first_pass);
    duration_ms += static_cast<double>(run.duration_ms);
    if (run.duration_ms < kTargetDurationMs) ++figures.within_target;
    figures.cost_usd = figures.cost_usd.PlusAtMost(run.cost_usd);
    if (run.unpriced_calls > 0) {
      ++figures.unpriced;
    } else if (run.scripted) {
      ++figures.scripted;
    } else {
      ++figures.priced;
      priced = priced.PlusAtMost(run.cost_usd);
    }
  }
  if (figures.priced > 0) figures.mean_cost_usd = Money::Nanos(priced.nanos() / figures.priced);
  if (figures.generations == 0) return figures;
  const auto count = static_cast<double>(figures.generations);
  figures.success_rate = static_cast<double>(figures.generations - figures.failed) / count;
  figures.mean_duration_ms = duration_ms / count;
  return figures;
}

AnalysisFigures CountReports(const std::vector<learning::GenerationReport>& reports,
                             const std::vector<learning::Generation>& answers,
                             const std::vector<learning::UsageRow>& runs) {
  AnalysisFigures figures;
  figures.reports = static_cast<int64_t>(reports.size());
  for (const learning::GenerationReport& report : reports) figures.auto_fixes += report.auto_fixes_applied;
  figures.first_answers = static_cast<int64_t>(answers.size());
  figures.mean_quality = MeanQuality(answers);
  figures.escalations = std::ranges::count_if(
      runs, [](const learning::UsageRow& run) { return run.escalated || run.outcome == "success_after_escalation"; });
  return figures;
}

std::vector<DayOfQuality> DaysOf(const std::vector<learning::Generation>& answers, Instant now) {
  std::vector<DayOfQuality> days;
  for (int ago = kTrendDays; ago-- > 0;) {
    const Window window{.from = now - (ago + 1) * std::chrono::days(1), .to = now - ago * std::chrono::days(1)};
    DayOfQuality day{.from = FormatIso8601Millis(window.from), .to = FormatIso8601Millis(window.to)};
    const auto of_day = Within(answers, window, &learning::Generation::created_at);
    day.answers = static_cast<int64_t>(of_day.size());
    day.mean_quality = MeanQuality(of_day);
    days.push_back(std::move(day));
  }
  return days;
}

/// What the newest cycle said of the templates that it changed; of all when it changed none.
std::vector<std::string> SentencesOf(const std::vector<learning::CycleRow>& cycles, const std::string& cycle_id) {
  std::vector<std::string> changed;
  std::vector<std::string> all;
  for (const learning::CycleRow& row : cycles) {
    if (row.cycle_id != cycle_id) continue;
    std::vector<std::string>& sentences = row.changed ? changed : all;
    sentences.push_back(row.template_id + ": " + row.sentence);
  }
  return changed.empty() ? all : changed;
}

OptimizationFigures CountCycles(const std::vector<learning::CycleRow>& all,
                                const std::vector<learning::CycleRow>& in_window) {
  OptimizationFigures figures;
  const auto last = std::ranges::max_element(all, {}, &learning::CycleRow::at);
  if (last != all.end()) {
    figures.last_run_at = last->at;
    figures.last_run = SentencesOf(all, last->cycle_id);
  }
  std::set<std::string_view> cycles;
  for (const learning::CycleRow& row : in_window) {
    cycles.insert(row.cycle_id);
    const std::string& measured = row.measurement.action;
    if (measured == learning::kMeasuredRolledBack || measured == learning::kMeasuredGivenUp) ++figures.taken_back;
    if (measured == learning::kMeasuredActivated || row.deployment.mode == learning::kDeployedActive) {
      ++figures.improvements;
    }
    if (row.deployment.mode == learning::kDeployedExperiment) ++figures.experiments;
  }
  figures.cycles = static_cast<int64_t>(cycles.size());
  return figures;
}

CostFigures CountCosts(const DashboardRows& rows, Instant now) {
  const agent::CostSummary summary = agent::Summarize(rows.calls, {}, now);
  return {.today = summary.today,
          .month = summary.month,
          .total = summary.total,
          .mean_call_usd = agent::MeanCost(summary.total),
          .by_model = rows.calls.Sum({}, "model", now).groups,
          .budgets = rows.budgets};
}

}  // namespace

std::vector<learning::UsageRow> GenerationsOf(const DashboardRows& rows, Instant now, Duration window) {
  std::vector<learning::UsageRow> runs =
      Within(rows.usage, {.from = now - window, .to = now}, &learning::UsageRow::created_at);
  std::erase_if(runs, [](const learning::UsageRow& run) { return run.workflow_type != kGenerationWorkflow; });
  return runs;
}

std::vector<learning::GenerationReport> ReportsOf(const DashboardRows& rows, Instant now, Duration window) {
  return Within(rows.reports, {.from = now - window, .to = now}, &learning::GenerationReport::created_at);
}

std::vector<learning::CycleRow> CyclesOf(const DashboardRows& rows, Instant now, Duration window) {
  return Within(rows.cycles, {.from = now - window, .to = now}, &learning::CycleRow::at);
}

Dashboard MakeDashboard(const DashboardRows& rows, Instant now, Duration window) {
  Dashboard dashboard{.at = FormatIso8601Millis(now), .since = FormatIso8601Millis(now - window)};
  const std::vector<learning::UsageRow> runs = GenerationsOf(rows, now, window);
  // The first answer of a run is found among all of its reports: a window that begins between two of them counts none.
  const std::vector<learning::Generation> answers = learning::JoinGenerations(rows.reports, {});
  dashboard.generations = CountGenerations(runs);
  dashboard.analysis =
      CountReports(ReportsOf(rows, now, window),
                   Within(answers, {.from = now - window, .to = now}, &learning::Generation::created_at), runs);
  dashboard.optimization = CountCycles(rows.cycles, CyclesOf(rows, now, window));
  dashboard.optimization.days = DaysOf(answers, now);
  const learning::QualityTrend trend = learning::AnalyzeTrend(answers, now, kAlpha);
  dashboard.optimization.direction = trend.direction;
  dashboard.optimization.change = trend.change;
  dashboard.optimization.p_value = trend.p_value;
  dashboard.costs = CountCosts(rows, now);
  dashboard.problems = rows.problems;
  return dashboard;
}

}  // namespace wfe::dashboard
