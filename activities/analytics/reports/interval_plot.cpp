#include <algorithm>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"
#include "activities/analytics/reports/svg_scale.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

constexpr double kWidth = 300;
constexpr double kHeight = 72;
constexpr double kLine = 34;

std::string_view ToneOf(Direction direction) {
  if (direction == Direction::kNeutral) return "tone";
  return direction == Direction::kBetter ? "tone good" : "tone bad";
}

/// The ends below the line, each centred under its end and kept apart and inside.
void LabelEnds(Markup& out, const std::string& low, double low_at, const std::string& high, double high_at) {
  const double low_half = TextWidth(low) / 2;
  const double high_half = TextWidth(high) / 2;
  low_at = std::clamp(low_at, low_half, kWidth - low_half);
  high_at = std::clamp(high_at, high_half, kWidth - high_half);
  const double overlap = low_at + low_half + 10 - (high_at - high_half);
  if (overlap > 0) {
    low_at -= overlap / 2;
    high_at += overlap / 2;
    const double shift = std::max(0.0, low_half - low_at) - std::max(0.0, high_at + high_half - kWidth);
    low_at += shift;
    high_at += shift;
  }
  SvgText(out, low_at, kHeight - 8, low, "t", Anchor::kMiddle);
  SvgText(out, high_at, kHeight - 8, high, "t", Anchor::kMiddle);
}

}  // namespace

void WriteIntervalPlot(Markup& out, const Effect& effect, Direction direction, const std::string& id) {
  if (!effect.interval || !effect.value) return;
  const bool is_difference = IsDifference(effect);
  const double none = NoDifference(effect);
  double low = std::min(effect.interval->low, *effect.value);
  double high = std::max(effect.interval->high, *effect.value);
  if (is_difference) {
    low = std::min(low, none);
    high = std::max(high, none);
  }
  const double margin = high > low ? (high - low) * 0.12 : 1;
  const LinearScale x(low - margin, high + margin, 4, kWidth - 4);
  const std::string description =
      EffectValue(effect) + ", " + IntervalName(effect) + " " + EffectInterval(effect) + ".";
  OpenSvg(out, id, kWidth, kHeight, "interval", effect.measure.empty() ? "Effect" : effect.measure, description);
  out.Open("g", {{"class", ToneOf(direction)}});
  SvgLine(out, 0, kLine, kWidth, kLine, "grid");
  if (is_difference) {
    SvgLine(out, x(none), 18, x(none), kLine + 14, "axis");
    const double half = TextWidth("no difference") / 2;
    SvgText(out, std::clamp(x(none), half, kWidth - half), 11, "no difference", "t soft", Anchor::kMiddle);
  }
  const double begin = x(effect.interval->low);
  const double end = x(effect.interval->high);
  SvgLine(out, begin, kLine, end, kLine, "span");
  SvgLine(out, begin, kLine - 6, begin, kLine + 6, "cap");
  SvgLine(out, end, kLine - 6, end, kLine + 6, "cap");
  SvgDot(out, x(*effect.value), kLine, 6, "mean");
  const bool is_signed = is_difference && none == 0;
  const auto text = [&](double value) {
    return is_signed ? FormatDifference(value, effect.unit) : FormatValue(value, effect.unit);
  };
  LabelEnds(out, text(effect.interval->low), begin, text(effect.interval->high), end);
  out.Close("g");
  CloseSvg(out);
}

}  // namespace wfe::analytics::reports
