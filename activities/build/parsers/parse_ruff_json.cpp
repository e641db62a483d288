// ruff check --output-format json: an array with one object per finding.

#include <nlohmann/json.hpp>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::build {

using nlohmann::json;

ParsedOutput ParseRuffJson(const CheckSpec& check, const ToolOutput& output) {
  ParsedOutput parsed;
  const std::string_view text = Source(check, output);
  const json document = ParseJson(text);
  if (!document.is_array()) {
    parsed.problem = text.empty() ? "it left no result" : "its result is not a JSON array";
    return parsed;
  }
  for (const json& item : document) {
    if (!item.is_object()) {
      parsed = {};
      parsed.problem = "its result is not what ruff writes";
      return parsed;
    }
    const auto text_of = [&item](const char* key) {
      const auto found = item.find(key);
      return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    Finding finding;
    const std::string code = text_of("code");
    finding.path = RelativePath(text_of("filename"), output.roots);
    if (const auto place = item.find("location"); place != item.end() && place->is_object()) {
      finding.line = place->value("row", int64_t{0});
      finding.column = place->value("column", int64_t{0});
    }
    const auto alias = check.aliases.find(code);
    const std::string detail = alias != check.aliases.end() ? alias->second : DetailFromName(code);
    finding.error_class = check.error_class + (detail.empty() ? "" : "_" + detail);
    // Where the class says what it is by itself, the table of classes has it without the tool's name.
    for (const auto& [pattern, error_class] : check.class_rules) {
      if (pattern == code) finding.error_class = error_class;
    }
    finding.text =
        (code.empty() ? "" : code + ": ") + RelativeText(sandbox::CleanTerminalText(text_of("message")), output.roots);
    parsed.findings.push_back(std::move(finding));
  }
  return parsed;
}

}  // namespace wfe::build
