#include "activities/analytics/reports/svg.h"

#include <algorithm>
#include <cmath>

#include "activities/analytics/reports/format.h"

namespace wfe::analytics::reports {
namespace {

constexpr size_t kColours = 6;

/// An element that may have a tooltip in it.
void Mark(Markup& out, std::string_view tag, Markup::Attributes attributes, std::string_view tip) {
  if (tip.empty()) {
    out.Void(tag, attributes);
  } else {
    out.Open(tag, attributes).Leaf("title", tip).Close(tag);
  }
}

}  // namespace

std::string Px(double value) {
  const double rounded = std::round(value * 10) / 10;
  return FormatPlain(rounded == 0 ? 0 : rounded);
}

double TextWidth(std::string_view text) {
  double width = 0;
  for (const char c : text) {
    const bool is_wide = (c >= 'A' && c <= 'Z') || c == '%' || c == '@' || c == 'm' || c == 'w' || c == '_';
    const bool is_continuation = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (!is_continuation) width += is_wide ? 8.2 : 6.9;
  }
  return width;
}

void OpenSvg(Markup& out, std::string_view id, double width, double height, std::string_view css_class,
             std::string_view title, std::string_view description) {
  const std::string title_id = std::string(id) + "-t";
  const std::string description_id = std::string(id) + "-d";
  out.Open("svg", {{"class", css_class},
                   {"viewBox", "0 0 " + Px(width) + " " + Px(height)},
                   {"width", Px(width)},
                   {"height", Px(height)},
                   {"role", "img"},
                   {"aria-labelledby", title_id + " " + description_id}});
  out.Leaf("title", {{"id", title_id}}, title).Leaf("desc", {{"id", description_id}}, description);
}

void CloseSvg(Markup& out) { out.Close("svg"); }

void SvgText(Markup& out, double x, double y, std::string_view text, std::string_view css_class, Anchor anchor) {
  const std::string_view side = anchor == Anchor::kStart ? "" : anchor == Anchor::kMiddle ? "middle" : "end";
  out.Leaf("text", {{"x", Px(x)}, {"y", Px(y)}, {"class", css_class}, {"text-anchor", side}}, text);
}

void SvgValueText(Markup& out, double x, double y, std::string_view value, std::string_view note) {
  out.Open("text", {{"x", Px(x)}, {"y", Px(y)}, {"class", "t"}}).Leaf("tspan", {{"class", "strong"}}, value);
  if (!note.empty()) out.Leaf("tspan", {{"class", "soft"}, {"dx", "7"}}, note);
  out.Close("text");
}

void SvgLine(Markup& out, double x1, double y1, double x2, double y2, std::string_view css_class) {
  out.Void("line", {{"x1", Px(x1)}, {"y1", Px(y1)}, {"x2", Px(x2)}, {"y2", Px(y2)}, {"class", css_class}});
}

void SvgRect(Markup& out, double x, double y, double width, double height, std::string_view css_class,
             std::string_view tip) {
  Mark(out, "rect",
       {{"x", Px(x)},
        {"y", Px(y)},
        {"width", Px(std::max(0.0, width))},
        {"height", Px(std::max(0.0, height))},
        {"class", css_class}},
       tip);
}

void SvgDot(Markup& out, double x, double y, double radius, std::string_view css_class, std::string_view tip) {
  Mark(out, "circle", {{"cx", Px(x)}, {"cy", Px(y)}, {"r", Px(radius)}, {"class", css_class}}, tip);
}

void SvgPath(Markup& out, std::string_view d, std::string_view css_class) {
  out.Void("path", {{"d", d}, {"class", css_class}});
}

double SvgLegend(Markup& out, const std::vector<std::string>& names, double width) {
  if (names.size() < 2) return 0;
  constexpr double kRow = 20;
  double x = 0;
  double y = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const double needs = 16 + TextWidth(names[i]) + 18;
    if (x > 0 && x + needs > width) {
      x = 0;
      y += kRow;
    }
    SvgRect(out, x, y + 3, 10, 10, FillClass(i));
    SvgText(out, x + 16, y + 12, names[i], "t");
    x += needs;
  }
  return y + kRow + 6;
}

std::string FillClass(size_t series) { return "fill" + std::to_string(series % kColours); }
std::string LineClass(size_t series) { return "line" + std::to_string(series % kColours); }

}  // namespace wfe::analytics::reports
