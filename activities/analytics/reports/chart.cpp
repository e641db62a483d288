#include "activities/analytics/reports/chart.h"

#include <algorithm>

#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg_scale.h"

namespace wfe::analytics::reports {
namespace {

constexpr double kWide = 760;
constexpr double kNarrow = 342;
/// More steps of a timeline than these are folded away.
constexpr size_t kListedSteps = 12;

void Draw(Markup& out, const Chart& chart, const Canvas& canvas) {
  switch (chart.type) {
    case ChartType::kBar:
      return DrawBars(out, chart, canvas);
    case ChartType::kLine:
      return DrawLines(out, chart, canvas);
    case ChartType::kStackedBar:
      return DrawStacks(out, chart, canvas);
    case ChartType::kTimeline:
      return DrawTimeline(out, chart, canvas);
  }
}

/// "Mean tokens per repair, by class of error"; days on an axis explain themselves.
std::string AxesText(const Chart& chart) {
  std::string x = XAxis(XsOf(chart), 0, 1).is_time() ? "" : chart.x_label;
  if (x.size() > 1 && x[0] >= 'A' && x[0] <= 'Z' && x[1] >= 'a') x[0] = static_cast<char>(x[0] - 'A' + 'a');
  if (x.empty()) return chart.y_label;
  return (chart.y_label.empty() ? "by " : chart.y_label + ", by ") + x;
}

/// What the numbers of a timeline stand for.
void WriteTimelineNotes(Markup& out, const Chart& chart) {
  for (const Series& series : chart.series) {
    const bool is_long = series.points.size() > kListedSteps;
    if (is_long) {
      out.Open("details").Leaf(
          "summary", Count(static_cast<double>(series.points.size()), "step", "steps") + " of the timeline in words");
    }
    out.Open("ol", {{"class", "steps"}});
    for (const Point& point : series.points) {
      out.Open("li").Leaf("span", {{"class", "when"}}, LabelOf(point.x)).Text(" ");
      out.Leaf("strong", FormatValue(point.y, chart.unit));
      if (point.band) {
        out.Leaf("span", {{"class", "soft"}}, " (" + FormatInterval(*point.band, chart.unit, false) + ")");
      }
      if (!point.note.empty()) out.Text(" ").Leaf("span", {{"class", "what"}}, point.note);
      out.Close("li");
    }
    out.Close("ol");
    if (is_long) out.Close("details");
  }
}

}  // namespace

bool IsEmpty(const Chart& chart) {
  return std::all_of(chart.series.begin(), chart.series.end(), [](const Series& s) { return s.points.empty(); });
}

std::vector<std::string> SeriesNames(const Chart& chart) {
  std::vector<std::string> names;
  for (const Series& series : chart.series) names.push_back(series.name);
  return names;
}

std::vector<std::string> XsOf(const Chart& chart) {
  std::vector<std::string> xs;
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      if (std::find(xs.begin(), xs.end(), point.x) == xs.end()) xs.push_back(point.x);
    }
  }
  return xs;
}

const Point* PointAt(const Series& series, const std::string& x) {
  const auto found = std::find_if(series.points.begin(), series.points.end(), [&](const Point& p) { return p.x == x; });
  return found == series.points.end() ? nullptr : &*found;
}

std::string Tip(const Chart& chart, const Series& series, const Point& point) {
  std::string tip = LabelOf(point.x);
  if (chart.series.size() > 1 && !series.name.empty()) tip += ", " + series.name;
  tip += ": " + FormatValue(point.y, chart.unit);
  if (point.band) tip += " (" + FormatInterval(*point.band, chart.unit, false) + ")";
  if (!point.note.empty()) tip += ", " + point.note;
  return tip;
}

std::string Describe(const Chart& chart) {
  std::string text;
  for (const Series& series : chart.series) {
    if (series.points.empty()) continue;
    const auto less = [](const Point& a, const Point& b) { return a.y < b.y; };
    const auto [low, high] = std::minmax_element(series.points.begin(), series.points.end(), less);
    if (!text.empty()) text += " ";
    text += (series.name.empty() ? chart.title : series.name) + ": ";
    text += Count(static_cast<double>(series.points.size()), "value", "values");
    text += ", lowest " + FormatValue(low->y, chart.unit) + " at " + LabelOf(low->x);
    text += ", highest " + FormatValue(high->y, chart.unit) + " at " + LabelOf(high->x) + ".";
  }
  return text;
}

void WriteChart(Markup& out, const Chart& chart, const std::string& id) {
  out.Open("figure", {{"class", "chart"}, {"id", id}});
  out.Open("figcaption").Leaf("strong", chart.title);
  const std::string axes = AxesText(chart);
  if (!axes.empty()) out.Text(" ").Leaf("span", {{"class", "soft"}}, axes);
  out.Close("figcaption");
  if (IsEmpty(chart)) {
    out.Leaf("p", {{"class", "soft"}}, "No data in this window.");
  } else {
    Draw(out, chart, {.id = id + "-w", .css_class = "wide", .width = kWide, .is_narrow = false});
    Draw(out, chart, {.id = id + "-n", .css_class = "narrow", .width = kNarrow, .is_narrow = true});
    if (chart.type == ChartType::kTimeline) WriteTimelineNotes(out, chart);
  }
  out.Close("figure");
}

}  // namespace wfe::analytics::reports
