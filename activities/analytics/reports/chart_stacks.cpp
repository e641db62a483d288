#include <algorithm>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/chart_axes.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"

namespace wfe::analytics::reports {
namespace {

void DrawColumns(Markup& out, const Chart& chart, const Canvas& canvas, const std::vector<std::string>& xs,
                 const std::string& legend, double legend_height) {
  const Ticks ticks = SumTicks(chart, xs);
  const PlotArea area{.left = ValueAxisWidth(chart, ticks),
                      .right = canvas.width - 20,
                      .top = legend_height + 10,
                      .bottom = legend_height + (canvas.is_narrow ? 170 : 200)};
  OpenSvg(out, canvas.id, canvas.width, area.bottom + 28, canvas.css_class, chart.title, Describe(chart));
  out.Raw(legend);
  const LinearScale y(ticks.from, ticks.to, area.bottom, area.top);
  DrawValueAxis(out, chart, ticks, y, area);
  const double pitch = (area.right - area.left) / static_cast<double>(xs.size());
  const double width = std::clamp(pitch * 0.62, 2.0, 46.0);
  // Columns stand side by side in order: unequal spans of time would make them overlap.
  for (size_t column = 0; column < xs.size(); ++column) {
    const double left = area.left + pitch * (static_cast<double>(column) + 0.5) - width / 2;
    double sum = 0;
    for (size_t i = 0; i < chart.series.size(); ++i) {
      const Point* point = PointAt(chart.series[i], xs[column]);
      if (point == nullptr || point->y <= 0) continue;
      const double top = y(sum + point->y);
      SvgRect(out, left, top, width, y(sum) - top - 1, FillClass(i), Tip(chart, chart.series[i], *point));
      const std::string value = FormatRound(point->y, chart.unit);
      if (width > TextWidth(value) + 4 && y(sum) - top > 18) {
        SvgText(out, left + width / 2, (top + y(sum)) / 2 + 4, value, "t on-fill", Anchor::kMiddle);
      }
      sum += point->y;
    }
  }
  const XAxis labels(xs, area.left + pitch / 2, area.right - pitch / 2);
  DrawXLabels(out, labels, area);
  CloseSvg(out);
}

void DrawRows(Markup& out, const Chart& chart, const Canvas& canvas, const std::vector<std::string>& xs,
              const std::string& legend, double legend_height) {
  double label_width = 0;
  for (const std::string& x : xs) label_width = std::max(label_width, TextWidth(LabelOf(x)) + 12);
  label_width = canvas.is_narrow ? 0 : std::min(label_width, 220.0);
  const double bar = canvas.is_narrow ? 16 : 20;
  const double label_height = canvas.is_narrow ? 18 : 0;
  const double row = label_height + bar + (canvas.is_narrow ? 14 : 10);
  const double height = row * static_cast<double>(xs.size());
  OpenSvg(out, canvas.id, canvas.width, legend_height + height, canvas.css_class, chart.title, Describe(chart));
  out.Raw(legend);
  double longest = 0;
  for (const std::string& x : xs) longest = std::max(longest, SumAt(chart, x));
  const LinearScale scale(0, longest, label_width, canvas.width - 2);
  double y = legend_height;
  for (const std::string& x : xs) {
    if (canvas.is_narrow) {
      SvgText(out, 0, y + 11, Clip(LabelOf(x), 48), "t");
    } else {
      SvgText(out, label_width - 10, y + bar / 2 + 4, Clip(LabelOf(x), 31), "t", Anchor::kEnd);
    }
    double sum = 0;
    for (size_t i = 0; i < chart.series.size(); ++i) {
      const Point* point = PointAt(chart.series[i], x);
      if (point == nullptr || point->y <= 0) continue;
      const double left = scale(sum);
      const double width = scale(sum + point->y) - left - 1;
      SvgRect(out, left, y + label_height, width, bar, FillClass(i), Tip(chart, chart.series[i], *point));
      const std::string value = FormatShort(point->y, chart.unit);
      if (width > TextWidth(value) + 10) {
        SvgText(out, left + 6, y + label_height + bar / 2 + 4, value, "t on-fill");
      }
      sum += point->y;
    }
    y += row;
  }
  CloseSvg(out);
}

}  // namespace

void DrawStacks(Markup& out, const Chart& chart, const Canvas& canvas) {
  const std::vector<std::string> xs = XsOf(chart);
  Markup legend;
  const double legend_height = SvgLegend(legend, SeriesNames(chart), canvas.width);
  if (XAxis(xs, 0, 1).is_time()) {
    DrawColumns(out, chart, canvas, xs, legend.Take(), legend_height);
  } else {
    DrawRows(out, chart, canvas, xs, legend.Take(), legend_height);
  }
}

}  // namespace wfe::analytics::reports
