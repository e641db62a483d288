// The files below assets/, compiled in by embed_assets.cmake.
#pragma once

#include <string_view>

namespace wfe::analytics::reports {

/// All style sheets, in the order of their names.
std::string_view StyleSheet();
/// Sets the chosen theme before the page is drawn.
std::string_view ThemeScript();
/// Sorting, the theme's buttons, printing.
std::string_view PageScript();

}  // namespace wfe::analytics::reports
