// A recorded side effect: a marker in the layout that Temporal's Go SDK writes.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "workers/core/command_machine.h"

namespace wfe::core {

inline constexpr const char* kSideEffectMarkerName = "SideEffect";

/// Command RecordMarker for one side effect.
class SideEffectMachine final : public CommandMachine {
 public:
  SideEffectMachine(uint64_t seq, nlohmann::json value) : seq_(seq), value_(std::move(value)) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_MARKER_RECORDED; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::optional<Difference> CompareValues(const history_pb::HistoryEvent& event) const override;
  std::string Describe() const override;

 private:
  uint64_t seq_;
  nlohmann::json value_;
};

/// The number and value in a side effect's marker; nullopt for other markers and for one that cannot be read.
std::optional<std::pair<uint64_t, nlohmann::json>> ReadSideEffect(const history_pb::HistoryEvent& event);

}  // namespace wfe::core
