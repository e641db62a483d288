// Marks of an inline SVG.  Colours and fonts come from the page's classes, so that charts follow its theme.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/reports/markup.h"

namespace wfe::analytics::reports {

/// A coordinate with at most one decimal: "12", "12.5".
std::string Px(double value);

/// What `text` needs in the charts' 12 px face, on the safe side.
double TextWidth(std::string_view text);

/// Opens <svg> with its title and description; `id` is unique in the document.
void OpenSvg(Markup& out, std::string_view id, double width, double height, std::string_view css_class,
             std::string_view title, std::string_view description);
void CloseSvg(Markup& out);

enum class Anchor { kStart, kMiddle, kEnd };
void SvgText(Markup& out, double x, double y, std::string_view text, std::string_view css_class,
             Anchor anchor = Anchor::kStart);
/// A value and a softer note after it, spaced by the browser since widths of text are only estimates here.
void SvgValueText(Markup& out, double x, double y, std::string_view value, std::string_view note);
void SvgLine(Markup& out, double x1, double y1, double x2, double y2, std::string_view css_class);
/// A box; `tip` is what a pointer over it shows, empty: nothing.
void SvgRect(Markup& out, double x, double y, double width, double height, std::string_view css_class,
             std::string_view tip = {});
void SvgDot(Markup& out, double x, double y, double radius, std::string_view css_class, std::string_view tip = {});
void SvgPath(Markup& out, std::string_view d, std::string_view css_class);

/// Swatches with names, wrapped to `width`; returns the height they took, 0 for fewer than two names.
double SvgLegend(Markup& out, const std::vector<std::string>& names, double width);

/// "fill0" to "fill5" and "line0" to "line5": the six colours, then from the start.
std::string FillClass(size_t series);
std::string LineClass(size_t series);

}  // namespace wfe::analytics::reports
