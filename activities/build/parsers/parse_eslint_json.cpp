// eslint --format json: an array with one object per file.

#include <nlohmann/json.hpp>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

/// "@typescript-eslint/no-unused-vars" → "NO_UNUSED_VARS", unless an alias says otherwise.
std::string RuleDetail(const std::string& rule_id, const CheckSpec& check) {
  const size_t slash = rule_id.rfind('/');
  const std::string rule = slash == std::string::npos ? rule_id : rule_id.substr(slash + 1);
  for (const std::string& name : {rule_id, rule}) {
    const auto found = check.aliases.find(name);
    if (found != check.aliases.end()) return found->second;
  }
  for (const auto& [pattern, detail] : check.aliases) {
    if (pattern.ends_with('*') && rule.starts_with(pattern.substr(0, pattern.size() - 1))) return detail;
  }
  return DetailFromName(rule);
}

void ReadMessage(const json& message, const std::string& path, const CheckSpec& check, const ToolOutput& output,
                 ParsedOutput& parsed) {
  Finding finding;
  finding.path = path;
  const auto number = [&](const char* key) {
    const auto found = message.find(key);
    return found != message.end() && found->is_number_integer() ? found->get<int64_t>() : int64_t{0};
  };
  finding.line = number("line");
  finding.column = number("column");
  finding.text = RelativeText(sandbox::CleanTerminalText(message.value("message", "")), output.roots);
  const auto rule = message.find("ruleId");
  if (message.value("fatal", false)) {
    finding.error_class = check.error_class + "_PARSE";
  } else if (rule != message.end() && rule->is_string() && !rule->get_ref<const std::string&>().empty()) {
    finding.error_class = check.error_class + "_" + RuleDetail(rule->get<std::string>(), check);
    finding.text += " (" + rule->get<std::string>() + ")";
  } else {
    finding.error_class = check.error_class;
  }
  // Severity 1 is a warning, which fails eslint only when there are more than --max-warnings.
  const bool warning = message.value("severity", 2) < 2;
  (warning ? parsed.warnings : parsed.findings).push_back(std::move(finding));
}

}  // namespace

ParsedOutput ParseEslintJson(const CheckSpec& check, const ToolOutput& output) {
  ParsedOutput parsed;
  const std::string_view text = Source(check, output);
  const json document = ParseJson(text);
  if (!document.is_array()) {
    parsed.problem = text.empty() ? "it printed no result" : "its result is not a JSON array";
    return parsed;
  }
  try {
    parsed.examined.emplace();
    for (const json& file : document) {
      const std::string path = RelativePath(file.at("filePath").get<std::string>(), output.roots);
      // A file that was named but is ignored has one warning that says so and nothing else.
      const json& messages = file.at("messages");
      const bool ignored = messages.size() == 1 && messages[0].value("severity", 2) == 1 &&
                           !messages[0].contains("line") &&
                           messages[0].value("message", "").starts_with("File ignored");
      if (!ignored) parsed.examined->push_back(path);
      for (const json& message : messages) ReadMessage(message, path, check, output, parsed);
      const auto suppressed = file.find("suppressedMessages");
      if (suppressed != file.end() && suppressed->is_array()) {
        parsed.suppressed += static_cast<int64_t>(suppressed->size());
      }
    }
  } catch (const json::exception& e) {
    parsed.findings.clear();
    parsed.problem = std::string("its result is not what eslint prints: ") + JsonErrorText(e);
  }
  return parsed;
}

}  // namespace wfe::build
