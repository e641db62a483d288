#include <algorithm>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/chart_axes.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"

namespace wfe::analytics::reports {
namespace {

constexpr double kBadge = 9;

/// The number of a change on top of its line; a second row where the first is taken, none where both are.
void DrawBadges(Markup& out, const std::vector<double>& places, double top, double bottom) {
  std::vector<double> ends = {-100, -100};
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t row = places[i] - kBadge >= ends[0] ? 0 : 1;
    if (places[i] - kBadge < ends[row]) {
      SvgLine(out, places[i], top + 4 * kBadge + 2, places[i], bottom, "change");
      continue;
    }
    ends[row] = places[i] + kBadge + 2;
    const double y = top + kBadge + static_cast<double>(row) * (2 * kBadge + 2);
    SvgLine(out, places[i], y + kBadge, places[i], bottom, "change");
    SvgDot(out, places[i], y, kBadge, "badge");
    SvgText(out, places[i], y + 4, std::to_string(i + 1), "t badge-text", Anchor::kMiddle);
  }
}

}  // namespace

void DrawTimeline(Markup& out, const Chart& chart, const Canvas& canvas) {
  Markup legend;
  const double legend_height = SvgLegend(legend, SeriesNames(chart), canvas.width);
  const Ticks ticks = ValueTicks(chart, false);
  const double badges = 4 * kBadge + 8;
  const PlotArea area{.left = ValueAxisWidth(chart, ticks),
                      .right = canvas.width - 12,
                      .top = legend_height + badges,
                      .bottom = legend_height + badges + (canvas.is_narrow ? 160 : 190)};
  OpenSvg(out, canvas.id, canvas.width, area.bottom + 28, canvas.css_class, chart.title, Describe(chart));
  out.Raw(legend.Take());
  const LinearScale y(ticks.from, ticks.to, area.bottom, area.top);
  // What came after the last change gets a stretch of its own.
  const XAxis x(XsOf(chart), area.left + 14, area.right - (area.right - area.left) * 0.16);
  DrawValueAxis(out, chart, ticks, y, area);
  DrawXLabels(out, x, area);

  for (size_t s = 0; s < chart.series.size(); ++s) {
    const Series& series = chart.series[s];
    std::vector<double> places;
    for (const Point& point : series.points) places.push_back(x.At(point.x));
    if (s == 0) DrawBadges(out, places, legend_height, area.bottom);
    for (size_t i = 0; i < places.size(); ++i) {
      const Point& point = series.points[i];
      const double end = i + 1 < places.size() ? places[i + 1] : area.right;
      if (point.band) {
        const double top = y(point.band->high);
        SvgRect(out, places[i], top, end - places[i], y(point.band->low) - top, "band " + FillClass(s),
                Tip(chart, series, point));
      }
      SvgLine(out, places[i], y(point.y), end, y(point.y), "step " + LineClass(s));
      const std::string value = FormatShort(point.y, chart.unit);
      if (end - places[i] > TextWidth(value) + 8) {
        SvgText(out, places[i] + 5, y(point.y) - 6, value, "t strong");
      }
    }
  }
  CloseSvg(out);
}

}  // namespace wfe::analytics::reports
