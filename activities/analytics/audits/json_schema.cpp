#include "activities/analytics/audits/json_schema.h"

#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "engine/base/check.h"

namespace wfe::analytics {

extern const char* const kAuditReportSchemaText;

namespace {

using nlohmann::json;

class Validator {
 public:
  explicit Validator(const json& root) : root_(root) {}

  void Check(const json& value, const json& schema, const std::string& path) {
    if (schema.contains("$ref")) {
      const std::string& reference = schema.at("$ref").get_ref<const std::string&>();
      const std::string prefix = "#/$defs/";
      WFE_CHECK(reference.starts_with(prefix) && root_.at("$defs").contains(reference.substr(prefix.size())));
      Check(value, root_.at("$defs").at(reference.substr(prefix.size())), path);
    }
    if (schema.contains("oneOf")) CheckOneOf(value, schema.at("oneOf"), path);
    if (schema.contains("type") && !HasType(value, schema.at("type").get_ref<const std::string&>())) {
      return Say(path, "is no " + schema.at("type").get<std::string>());
    }
    if (schema.contains("const") && value != schema.at("const")) Say(path, "is not " + schema.at("const").dump());
    if (schema.contains("enum")) {
      bool found = false;
      for (const json& allowed : schema.at("enum")) found = found || value == allowed;
      if (!found) Say(path, value.dump() + " is not one of " + schema.at("enum").dump());
    }
    if (value.is_object()) CheckObject(value, schema, path);
    if (value.is_array()) CheckArray(value, schema, path);
    if (value.is_number()) CheckNumber(value, schema, path);
    if (value.is_string()) CheckText(value, schema, path);
  }

  std::vector<std::string> Take() { return std::move(problems_); }

 private:
  void Say(const std::string& path, const std::string& what) {
    problems_.push_back((path.empty() ? "/" : path) + ": " + what);
  }

  static bool HasType(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    WFE_CHECK(type == "null");
    return value.is_null();
  }

  void CheckOneOf(const json& value, const json& choices, const std::string& path) {
    int matches = 0;
    for (const json& choice : choices) {
      Validator one(root_);
      one.Check(value, choice, path);
      if (one.problems_.empty()) ++matches;
    }
    if (matches != 1) Say(path, "matches " + std::to_string(matches) + " of the choices instead of one");
  }

  void CheckObject(const json& value, const json& schema, const std::string& path) {
    if (schema.contains("required")) {
      for (const json& name : schema.at("required")) {
        if (!value.contains(name.get<std::string>())) Say(path, "lacks \"" + name.get<std::string>() + "\"");
      }
    }
    const json none = json::object();
    const json& properties = schema.contains("properties") ? schema.at("properties") : none;
    for (const auto& [name, member] : value.items()) {
      if (properties.contains(name)) {
        Check(member, properties.at(name), path + "/" + name);
      } else if (schema.contains("additionalProperties")) {
        const json& rest = schema.at("additionalProperties");
        if (rest.is_object()) {
          Check(member, rest, path + "/" + name);
        } else if (!rest.get<bool>()) {
          Say(path, "has an unknown key \"" + name + "\"");
        }
      }
    }
  }

  void CheckArray(const json& value, const json& schema, const std::string& path) {
    if (schema.contains("minItems") && value.size() < schema.at("minItems").get<size_t>()) Say(path, "is too short");
    if (schema.contains("maxItems") && value.size() > schema.at("maxItems").get<size_t>()) Say(path, "is too long");
    if (!schema.contains("items")) return;
    for (size_t i = 0; i < value.size(); ++i) Check(value[i], schema.at("items"), path + "/" + std::to_string(i));
  }

  void CheckNumber(const json& value, const json& schema, const std::string& path) {
    if (schema.contains("minimum") && value.get<double>() < schema.at("minimum").get<double>())
      Say(path, "is too small");
    if (schema.contains("maximum") && value.get<double>() > schema.at("maximum").get<double>())
      Say(path, "is too large");
  }

  void CheckText(const json& value, const json& schema, const std::string& path) {
    const std::string& text = value.get_ref<const std::string&>();
    if (schema.contains("minLength") && text.size() < schema.at("minLength").get<size_t>()) Say(path, "is too short");
    if (!schema.contains("pattern")) return;
    const std::string& pattern = schema.at("pattern").get_ref<const std::string&>();
    const auto [found, added] = patterns_.try_emplace(pattern);
    if (added) found->second = std::regex(pattern);  // Compiling one costs more than using it a hundred times.
    if (!std::regex_search(text, found->second)) Say(path, "\"" + text + "\" does not match " + pattern);
  }

  const json& root_;
  std::map<std::string, std::regex> patterns_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> SchemaProblems(const json& value, const json& schema) {
  Validator validator(schema);
  validator.Check(value, schema, "");
  return validator.Take();
}

const json& AuditReportSchema() {
  static const json schema = json::parse(kAuditReportSchemaText);
  return schema;
}

}  // namespace wfe::analytics
