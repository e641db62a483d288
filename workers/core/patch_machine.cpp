#include "workers/core/patch_machine.h"

#include "workers/core/payload_codec.h"

namespace wfe::core {

namespace {
constexpr const char* kPatchDataKey = "patch-data";
constexpr size_t kMaxAttributeBytes = 2048;

/// Early versions of Temporal's core wrote the id as plain bytes and the flag as one byte.
std::optional<PatchMarker> ReadOldPatchMarker(const history_pb::MarkerRecordedEventAttributes& attributes) {
  const auto id = attributes.details().find("patch_id");
  if (id == attributes.details().end() || id->second.payloads().empty()) return std::nullopt;
  const auto flag = attributes.details().find("deprecated");
  const bool deprecated = flag != attributes.details().end() && !flag->second.payloads().empty() &&
                          flag->second.payloads(0).data() == std::string(1, '\1');
  return PatchMarker{id->second.payloads(0).data(), deprecated};
}

}  // namespace

command_pb::Command PatchMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
  auto& a = *command.mutable_record_marker_command_attributes();
  a.set_marker_name(kPatchMarkerName);
  (*a.mutable_details())[kPatchDataKey] = EncodePayloads({{"id", id_}, {"deprecated", deprecated_}});
  return command;
}

std::optional<Difference> PatchMachine::Compare(const history_pb::HistoryEvent& event) const {
  const std::string& name = event.marker_recorded_event_attributes().marker_name();
  if (name != kPatchMarkerName) return Difference{"marker name", name, kPatchMarkerName};
  const std::optional<PatchMarker> marker = ReadPatchMarker(event);
  if (marker.has_value() && marker->id == id_) return std::nullopt;
  return Difference{"patch id", marker.has_value() ? marker->id : "unreadable", id_};
}

std::string PatchMachine::Describe() const {
  return "RecordMarker(marker name=" + std::string(kPatchMarkerName) + ", patch id=" + id_ + ")";
}

command_pb::Command ChangeVersionMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES);
  auto payload = EncodePayload(ids_);
  (*payload.mutable_metadata())["type"] = "KeywordList";
  auto& fields = *command.mutable_upsert_workflow_search_attributes_command_attributes()
                      ->mutable_search_attributes()
                      ->mutable_indexed_fields();
  fields[kChangeVersionAttribute] = payload;
  return command;
}

std::optional<Difference> ChangeVersionMachine::Compare(const history_pb::HistoryEvent& event) const {
  if (IsChangeVersionUpsert(event)) return std::nullopt;
  return Difference{"search attribute", "another", kChangeVersionAttribute};
}

std::string ChangeVersionMachine::Describe() const {
  return "UpsertWorkflowSearchAttributes(" + std::string(kChangeVersionAttribute) + ")";
}

bool ChangeVersionMachine::TooLarge() const { return nlohmann::json(ids_).dump().size() >= kMaxAttributeBytes; }

std::optional<PatchMarker> ReadPatchMarker(const history_pb::HistoryEvent& event) {
  const auto& a = event.marker_recorded_event_attributes();
  if (a.marker_name() != kPatchMarkerName) return std::nullopt;
  const auto data = a.details().find(kPatchDataKey);
  if (data == a.details().end()) return ReadOldPatchMarker(a);
  const Result<nlohmann::json> json = DecodePayloads(data->second);
  if (!json.has_value() || !json.value().is_object()) return std::nullopt;
  const auto id = json.value().find("id");
  if (id == json.value().end() || !id->is_string()) return std::nullopt;
  const auto deprecated = json.value().find("deprecated");
  const bool is_deprecated = deprecated != json.value().end() && deprecated->is_boolean() && deprecated->get<bool>();
  return PatchMarker{id->get<std::string>(), is_deprecated};
}

bool IsChangeVersionUpsert(const history_pb::HistoryEvent& event) {
  if (event.event_type() != enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES) return false;
  const auto& fields = event.upsert_workflow_search_attributes_event_attributes().search_attributes().indexed_fields();
  return fields.size() == 1 && fields.contains(kChangeVersionAttribute);
}

}  // namespace wfe::core
