#include "activities/packaged/battery/report_charts.h"

#include <fmt/core.h>

#include <algorithm>

#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"
#include "activities/analytics/reports/svg_scale.h"

namespace wfe::battery {
namespace {

namespace pages = analytics::reports;

struct ChartCanvas {
  std::string css_class;
  double width = 0;
  double height = 0;
};

std::string HourText(double minutes) {
  const auto whole = static_cast<int64_t>(minutes + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

class ChartDrawer {
 public:
  ChartDrawer(pages::Markup& out, const TimeChart& chart, const ChartCanvas& canvas)
      : out_(out), chart_(chart), canvas_(canvas) {}

  void Draw() {
    pages::Markup legend;
    std::vector<std::string> names;
    for (const TimeLine& line : chart_.lines) names.push_back(line.name);
    const double top = pages::SvgLegend(legend, names, canvas_.width) + 12;
    const double bottom = top + canvas_.height;
    const pages::Ticks ticks = MakeTicks();
    double left = 0;
    for (const double tick : ticks.at) left = std::max(left, pages::TextWidth(pages::FormatPlain(tick)) + 12);
    const double right = canvas_.width - 8;
    pages::OpenSvg(out_, chart_.id + "-" + canvas_.css_class, canvas_.width, bottom + 28, canvas_.css_class,
                   chart_.title, chart_.note);
    out_.Raw(legend.Take());
    const pages::LinearScale x(chart_.minutes.front(), chart_.minutes.back(), left, right);
    const pages::LinearScale y(ticks.from, ticks.to, bottom, top);
    DrawSpans(x, top, bottom);
    for (const double tick : ticks.at) {
      pages::SvgLine(out_, left, y(tick), right, y(tick), tick == ticks.from ? "axis" : "grid");
      pages::SvgText(out_, left - 8, y(tick) + 4, pages::FormatPlain(tick), "t soft", pages::Anchor::kEnd);
    }
    DrawHours(x, bottom);
    for (size_t i = 0; i < chart_.lines.size(); ++i) DrawLine(chart_.lines[i], x, y, i);
    for (const TimeLevel& level : chart_.levels) {
      pages::SvgLine(out_, left, y(level.value), right, y(level.value), "change");
      pages::SvgText(out_, right, y(level.value) - 5, level.label, "t soft", pages::Anchor::kEnd);
    }
    pages::CloseSvg(out_);
  }

 private:
  pages::Ticks MakeTicks() const {
    double low = chart_.levels.empty() ? chart_.lines[0].values[0] : chart_.levels[0].value;
    double high = low;
    for (const TimeLine& line : chart_.lines) {
      for (const double value : line.values) {
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
    for (const TimeLevel& level : chart_.levels) {
      low = std::min(low, level.value);
      high = std::max(high, level.value);
    }
    return pages::RoundTicks(low, high, 4);
  }
  void DrawSpans(const pages::LinearScale& x, double top, double bottom) {
    for (const TimeSpan& span : chart_.spans) {
      const double width = std::max(2.0, x(span.to) - x(span.from));
      pages::SvgRect(out_, x(span.from), top, width, bottom - top, "band fill1", span.tip);
    }
  }
  void DrawHours(const pages::LinearScale& x, double bottom) {
    const double minutes = chart_.minutes.back() - chart_.minutes.front();
    const pages::Ticks hours = pages::RoundTicks(0, std::max(0.1, minutes / 60), canvas_.width > 500 ? 8 : 4);
    for (const double hour : hours.at) {
      const double at = chart_.minutes.front() + hour * 60;
      if (at > chart_.minutes.back() + 0.5) continue;
      const double half = pages::TextWidth(HourText(at)) / 2;
      pages::SvgText(out_, std::min(x(at), canvas_.width - half), bottom + 20, HourText(at), "t soft",
                     pages::Anchor::kMiddle);
    }
  }
  void DrawLine(const TimeLine& line, const pages::LinearScale& x, const pages::LinearScale& y, size_t colour) {
    std::string path;
    for (size_t i = 0; i < line.values.size() && i < chart_.minutes.size(); ++i) {
      path += (path.empty() ? "M" : "L") + pages::Px(x(chart_.minutes[i])) + " " + pages::Px(y(line.values[i]));
    }
    pages::SvgPath(out_, path, "stroke " + pages::LineClass(colour));
  }

  pages::Markup& out_;
  const TimeChart& chart_;
  const ChartCanvas& canvas_;
};

}  // namespace

void WriteTimeChart(pages::Markup& out, const TimeChart& chart) {
  if (chart.minutes.empty() || chart.lines.empty()) return;
  out.Open("figure", {{"class", "chart"}});
  out.Open("figcaption").Leaf("strong", chart.title + ", " + chart.unit);
  out.Text(" ").Leaf("span", {{"class", "soft"}}, chart.note).Close("figcaption");
  const ChartCanvas wide{.css_class = "wide", .width = 760, .height = 220};
  const ChartCanvas narrow{.css_class = "narrow", .width = 342, .height = 180};
  ChartDrawer(out, chart, wide).Draw();
  ChartDrawer(out, chart, narrow).Draw();
  out.Close("figure");
}

}  // namespace wfe::battery
