// What a tool complained about, and the parsers that read it from the tool's output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/build/profile/profile.h"

namespace wfe::build {

struct Finding {
  std::string path;  ///< Relative to the working directory; "" when the tool named none.
  int64_t line = 0;  ///< 0: unknown.
  int64_t column = 0;
  std::string error_class;  ///< Base and detail, e.g. "ESLINT_ERROR_NO_ANY".
  std::string text;         ///< Clean text, possibly several lines.
};

/// What a parser is given.
struct ToolOutput {
  std::string_view out;
  std::string_view err;
  std::optional<std::string> file;  ///< The output file, when the check has one and it is from this run.
  std::vector<std::string> roots;   ///< Absolute names of the working directory that are cut from paths and texts.
};

struct ParsedOutput {
  std::vector<Finding> findings;
  int64_t suppressed = 0;
  std::optional<int64_t> tests_total;
  std::optional<int64_t> tests_failed;
  std::optional<int64_t> tests_skipped;
  std::optional<std::vector<std::string>> examined;  ///< Files the result names, relative; absent: it names none.
  std::vector<Finding> warnings;                     ///< Findings only when the run failed without any other.
  std::string problem;  ///< Not empty: the output is not what the tool prints, and says why.
};

ParsedOutput ParseRegex(const CheckSpec& check, const ToolOutput& output);
ParsedOutput ParseEslintJson(const CheckSpec& check, const ToolOutput& output);
ParsedOutput ParseJestJson(const CheckSpec& check, const ToolOutput& output);
ParsedOutput ParseJunitXml(const CheckSpec& check, const ToolOutput& output);
ParsedOutput ParseGccText(const CheckSpec& check, const ToolOutput& output);
ParsedOutput ParseRuffJson(const CheckSpec& check, const ToolOutput& output);
ParsedOutput ParseGoTestJson(const CheckSpec& check, const ToolOutput& output);
ParsedOutput ParseCargoText(const CheckSpec& check, const ToolOutput& output);

/// Where the result stands: the output file when the check has one ("" when it is missing), else standard output.
inline std::string_view Source(const CheckSpec& check, const ToolOutput& output) {
  if (check.output_file.empty()) return output.out;
  return output.file.has_value() ? std::string_view(*output.file) : std::string_view();
}

/// The longest text of a finding, in bytes.
inline constexpr int64_t kTextLimit = 4000;

/// A number that a pattern found; 0: there is none, or none that fits.
int64_t ToNumber(const std::string& text);

/// The parser the check names.
ParsedOutput ParseOutput(const CheckSpec& check, const ToolOutput& output);

/// "no-unused-vars" → "NO_UNUSED_VARS": upper case, other characters as '_'.
std::string DetailFromName(std::string_view name);

/// The path without the longest root before it, and without "./".
std::string RelativePath(std::string_view path, const std::vector<std::string>& roots);

/// The text with every "ROOT/" removed that starts a path, so that equal findings read alike on every machine.
std::string RelativeText(std::string_view text, const std::vector<std::string>& roots);

}  // namespace wfe::build
