#include <algorithm>
#include <array>
#include <cmath>

#include "activities/nodes/node_tests.h"
#include "activities/sandbox/text.h"

namespace wfe::nodes {
namespace {

using nlohmann::json;

constexpr auto kKinds = std::to_array<std::string_view>({"equals", "contains", "has_keys", "type", "fails"});

std::string Shown(const json& value) {
  return sandbox::Printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

bool NearlyEqual(double a, double b) {
  return a == b || std::fabs(a - b) <= 1e-9 * std::max(std::fabs(a), std::fabs(b));
}

/// The first place where they differ, as a JSON pointer and a reason; "" when they do not.
std::string Difference(const json& expected, const json& found, const std::string& place, bool whole) {
  const std::string at = place.empty() ? "" : " at " + place;
  if (expected.is_number() && found.is_number()) {
    if (NearlyEqual(expected.get<double>(), found.get<double>())) return "";
  } else if (expected.is_object() && found.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      if (!found.contains(key)) return "lacks " + place + "/" + key;
      if (std::string why = Difference(value, found[key], place + "/" + key, whole); !why.empty()) return why;
    }
    for (const auto& [key, value] : found.items()) {
      if (whole && !expected.contains(key)) return "has " + place + "/" + key + ", which is not expected";
    }
    return "";
  } else if (expected.is_array() && found.is_array()) {
    if (expected.size() != found.size()) {
      return "has " + std::to_string(found.size()) + " elements" + at + " and not " + std::to_string(expected.size());
    }
    for (size_t i = 0; i < expected.size(); ++i) {
      std::string why = Difference(expected[i], found[i], place + "/" + std::to_string(i), whole);
      if (!why.empty()) return why;
    }
    return "";
  } else if (expected == found) {
    return "";
  }
  return "is " + Shown(found) + at + " and not " + Shown(expected);
}

std::string TypeOf(const json& value) { return value.is_number() ? "number" : std::string(value.type_name()); }

}  // namespace

void CheckRecord(const NodeExpectation& expectation) {
  if (std::ranges::find(kKinds, expectation.kind) == kKinds.end()) {
    RefuseRecord("kind is \"" + sandbox::Printable(expectation.kind) +
                 "\"; it may be equals, contains, has_keys, type or fails");
  }
  RequireOfRecord(expectation.kind != "has_keys" || expectation.value.is_array(),
                  "value of has_keys must be a list of keys");
  RequireOfRecord(expectation.kind != "type" || expectation.value.is_string(), "value of type must be the name of one");
}

std::string Mismatch(const NodeExpectation& expectation, const json& output) {
  if (expectation.kind == "equals") return Difference(expectation.value, output, "", /*whole=*/true);
  if (expectation.kind == "contains") return Difference(expectation.value, output, "", /*whole=*/false);
  if (expectation.kind == "type") {
    const std::string type = expectation.value.is_string() ? expectation.value.get<std::string>() : "";
    return type == TypeOf(output) ? "" : "is of type " + TypeOf(output) + " and not " + type;
  }
  if (expectation.kind == "has_keys") {
    if (!output.is_object()) return "is of type " + TypeOf(output) + " and not an object";
    for (const json& key : expectation.value) {
      if (key.is_string() && !output.contains(key.get_ref<const std::string&>())) {
        return "lacks /" + key.get_ref<const std::string&>();
      }
    }
  }
  return "";
}

}  // namespace wfe::nodes
