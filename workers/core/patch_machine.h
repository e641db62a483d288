// Versioning marks: the markers and the search attribute that Temporal's core writes for patched() (S102).
#pragma once

#include <optional>
#include <set>
#include <string>

#include "workers/core/command_machine.h"

namespace wfe::core {

inline constexpr const char* kPatchMarkerName = "core_patch";
inline constexpr const char* kChangeVersionAttribute = "TemporalChangeVersion";

/// Command RecordMarker for one patch.
class PatchMachine final : public CommandMachine {
 public:
  PatchMachine(std::string id, bool deprecated) : id_(std::move(id)), deprecated_(deprecated) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_MARKER_RECORDED; }
  /// A patch and its deprecated form fit each other's markers.
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::string Describe() const override;
  /// A deprecated patch need not be in the history.
  bool optional() const override { return deprecated_; }

 private:
  std::string id_;
  bool deprecated_;
};

/// Command UpsertWorkflowSearchAttributes with the run's patches; older histories lack it.
class ChangeVersionMachine final : public CommandMachine {
 public:
  explicit ChangeVersionMachine(std::set<std::string> ids) : ids_(std::move(ids)) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::string Describe() const override;
  bool optional() const override { return true; }
  /// The value would be larger than a search attribute may be (2 KiB, S103): then it is left out.
  bool TooLarge() const;

 private:
  std::set<std::string> ids_;
};

struct PatchMarker {
  std::string id;
  bool deprecated = false;
};
/// nullopt for other markers and for one that cannot be read.
std::optional<PatchMarker> ReadPatchMarker(const history_pb::HistoryEvent& event);
/// An upsert that sets the change versions and nothing else.
bool IsChangeVersionUpsert(const history_pb::HistoryEvent& event);

}  // namespace wfe::core
