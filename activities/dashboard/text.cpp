#include "activities/dashboard/text.h"

#include <fmt/core.h>

#include <algorithm>

#include "activities/analytics/reports/format.h"
#include "activities/dashboard/words.h"
#include "engine/base/printable.h"

namespace wfe::dashboard {
namespace {

namespace reports = analytics::reports;

constexpr size_t kNarrowest = 78;
constexpr size_t kBarWidth = 24;

std::string Share(double value) { return reports::FormatFixed(100 * value, 1) + " %"; }
std::string Seconds(double ms) { return reports::FormatFixed(ms / 1000, 1) + " s"; }

class Lines {
 public:
  explicit Lines(size_t width) : width_(std::max(width, kNarrowest)) {}

  /// A heading, and on its right the command that shows more.
  void Head(const std::string& title, const std::string& command) {
    text_ += text_.empty() ? "" : "\n";
    Add(fmt::format("{:<{}}{}", title, width_ - std::min(width_ - title.size(), command.size()), command));
  }
  /// "  Name            value  note"
  void Figure(const std::string& name, const std::string& value, const std::string& note = "") {
    Add(fmt::format("  {:<16}{:>10}  {}", name, value, note));
  }
  void Add(const std::string& line) {
    std::string fits = reports::Clip(PrintableLine(line), width_);
    fits.erase(fits.find_last_not_of(' ') + 1);
    text_ += fits + "\n";
  }
  std::string Take() { return std::move(text_); }

 private:
  const size_t width_;
  std::string text_;
};

void AddGenerations(Lines& lines, const GenerationFigures& figures) {
  lines.Head("GENERATIONS", "wfe dashboard --rows generations");
  lines.Figure("Generations", Number(figures.generations),
               fmt::format("{} at once, {} after escalation, {} failed", Number(figures.success_first_pass),
                           Number(figures.success_after_escalation), Number(figures.failed)));
  if (figures.generations == 0) return;
  lines.Figure("Success rate", Share(*figures.success_rate),
               fmt::format("{} of {}", Number(figures.generations - figures.failed), Number(figures.generations)));
  lines.Figure("Mean time", Seconds(*figures.mean_duration_ms),
               fmt::format("target < {}: met by {} of {}", Seconds(kTargetDurationMs), Number(figures.within_target),
                           Number(figures.generations)));
  std::string of = fmt::format("of {} with a price", Number(figures.priced));
  if (figures.unpriced > 0) of += fmt::format(", {} without", Number(figures.unpriced));
  if (figures.scripted > 0) of += fmt::format(", {} scripted", Number(figures.scripted));
  lines.Figure("Mean cost", figures.mean_cost_usd ? Dollars(*figures.mean_cost_usd) : "unknown", of);
}

void AddAnalysis(Lines& lines, const AnalysisFigures& figures) {
  lines.Head("STATIC ANALYSIS", "wfe dashboard --rows reports");
  lines.Figure("Mean quality",
               figures.mean_quality ? reports::FormatFixed(*figures.mean_quality, 2) : "none",
               fmt::format("of {} first answers", Number(figures.first_answers)));
  lines.Figure("Auto-fixes", Number(figures.auto_fixes), fmt::format("in {} reports", Number(figures.reports)));
  lines.Figure("Escalations", Number(figures.escalations), "the better model was asked");
}

void AddOptimization(Lines& lines, const OptimizationFigures& figures) {
  lines.Head("OPTIMIZATION", "wfe dashboard --rows cycles");
  if (figures.last_run_at.empty()) {
    lines.Add("  never run; `wfe prompts schedule` has it run every hour");
  } else {
    lines.Add("  Last run        " + reports::FormatInstant(figures.last_run_at));
    for (const std::string& sentence : figures.last_run) lines.Add("    " + sentence);
  }
  lines.Figure("Cycles", Number(figures.cycles),
               fmt::format("{} improved, {} in trial, {} taken back", Number(figures.improvements),
                           Number(figures.experiments), Number(figures.taken_back)));
  std::vector<std::optional<double>> values;
  std::vector<double> known;
  for (const DayOfQuality& day : figures.days) {
    values.push_back(day.mean_quality);
    if (day.mean_quality) known.push_back(*day.mean_quality);
  }
  std::string trend = "  Quality, 7 days   " + Sparkline(values);
  if (known.size() == 1) trend += fmt::format("  {:.2f}", known.front());
  if (known.size() > 1) trend += fmt::format("  {:.2f} to {:.2f}", known.front(), known.back());
  if (figures.direction == "unknown") {
    trend += "  too few for a trend";
  } else {
    trend += fmt::format("  {} against last week (p {})", figures.direction,
                         figures.p_value < 0.001 ? "< 0.001" : fmt::format("= {:.3f}", figures.p_value));
  }
  lines.Add(trend);
}

void AddCosts(Lines& lines, const CostFigures& figures) {
  lines.Head("COSTS", "wfe costs");
  const auto sum = [&](const char* name, const agent::CostReport::Group& group) {
    std::string note = Number(group.calls) + (group.calls == 1 ? " call" : " calls");
    if (group.unpriced > 0) note += fmt::format(", {} without a price", Number(group.unpriced));
    if (group.uncounted > 0) note += fmt::format(", {} not counted by anyone", Number(group.uncounted));
    lines.Figure(name, Dollars(group.cost_usd), note);
  };
  sum("Today", figures.today);
  sum("This month", figures.month);
  sum("Total", figures.total);
  if (figures.mean_call_usd) lines.Figure("Mean a call", Dollars(*figures.mean_call_usd));
  for (const agent::CostReport::Group& model : figures.by_model) {
    const std::string name = reports::Clip(model.name.empty() ? "(not named)" : model.name, 28);
    lines.Add(fmt::format("    {:<28} {:>7} calls {:>9} in {:>9} out {:>10}", name, Number(model.calls),
                          Number(model.input_tokens), Number(model.output_tokens), Dollars(model.cost_usd)));
  }
  if (!figures.budgets.empty()) lines.Head("BUDGETS", "wfe budget show");
  for (const client::BudgetFigure& budget : figures.budgets) {
    const std::string name = reports::Clip(budget.budget, 22);
    if (!budget.limit_usd) {
      lines.Add(fmt::format("  {:<22} {:>12} used, no limit", name, Dollars(budget.used_usd)));
    } else if (budget.period.empty()) {
      lines.Add(fmt::format("  {:<22} ${} for each run", name, budget.limit_usd->ToString()));
    } else {
      lines.Add(fmt::format("  {:<22} {} {:5.1f} % of ${}", name, client::BudgetBar(budget, kBarWidth),
                            *budget.UsedPercent(), budget.limit_usd->ToString()));
    }
  }
}

}  // namespace

std::string Sparkline(const std::vector<std::optional<double>>& values) {
  static constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::optional<double> low;
  std::optional<double> high;
  for (const std::optional<double>& value : values) {
    if (!value) continue;
    low = std::min(low.value_or(*value), *value);
    high = std::max(high.value_or(*value), *value);
  }
  std::string line;
  for (const std::optional<double>& value : values) {
    if (!value) {
      line += " ";
      continue;
    }
    const double share = *high > *low ? (*value - *low) / (*high - *low) : 0.5;
    line += kBlocks[static_cast<size_t>(share * 7 + 0.5)];
  }
  return line;
}

std::string DashboardText(const Dashboard& dashboard, size_t width) {
  Lines lines(width);
  lines.Add(fmt::format("wfe  {}  since {}", reports::FormatInstant(dashboard.at),
                        reports::FormatInstant(dashboard.since)));
  AddGenerations(lines, dashboard.generations);
  AddAnalysis(lines, dashboard.analysis);
  AddOptimization(lines, dashboard.optimization);
  AddCosts(lines, dashboard.costs);
  if (!dashboard.problems.empty()) {
    lines.Head("NOT COUNTED", "");
    for (const std::string& problem : dashboard.problems) lines.Add("  " + problem);
  }
  return lines.Take();
}

}  // namespace wfe::dashboard
