// The plot area of charts over time: horizontal rules with their values, days below.
#pragma once

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/svg_scale.h"

namespace wfe::analytics::reports {

struct PlotArea {
  double left = 0, right = 0, top = 0, bottom = 0;
};

/// Ticks for the chart's values and bands: shares stay within 0 and 1, sums of a stack start at zero.
Ticks ValueTicks(const Chart& chart, bool from_zero);
/// The height of the stack at `x`.
double SumAt(const Chart& chart, const std::string& x);
Ticks SumTicks(const Chart& chart, const std::vector<std::string>& xs);

void DrawValueAxis(Markup& out, const Chart& chart, const Ticks& ticks, const LinearScale& y, const PlotArea& area);
void DrawXLabels(Markup& out, const XAxis& x, const PlotArea& area);

/// Room for the values beside the axis.
double ValueAxisWidth(const Chart& chart, const Ticks& ticks);

}  // namespace wfe::analytics::reports
