#include <algorithm>

#include "activities/analytics/reports/svg.h"
#include "activities/analytics/reports/svg_scale.h"
#include "activities/packaged/permits/report.h"

namespace wfe::packaged {
namespace {

using namespace analytics::reports;

/// A deadline in five years would push all others together; it stands at the edge, with its day.
constexpr int64_t kDaysShown = 550;
/// States in the order of the legend, which is that of the colours.
constexpr std::string_view kStates[] = {"later", "expired", "soon"};

size_t ColourOf(const std::string& status) {
  const auto* const found = std::ranges::find(kStates, status);
  return found == std::end(kStates) ? 0 : static_cast<size_t>(found - std::begin(kStates));
}

struct Span {
  int64_t from = 0;
  int64_t to = 0;
};

Span SpanOf(const std::vector<const DatedDeadline*>& dated) {
  Span span;
  for (const DatedDeadline* const deadline : dated) {
    span.from = std::min(span.from, std::max(deadline->days_left, -kDaysShown));
    span.to = std::max(span.to, std::min(deadline->days_left, kDaysShown));
  }
  // Some room, so that no mark stands on an edge.
  span.from -= 10;
  span.to += 20;
  return span;
}

/// "fee, 07-agreement.txt", cut where there is no room for more.
std::string NameWithin(const DatedDeadline& deadline, double room) {
  std::string name = SubjectInWords(deadline) + ", " + deadline.document;
  if (TextWidth(name) <= room) return name;
  while (!name.empty() && TextWidth(name + "…") > room) {
    while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xC0U) == 0x80U) name.pop_back();
    if (!name.empty()) name.pop_back();
  }
  return name + "…";
}

/// One drawing: for a desk with names beside the rows, for a phone with names above them.
void DrawDeadlines(Markup& out, const std::vector<const DatedDeadline*>& dated, const PermitReview& review, bool narrow) {
  const double width = narrow ? 360 : 900;
  const double left = narrow ? 8 : 290;
  const double right = width - 86;
  const double row = narrow ? 40 : 24;
  Markup legend;
  const double legend_height = SvgLegend(legend, {"later", "expired", "due soon"}, width);
  const double top = legend_height + 22;
  const double bottom = top + row * static_cast<double>(dated.size());
  const Span span = SpanOf(dated);
  const LinearScale x(static_cast<double>(span.from), static_cast<double>(span.to), left, right);
  OpenSvg(out, narrow ? "deadline-narrow" : "deadline-wide", width, bottom + 8, narrow ? "narrow" : "wide",
          "Deadlines in time", std::to_string(dated.size()) + " deadlines; the line in the middle is " + review.as_of);
  out.Raw(legend.Take());
  SvgLine(out, x(0), top - 6, x(0), narrow ? top : bottom, "axis");
  SvgText(out, x(0), top - 10, review.as_of, "t soft", x(0) < left + 40 ? Anchor::kStart : Anchor::kMiddle);
  for (size_t i = 0; i < dated.size(); ++i) {
    const DatedDeadline& deadline = *dated[i];
    const double middle = top + row * static_cast<double>(i) + (narrow ? 27 : 12);
    const std::string name = NameWithin(deadline, narrow ? width - 16 : left - 16);
    SvgText(out, narrow ? left : 0, narrow ? middle - 13 : middle + 4, name, "t");
    const int64_t shown = std::clamp(deadline.days_left, -kDaysShown, kDaysShown + 10);
    const double at = x(static_cast<double>(shown));
    if (narrow) SvgLine(out, x(0), middle - 9, x(0), middle + 9, "axis");  // the names between have the whole width
    SvgLine(out, left, middle, std::max(x(0), at), middle, "grid");
    SvgLine(out, std::min(x(0), at), middle, std::max(x(0), at), middle, "step " + LineClass(ColourOf(deadline.status)));
    SvgDot(out, at, middle, 5, "dot " + FillClass(ColourOf(deadline.status)), deadline.date + ": " + deadline.what);
    SvgText(out, std::max(x(0), at) + 10, middle + 4, deadline.date, "t strong");
  }
  CloseSvg(out);
}

}  // namespace

void WriteDeadlineTimeline(Markup& out, const PermitReview& review) {
  std::vector<const DatedDeadline*> dated;
  for (const DatedDeadline& deadline : review.deadlines) {
    if (!deadline.date.empty() && dated.size() < 60) dated.push_back(&deadline);
  }
  if (dated.empty()) return;
  out.Open("figure", {{"class", "chart"}});
  out.Open("figcaption").Leaf("strong", "Deadlines in time").Text(" ");
  out.Leaf("span", {{"class", "soft"}}, "Days from " + review.as_of + "; what is further away stands at the edge").Close("figcaption");
  DrawDeadlines(out, dated, review, false);
  DrawDeadlines(out, dated, review, true);
  out.Close("figure");
}

}  // namespace wfe::packaged
