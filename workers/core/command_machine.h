// One command of a workflow, from the moment the code issues it until the history has it.
#pragma once

#include <optional>
#include <string>

#include "temporal/api/command/v1/message.pb.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/history/v1/message.pb.h"

namespace wfe::core {

namespace command_pb = temporal::api::command::v1;
namespace history_pb = temporal::api::history::v1;
namespace enums = temporal::api::enums::v1;

/// A field in which a command and an event differ.
struct Difference {
  std::string field;
  std::string expected;  ///< The event's value.
  std::string produced;  ///< The command's value.
};

/// Base of the machines, one per kind of command.
class CommandMachine {
 public:
  virtual ~CommandMachine() = default;

  /// The command to send.
  virtual command_pb::Command ToCommand() const = 0;
  /// The event the engine writes for it.
  virtual enums::EventType event_type() const = 0;
  /// The first field in which they differ, for an event of that type.  Payloads are not compared: their bytes may
  /// differ between builds without changing what the workflow did.
  virtual std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const = 0;
  /// The first value that is not what this very instance sent, for an event that Compare found equal.  Another build,
  /// and a replay, may come to other values; an instance that meets others than its own has met the answer of another
  /// attempt, and must not go on (WIRE-F27).
  virtual std::optional<Difference> CompareValues(const history_pb::HistoryEvent&) const { return std::nullopt; }
  /// It leaves with this instance's answer.
  void MarkSent() { sent_ = true; }
  bool sent() const { return sent_; }
  /// The history has the command.
  virtual void Recorded(const history_pb::HistoryEvent&) {}
  /// May also become this other event (a failed run that is retried).
  virtual bool MayBecome(const history_pb::HistoryEvent& event) const { return event.event_type() == event_type(); }
  /// True: a history without it is no divergence.
  virtual bool optional() const { return false; }
  virtual bool terminal() const { return false; }
  /// "ScheduleActivityTask(activity type=build, activity id=1)".
  virtual std::string Describe() const = 0;

 private:
  bool sent_ = false;
};

/// "ActivityTaskScheduled(activity type=build, activity id=1)".
std::string DescribeEvent(const history_pb::HistoryEvent& event);
/// "ActivityTaskScheduled".
std::string EventTypeName(enums::EventType type);
/// True for events that the engine writes for a worker's command, right after the workflow task's completion.
bool IsCommandEvent(const history_pb::HistoryEvent& event);

}  // namespace wfe::core
