#include "workers/core/side_effect_machine.h"

#include "workers/core/payload_codec.h"

namespace wfe::core {

namespace {
constexpr const char* kIdKey = "side-effect-id";
constexpr const char* kDataKey = "data";
}  // namespace

command_pb::Command SideEffectMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
  auto& a = *command.mutable_record_marker_command_attributes();
  a.set_marker_name(kSideEffectMarkerName);
  (*a.mutable_details())[kIdKey] = EncodePayloads(seq_);
  (*a.mutable_details())[kDataKey] = EncodePayloads(value_);
  return command;
}

std::optional<Difference> SideEffectMachine::Compare(const history_pb::HistoryEvent& event) const {
  const std::string& name = event.marker_recorded_event_attributes().marker_name();
  if (name != kSideEffectMarkerName) return Difference{"marker name", name, kSideEffectMarkerName};
  const auto recorded = ReadSideEffect(event);
  if (recorded.has_value() && recorded->first == seq_) return std::nullopt;
  return Difference{"side effect id", recorded.has_value() ? std::to_string(recorded->first) : "unreadable",
                    std::to_string(seq_)};
}

std::optional<Difference> SideEffectMachine::CompareValues(const history_pb::HistoryEvent& event) const {
  const auto& recorded = event.marker_recorded_event_attributes().details().at(kDataKey);  // Compare has read it
  const auto sent = EncodePayloads(value_);
  if (SameData(recorded, sent)) return std::nullopt;
  return Difference{"side effect's value", Fingerprint(recorded), Fingerprint(sent)};
}

std::string SideEffectMachine::Describe() const {
  return "RecordMarker(marker name=" + std::string(kSideEffectMarkerName) + ", side effect id=" + std::to_string(seq_) +
         ")";
}

std::optional<std::pair<uint64_t, nlohmann::json>> ReadSideEffect(const history_pb::HistoryEvent& event) {
  const auto& a = event.marker_recorded_event_attributes();
  if (a.marker_name() != kSideEffectMarkerName) return std::nullopt;
  const auto id = a.details().find(kIdKey);
  const auto data = a.details().find(kDataKey);
  if (id == a.details().end() || data == a.details().end()) return std::nullopt;
  const Result<nlohmann::json> seq = DecodePayloads(id->second);
  const Result<nlohmann::json> value = DecodePayloads(data->second);
  if (!seq.has_value() || !value.has_value() || !seq.value().is_number_unsigned()) return std::nullopt;
  return std::pair{seq.value().get<uint64_t>(), value.value()};
}

}  // namespace wfe::core
