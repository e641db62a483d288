#include "workers/core/history_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <cctype>
#include <nlohmann/json.hpp>

#include "engine/base/check.h"
#include "engine/base/parse_json.h"

namespace wfe::core {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

/// "TimerStarted" of EventType is EVENT_TYPE_TIMER_STARTED; what is no such name stays as it is.
std::string LongEnumName(const EnumDescriptor& type, const std::string& name) {
  if (type.FindValueByName(name) != nullptr) return name;
  constexpr std::string_view kUnspecified = "UNSPECIFIED";
  const std::string& zero = type.value(0)->name();
  if (!zero.ends_with(kUnspecified)) return name;
  std::string full = zero.substr(0, zero.size() - kUnspecified.size());
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (i > 0 && std::isupper(c) != 0) full += '_';
    full += static_cast<char>(std::toupper(c));
  }
  return type.FindValueByName(full) == nullptr ? name : full;
}

void LengthenEnums(nlohmann::json& json, const Descriptor& message);

void LengthenEnums(nlohmann::json& value, const FieldDescriptor& field) {
  if (value.is_array()) {
    for (nlohmann::json& each : value) LengthenEnums(each, field);
  } else if (field.type() == FieldDescriptor::TYPE_ENUM) {
    if (value.is_string()) value = LongEnumName(*field.enum_type(), value.get<std::string>());
  } else if (field.is_map() && value.is_object()) {
    const FieldDescriptor* mapped = field.message_type()->FindFieldByNumber(2);
    for (auto& [key, each] : value.items()) LengthenEnums(each, *mapped);
  } else if (field.type() == FieldDescriptor::TYPE_MESSAGE && value.is_object()) {
    LengthenEnums(value, *field.message_type());
  }
}

void LengthenEnums(nlohmann::json& json, const Descriptor& message) {
  if (!json.is_object()) return;
  for (auto& [name, value] : json.items()) {
    const FieldDescriptor* field = message.FindFieldByCamelcaseName(name);
    if (field == nullptr) field = message.FindFieldByName(name);
    if (field != nullptr) LengthenEnums(value, *field);
  }
}

}  // namespace

Result<temporal::api::history::v1::History> HistoryFromJson(std::string_view text) {
  nlohmann::json json = ParseJson(text, kMaxStoredJsonDepth);
  if (json.is_discarded() || !json.is_object()) return InvalidArgument("a history is a JSON object with events");
  temporal::api::history::v1::History history;
  LengthenEnums(json, *history.GetDescriptor());
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), &history, options);
  if (!status.ok()) return InvalidArgument("not a history: " + std::string(status.message()));
  if (history.events().empty()) return InvalidArgument("the history has no events");
  for (const auto& event : history.events()) {
    // A type of a newer API is read as none; that is harmless only where the event itself says so (S53).
    if (event.event_type() == temporal::api::enums::v1::EVENT_TYPE_UNSPECIFIED && !event.worker_may_ignore()) {
      return InvalidArgument("event " + std::to_string(event.event_id()) + " has a type that this build does not know");
    }
  }
  return history;
}

std::string HistoryToJson(const temporal::api::history::v1::History& history) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(history, &text, options);
  WFE_CHECK(status.ok(), status.ToString());
  return text;
}

}  // namespace wfe::core
