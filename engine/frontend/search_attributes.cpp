#include "engine/frontend/search_attributes.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/parse_json.h"
#include "engine/base/printable.h"
#include "engine/base/serialize.h"
#include "engine/runtime/services.h"
#include "engine/visibility/list_filter.h"

namespace wfe::frontend {

namespace enums = temporal::api::enums::v1;
using enums::IndexedValueType;

namespace {

constexpr auto kText = enums::INDEXED_VALUE_TYPE_TEXT;
constexpr auto kKeyword = enums::INDEXED_VALUE_TYPE_KEYWORD;
constexpr auto kInt = enums::INDEXED_VALUE_TYPE_INT;
constexpr auto kDouble = enums::INDEXED_VALUE_TYPE_DOUBLE;
constexpr auto kBool = enums::INDEXED_VALUE_TYPE_BOOL;
constexpr auto kDatetime = enums::INDEXED_VALUE_TYPE_DATETIME;
constexpr auto kKeywordList = enums::INDEXED_VALUE_TYPE_KEYWORD_LIST;

struct TypeName {
  IndexedValueType type;
  const char* name;
};
constexpr auto kTypeNames = std::to_array<TypeName>({{kText, "Text"},
                                                     {kKeyword, "Keyword"},
                                                     {kInt, "Int"},
                                                     {kDouble, "Double"},
                                                     {kBool, "Bool"},
                                                     {kDatetime, "Datetime"},
                                                     {kKeywordList, "KeywordList"}});

/// What the server knows of a run by itself: nobody sets it.
const AttributeTypes& Facts() {
  static const AttributeTypes facts = {
      {"WorkflowId", kKeyword},           {"RunId", kKeyword},         {"WorkflowType", kKeyword},
      {"TaskQueue", kKeyword},            {"StartTime", kDatetime},    {"ExecutionTime", kDatetime},
      {"CloseTime", kDatetime},           {"ExecutionStatus", kKeyword}, {"ExecutionDuration", kInt},
      {"HistoryLength", kInt},            {"HistorySizeBytes", kInt},  {"StateTransitionCount", kInt},
      {"ParentWorkflowId", kKeyword},     {"ParentRunId", kKeyword},   {"RootWorkflowId", kKeyword},
      {"RootRunId", kKeyword}};
  return facts;
}

/// What SDKs and the server's own parts set.
const AttributeTypes& Predefined() {
  static const AttributeTypes predefined = {{"BatcherNamespace", kKeyword},
                                            {"BatcherUser", kKeyword},
                                            {"BinaryChecksums", kKeywordList},
                                            {"BuildIds", kKeywordList},
                                            {"TemporalChangeVersion", kKeywordList},
                                            {"TemporalNamespaceDivision", kKeyword},
                                            {"TemporalPauseInfo", kKeywordList},
                                            {"TemporalSchedulePaused", kBool},
                                            {"TemporalScheduledById", kKeyword},
                                            {"TemporalScheduledStartTime", kDatetime},
                                            {"TemporalWorkerDeployment", kKeyword},
                                            {"TemporalWorkerDeploymentVersion", kKeyword},
                                            {"TemporalWorkflowVersioningBehavior", kKeyword}};
  return predefined;
}

/// Lists of one are what older SDKs send for a value.
bool Fits(const nlohmann::json& value, IndexedValueType type) {
  const auto is_string = [](const nlohmann::json& item) { return item.is_string(); };
  if (type == kKeywordList) return value.is_array() && std::all_of(value.begin(), value.end(), is_string);
  if (value.is_array()) return value.empty() || (value.size() == 1 && Fits(value[0], type));
  switch (type) {
    case kText:
    case kKeyword:
      return value.is_string();
    case kInt:
      return value.is_number_integer();
    case kDouble:
      return value.is_number();
    case kBool:
      return value.is_boolean();
    case kDatetime:
      return value.is_string() && visibility::ParseTime(value.get<std::string>()).has_value();
    default:
      return false;
  }
}

Status CheckValue(const std::string& name, const temporal::api::common::v1::Payload& payload, IndexedValueType type) {
  constexpr size_t kShown = 100;
  const auto encoding = payload.metadata().find("encoding");
  if (encoding != payload.metadata().end() && encoding->second == "binary/null") return Ok();
  const nlohmann::json value = ParseJson(payload.data());
  if (!value.is_discarded() && (value.is_null() || Fits(value, type))) return Ok();
  const std::string shown = value.is_string() ? value.get<std::string>() : payload.data();
  return InvalidArgument("invalid value for search attribute " + name + " of type " + AttributeTypeName(type) + ": " +
                         PrintableLine(shown.substr(0, kShown)));
}

}  // namespace

const AttributeTypes& SystemAttributes() {
  static const AttributeTypes all = [] {
    AttributeTypes types = Facts();
    types.insert(Predefined().begin(), Predefined().end());
    return types;
  }();
  return all;
}

bool IsReservedAttribute(const std::string& name) {
  return name.starts_with("Temporal") || SystemAttributes().contains(name);
}

std::string AttributeTypeName(IndexedValueType type) {
  for (const TypeName& known : kTypeNames) {
    if (known.type == type) return known.name;
  }
  return {};
}

std::optional<IndexedValueType> AttributeTypeOf(const std::string& name) {
  for (const TypeName& known : kTypeNames) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

Status CheckSearchAttributes(const Services& services, const std::string& ns,
                             temporal::api::common::v1::SearchAttributes* attributes) {
  if (attributes->indexed_fields().empty()) return Ok();
  const std::optional<engine::v1::NamespaceRow> row = services.namespaces.Find(ns);
  if (!row) return Ok();  // refused elsewhere, with the namespace's own error
  for (auto* const field : InOrder(*attributes->mutable_indexed_fields())) {  // the same one is named each time
    const std::string& name = field->first;
    auto& payload = field->second;
    if (Facts().contains(name)) return InvalidArgument(name + " attribute can't be set in SearchAttributes");
    IndexedValueType type{};
    if (const auto predefined = Predefined().find(name); predefined != Predefined().end()) {
      type = predefined->second;
    } else if (const auto own = row->search_attributes().find(name); own != row->search_attributes().end()) {
      type = own->second;
    } else {
      return InvalidArgument("Namespace " + ns + " has no mapping defined for search attribute " + name);
    }
    WFE_RETURN_IF_ERROR(CheckValue(name, payload, type));
    (*payload.mutable_metadata())["type"] = AttributeTypeName(type);
  }
  return Ok();
}

}  // namespace wfe::frontend
