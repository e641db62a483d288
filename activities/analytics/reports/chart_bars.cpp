#include <algorithm>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"
#include "activities/analytics/reports/svg_scale.h"

namespace wfe::analytics::reports {
namespace {

struct Layout {
  double label_width = 0;  ///< 0: labels stand above their bars.
  double bar = 16;
  double gap = 3;  ///< Between the bars of one group.
  double group_gap = 14;
  double value_width = 0;
};

Layout Plan(const Chart& chart, const Canvas& canvas, const std::vector<std::string>& xs) {
  Layout layout;
  if (canvas.is_narrow) {
    layout.bar = 12;
  } else {
    for (const std::string& x : xs) layout.label_width = std::max(layout.label_width, TextWidth(LabelOf(x)));
    layout.label_width = std::clamp(layout.label_width + 12, 60.0, 250.0);
  }
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      double needs = TextWidth(FormatShort(point.y, chart.unit)) + 8;
      if (!canvas.is_narrow) needs += TextWidth(Clip(point.note, 24)) + 10;
      layout.value_width = std::max(layout.value_width, needs);
    }
  }
  layout.value_width = std::min(layout.value_width, canvas.width * 0.4);
  return layout;
}

/// Zero, every value and every end of an uncertainty.
Interval Domain(const Chart& chart) {
  Interval domain;
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      domain.low = std::min({domain.low, point.y, point.band ? point.band->low : point.y});
      domain.high = std::max({domain.high, point.y, point.band ? point.band->high : point.y});
    }
  }
  return domain;
}

void DrawBar(Markup& out, const Chart& chart, const Series& series, const Point& point, const LinearScale& scale,
             double y, const Layout& layout, const Canvas& canvas, const std::string& fill) {
  const double zero = scale(0);
  const double end = scale(point.y);
  const double middle = y + layout.bar / 2;
  SvgRect(out, std::min(zero, end), y, std::max(1.0, std::abs(end - zero)), layout.bar, fill,
          Tip(chart, series, point));
  double right = std::max(zero, end);
  if (point.band) {
    const double low = scale(point.band->low);
    const double high = scale(point.band->high);
    SvgLine(out, low, middle, high, middle, "halo");
    SvgLine(out, low, middle, high, middle, "whisker");
    SvgLine(out, low, middle - 4, low, middle + 4, "whisker");
    SvgLine(out, high, middle - 4, high, middle + 4, "whisker");
    right = std::max(right, high);
  }
  const std::string value = FormatShort(point.y, chart.unit);
  SvgValueText(out, right + 7, middle + 4, value, canvas.is_narrow ? "" : Clip(point.note, 24));
}

/// With the note of a single bar, for which there is no room beside it.
std::string NarrowLabel(const Chart& chart, const std::string& x, size_t fits) {
  const Point* point = chart.series.size() == 1 ? PointAt(chart.series.front(), x) : nullptr;
  const std::string note = point == nullptr || point->note.empty() ? "" : ", " + point->note;
  return Clip(LabelOf(x) + note, fits);
}

}  // namespace

void DrawBars(Markup& out, const Chart& chart, const Canvas& canvas) {
  const std::vector<std::string> xs = XsOf(chart);
  const Layout layout = Plan(chart, canvas, xs);
  const double label_height = layout.label_width == 0 ? 18 : 0;
  const auto bars_of = [&](const std::string& x) {
    return static_cast<double>(std::count_if(chart.series.begin(), chart.series.end(),
                                             [&](const Series& series) { return PointAt(series, x) != nullptr; }));
  };
  double height = 0;
  for (const std::string& x : xs) {
    height += label_height + bars_of(x) * (layout.bar + layout.gap) - layout.gap + layout.group_gap;
  }
  Markup legend;
  const double top = SvgLegend(legend, SeriesNames(chart), canvas.width);
  OpenSvg(out, canvas.id, canvas.width, top + height, canvas.css_class, chart.title, Describe(chart));
  out.Raw(legend.Take());

  const Interval domain = Domain(chart);
  const LinearScale scale(domain.low, domain.high, layout.label_width, canvas.width - layout.value_width);
  double y = top;
  for (const std::string& x : xs) {
    const double group = bars_of(x) * (layout.bar + layout.gap) - layout.gap;
    const size_t fits = static_cast<size_t>((label_height > 0 ? canvas.width : layout.label_width - 12) / 6.6);
    if (label_height > 0) {
      SvgText(out, 0, y + 11, NarrowLabel(chart, x, fits), "t");
    } else {
      SvgText(out, layout.label_width - 10, y + group / 2 + 4, Clip(LabelOf(x), fits), "t", Anchor::kEnd);
    }
    y += label_height;
    for (size_t i = 0; i < chart.series.size(); ++i) {
      const Point* point = PointAt(chart.series[i], x);
      if (point == nullptr) continue;
      DrawBar(out, chart, chart.series[i], *point, scale, y, layout, canvas, FillClass(i));
      y += layout.bar + layout.gap;
    }
    y += layout.group_gap - layout.gap;
  }
  // Labels above their bars would be struck through.
  if (!canvas.is_narrow) SvgLine(out, scale(0), top, scale(0), top + height - layout.group_gap, "axis");
  CloseSvg(out);
}

}  // namespace wfe::analytics::reports
