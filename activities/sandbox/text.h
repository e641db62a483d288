// Making text of unknown origin harmless: what tools print goes into logs, traces and a model's prompt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wfe::sandbox {

/// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

/// Every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string ToUtf8(std::string_view bytes);

/// Unicode code points of well-formed UTF-8.
int64_t CountCodePoints(std::string_view utf8);

/// Escape sequences (CSI, OSC and the rest) removed, control characters but newline and tab removed, "\r\n" made "\n",
/// bytes that are not UTF-8 replaced.
std::string CleanTerminalText(std::string_view bytes);

/// One line for an error message: control characters as "?", at most 120 bytes.
std::string Printable(std::string_view text);

/// "a, b and 3 more": at most five of them.
std::string Listed(const std::vector<std::string>& paths);

/// At most `max_code_points` of the text: head and tail around a line that says how much is missing.
std::string KeepHeadAndTail(const std::string& utf8, int64_t max_code_points, bool* truncated);

/// No run of three or more backquotes is left, so the text can stand inside a fenced block.
std::string FenceSafe(std::string text);

/// Replaces the exact secrets, then well-known credential shapes, by "[redacted:KIND]".
class SecretMask {
 public:
  SecretMask() = default;
  explicit SecretMask(std::vector<std::string> secrets);
  std::string Apply(std::string text) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

/// For reading, not for running: arguments with blanks or quotes are quoted.
std::string JoinCommand(const std::vector<std::string>& argv);

/// Lines without their newline; a last empty one is left out.
std::vector<std::string> SplitLines(std::string_view text);

}  // namespace wfe::sandbox
