#include "activities/analytics/reports/chart_axes.h"

#include <algorithm>

#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"

namespace wfe::analytics::reports {
namespace {

constexpr int kSteps = 4;

/// There is nothing between two counted things.
double LeastStep(const Chart& chart) { return chart.unit == "count" || chart.unit == "tokens" ? 1 : 0; }

}  // namespace

Ticks ValueTicks(const Chart& chart, bool from_zero) {
  double low = 0;
  double high = 0;
  bool is_first = true;
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      const Interval band = point.band.value_or(Interval{point.y, point.y});
      low = is_first ? std::min(band.low, point.y) : std::min({low, band.low, point.y});
      high = is_first ? std::max(band.high, point.y) : std::max({high, band.high, point.y});
      is_first = false;
    }
  }
  // A scale that starts close to zero misleads less when it starts at zero.
  if (from_zero || (low > 0 && low < high * 0.4)) low = std::min(low, 0.0);
  Ticks ticks = RoundTicks(low, high, kSteps, LeastStep(chart));
  const bool ends_at_one = chart.unit == "share" || chart.unit == "score";
  if (ends_at_one && high <= 1 && ticks.to > 1) ticks = RoundTicks(low, 1, kSteps);
  return ticks;
}

double SumAt(const Chart& chart, const std::string& x) {
  double sum = 0;
  for (const Series& series : chart.series) {
    if (const Point* point = PointAt(series, x)) sum += std::max(0.0, point->y);
  }
  return sum;
}

Ticks SumTicks(const Chart& chart, const std::vector<std::string>& xs) {
  double high = 0;
  for (const std::string& x : xs) high = std::max(high, SumAt(chart, x));
  if (chart.unit == "share" && high > 0.99 && high < 1.01) high = 1;
  return RoundTicks(0, high, kSteps, LeastStep(chart));
}

double ValueAxisWidth(const Chart& chart, const Ticks& ticks) {
  double width = 0;
  for (const double tick : ticks.at) width = std::max(width, TextWidth(FormatRound(tick, chart.unit)));
  return width + 13;
}

void DrawValueAxis(Markup& out, const Chart& chart, const Ticks& ticks, const LinearScale& y, const PlotArea& area) {
  for (const double tick : ticks.at) {
    SvgLine(out, area.left, y(tick), area.right, y(tick), tick == ticks.from ? "axis" : "grid");
    SvgText(out, area.left - 8, y(tick) + 4, FormatRound(tick, chart.unit), "t soft", Anchor::kEnd);
  }
}

void DrawXLabels(Markup& out, const XAxis& x, const PlotArea& area) {
  for (const XAxis::Label& label : x.Labels()) {
    const double half = TextWidth(label.text) / 2;
    // Labels at the rim stay inside the drawing.
    const double at = std::clamp(label.at, std::min(half, area.right), std::max(half, area.right + 20 - half));
    SvgText(out, at, area.bottom + 20, label.text, "t soft", Anchor::kMiddle);
  }
}

}  // namespace wfe::analytics::reports
