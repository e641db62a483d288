// Charts of a log: values over time with the limits that they must keep, and when they did not.
#pragma once

#include <string>
#include <vector>

#include "activities/analytics/reports/markup.h"

namespace wfe::battery {

struct TimeLine {
  std::string name;
  std::vector<double> values;  ///< One for each of TimeChart::minutes.
};

struct TimeLevel {
  std::string label;
  double value = 0;
};

struct TimeSpan {
  double from = 0;  ///< Minutes.
  double to = 0;
  std::string tip;
};

struct TimeChart {
  std::string id;
  std::string title;
  std::string note;
  std::string unit;  ///< Behind the values of the axis.
  std::vector<double> minutes;
  std::vector<TimeLine> lines;
  std::vector<TimeLevel> levels;
  std::vector<TimeSpan> spans;  ///< Shaded.
};

/// As a figure with a drawing for wide and one for narrow windows; nothing without minutes.
void WriteTimeChart(analytics::reports::Markup& out, const TimeChart& chart);

}  // namespace wfe::battery
