// Source text as the examiner reads it: comments and the insides of strings told apart from code, by language.
// No parser: enough to count what matters (tests, assertions, suppressions) without being fooled by a string or a comment
// that looks like one.
#pragma once

#include <string>
#include <string_view>

namespace wfe::build {

enum class Language { kNone, kJavaScript, kPython, kCpp, kGo, kRust };

/// By the file's extension; kNone for anything that is not source code.
Language LanguageOf(std::string_view path);

/// Two views of one text, both as long as it: offsets and lines agree.
struct SourceText {
  Language language = Language::kNone;
  std::string raw;
  std::string code;      ///< Comments and the contents of strings are blanks; their quotes stay.
  std::string comments;  ///< Only what stands in comments (and not in strings); all else is blank.
};

SourceText ReadSourceText(Language language, std::string raw);

/// 1-based line of an offset.
int64_t LineAt(std::string_view text, size_t offset);

/// The offset just behind the bracket that closes the one at `open` ('(', '[' or '{'), or the text's end.
size_t BehindBracket(std::string_view code, size_t open);

/// "a  b\n c" → "a b c": equal for texts that differ in layout only.
std::string SquashBlanks(std::string_view text);

}  // namespace wfe::build
