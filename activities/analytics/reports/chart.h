// The charts of a report as inline SVG: few lines, values written at their marks.
#pragma once

#include <string>
#include <vector>

#include "activities/analytics/reports/markup.h"
#include "activities/analytics/reports/report_model.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {

/// Where a chart is drawn.  A phone gets a drawing of its own, since scaled-down text could not be read.
struct Canvas {
  std::string id;         ///< Unique in the document.
  std::string css_class;  ///< "wide" or "narrow".
  double width = 0;       ///< CSS pixels.
  bool is_narrow = false;
};

void DrawBars(Markup& out, const Chart& chart, const Canvas& canvas);
void DrawLines(Markup& out, const Chart& chart, const Canvas& canvas);
/// Side by side as columns when `x` is time, as rows otherwise.
void DrawStacks(Markup& out, const Chart& chart, const Canvas& canvas);
/// Steps from change to change, each change numbered; their notes go into a list beside the drawing.
void DrawTimeline(Markup& out, const Chart& chart, const Canvas& canvas);

/// The whole figure: caption, both drawings, the notes of a timeline.  `id` is unique in the document.
void WriteChart(Markup& out, const Chart& chart, const std::string& id);

/// The interval of an effect on a line with its point of no difference; nothing without an interval.
void WriteIntervalPlot(Markup& out, const Effect& effect, Direction direction, const std::string& id);

// Shared by the drawings.
bool IsEmpty(const Chart& chart);
std::vector<std::string> SeriesNames(const Chart& chart);
/// All x of all series, each once, in order of appearance.
std::vector<std::string> XsOf(const Chart& chart);
/// "TS2345: 41,200 (35,100 to 47,300), n = 18".
std::string Tip(const Chart& chart, const Series& series, const Point& point);
/// One sentence on what the chart shows, for those who do not see it.
std::string Describe(const Chart& chart);
/// The point of `series` at `x`, or nullptr.
const Point* PointAt(const Series& series, const std::string& x);

}  // namespace wfe::analytics::reports
