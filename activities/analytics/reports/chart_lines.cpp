#include <algorithm>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/chart_axes.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"

namespace wfe::analytics::reports {
namespace {

std::string At(double x, double y) { return Px(x) + " " + Px(y); }

/// There and back again; only over stretches where neighbouring points know their uncertainty.
void DrawBand(Markup& out, const Series& series, const XAxis& x, const LinearScale& y, size_t colour) {
  for (size_t begin = 0; begin < series.points.size();) {
    size_t end = begin;
    while (end < series.points.size() && series.points[end].band) ++end;
    if (end - begin >= 2) {
      std::string d;
      for (size_t i = begin; i < end; ++i) {
        d += (i == begin ? "M" : "L") + At(x.At(series.points[i].x), y(series.points[i].band->high));
      }
      for (size_t i = end; i-- > begin;) {
        d += "L" + At(x.At(series.points[i].x), y(series.points[i].band->low));
      }
      SvgPath(out, d + "Z", "band " + FillClass(colour));
    } else if (end - begin == 1) {
      const Point& point = series.points[begin];
      SvgLine(out, x.At(point.x), y(point.band->low), x.At(point.x), y(point.band->high), "whisker");
    }
    begin = end + 1;
  }
}

void DrawSeries(Markup& out, const Chart& chart, const Series& series, const XAxis& x, const LinearScale& y,
                size_t colour) {
  std::string d;
  for (const Point& point : series.points) d += (d.empty() ? "M" : "L") + At(x.At(point.x), y(point.y));
  if (series.points.size() > 1) SvgPath(out, d, "stroke " + LineClass(colour));
  // Points that stand close would cut the line with their rims.
  const bool many = series.points.size() > 24;
  const std::string css_class = (many ? "" : "dot ") + FillClass(colour);
  for (const Point& point : series.points) {
    SvgDot(out, x.At(point.x), y(point.y), many ? 1.5 : 3.5, css_class, Tip(chart, series, point));
  }
}

/// The last value at the end of each line, pushed apart where lines end close together.  A line that others go on from
/// has it above its last point, where they do not run through it.
void LabelEnds(Markup& out, const Chart& chart, const XAxis& x, const LinearScale& y) {
  struct End {
    double x, y;
    std::string text;
  };
  std::vector<End> ends;
  double rightmost = 0;
  for (const Series& series : chart.series) {
    if (series.points.empty()) continue;
    const Point& last = series.points.back();
    ends.push_back({x.At(last.x), y(last.y), FormatShort(last.y, chart.unit)});
    rightmost = std::max(rightmost, ends.back().x);
  }
  std::erase_if(ends, [&](const End& end) {
    const bool inside = end.x < rightmost;
    if (inside) SvgText(out, end.x, end.y - 9, end.text, "t strong", Anchor::kEnd);
    return inside;
  });
  std::stable_sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.y < b.y; });
  for (size_t i = 1; i < ends.size(); ++i) ends[i].y = std::max(ends[i].y, ends[i - 1].y + 14);
  for (const End& end : ends) SvgText(out, end.x + 9, end.y + 4, end.text, "t strong");
}

/// How many rows stand behind the points of a single line, where they say so; as many as there is room for.
bool HasCounts(const Chart& chart) {
  return chart.series.size() == 1 &&
         std::any_of(chart.series[0].points.begin(), chart.series[0].points.end(),
                     [](const Point& point) { return point.note.starts_with("n = "); });
}

void DrawCounts(Markup& out, const Chart& chart, const XAxis& x, const PlotArea& area) {
  double free_from = area.left - 20;
  for (const Point& point : chart.series[0].points) {
    const double half = TextWidth(point.note) / 2;
    const double at = x.At(point.x);
    if (point.note.empty() || at - half < free_from) continue;
    SvgText(out, at, area.bottom + 35, point.note, "t soft", Anchor::kMiddle);
    free_from = at + half + 10;
  }
}

}  // namespace

void DrawLines(Markup& out, const Chart& chart, const Canvas& canvas) {
  Markup legend;
  const double legend_height = SvgLegend(legend, SeriesNames(chart), canvas.width);
  const Ticks ticks = ValueTicks(chart, false);
  const double plot_height = canvas.is_narrow ? 170 : 210;
  const PlotArea area{.left = ValueAxisWidth(chart, ticks),
                      .right = canvas.width - 58,
                      .top = legend_height + 10,
                      .bottom = legend_height + 10 + plot_height};
  const bool has_counts = HasCounts(chart);
  OpenSvg(out, canvas.id, canvas.width, area.bottom + (has_counts ? 43 : 28), canvas.css_class, chart.title, Describe(chart));
  out.Raw(legend.Take());
  const LinearScale y(ticks.from, ticks.to, area.bottom, area.top);
  const XAxis x(XsOf(chart), area.left + 10, area.right - 6);
  DrawValueAxis(out, chart, ticks, y, area);
  DrawXLabels(out, x, area);
  if (has_counts) DrawCounts(out, chart, x, area);
  for (size_t i = 0; i < chart.series.size(); ++i) DrawBand(out, chart.series[i], x, y, i);
  for (size_t i = 0; i < chart.series.size(); ++i) DrawSeries(out, chart, chart.series[i], x, y, i);
  LabelEnds(out, chart, x, y);
  CloseSvg(out);
}

}  // namespace wfe::analytics::reports
