// Lines for a terminal, one below the other, cut to its width; what they show comes from others and is made printable.
#pragma once

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "activities/analytics/reports/format.h"
#include "engine/base/printable.h"
#include "tools/wfe/word_wrap.h"

namespace wfe::cli {

class PageLines {
 public:
  static constexpr size_t kNarrowest = 78;

  explicit PageLines(size_t width) : width_(std::max(width, kNarrowest)) {}

  void Add(const std::string& line) {
    std::string fits = analytics::reports::Clip(PrintableLine(line), width_);
    fits.erase(fits.find_last_not_of(' ') + 1);
    text_ += fits + "\n";
  }
  /// With an empty line before it, unless it is the first.
  void Head(const std::string& line) {
    if (!text_.empty()) text_ += "\n";
    Add(line);
  }
  /// A sentence over as many lines as it takes.  What stands before it stands before its first line only; the others
  /// begin below its first word.
  void Wrap(const std::string& head, const std::string& sentence) {
    const size_t indent = analytics::reports::Characters(head);
    std::istringstream lines(WrapWords(head, sentence, indent, width_));
    for (std::string line; std::getline(lines, line);) Add(line);
  }
  std::string Take() { return std::move(text_); }

 private:
  const size_t width_;
  std::string text_;
};

/// "██████········": a share from 0 to 1 in so many characters.
inline std::string ShareBar(double share, size_t characters = 14) {
  const auto blocks = static_cast<size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(characters)));
  std::string bar;
  for (size_t i = 0; i < characters; ++i) bar += i < blocks ? "█" : "·";
  return bar;
}

/// Cut to so many characters, with control characters shown.
inline std::string CutName(const std::string& name, size_t width) {
  return analytics::reports::Clip(PrintableLine(name), width);
}

}  // namespace wfe::cli
