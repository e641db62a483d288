// Sentences over as many lines as they take, broken between words.  Widths are columns, counted as code points.
#pragma once

#include <string>

namespace wfe::cli {

/// Puts words one after the other; a line that is full goes on in the next, after `indent` blanks.  A word that is wider
/// than a line, such as a path, stays in one piece, since it is there to be copied.
class WordWrap {
 public:
  /// `begun` is what the first line begins with.
  WordWrap(std::string begun, size_t indent, size_t width);

  /// With `separator` before it, unless it is the first.  At the end of a line blanks are left out, other separators stay.
  void Add(const std::string& word, const std::string& separator = " ");
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  size_t column_;
  const size_t indent_;
  const size_t width_;
  bool empty_ = true;
};

/// One sentence behind `begun`.  Blanks within a line stay as they are; an end of a line is a blank.
std::string WrapWords(std::string begun, const std::string& sentence, size_t indent, size_t width);

/// Each line that is too wide over several; the rest of it begins below column `indent`.
std::string Wrapped(const std::string& text, size_t width, size_t indent);

}  // namespace wfe::cli
