// The other workflows that a run has to do with: children it started, and those it signals or asks to cancel.  Part of
// a WorkflowMachine, which matches commands with events; this part knows what the answers to them mean.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "workers/core/child_machine.h"
#include "workers/core/external_machine.h"
#include "workers/sdk/workflow_instance.h"

namespace wfe::core {

class Neighbours {
 public:
  // Code out: each gives the command to issue.  `task` is the number of the workflow task that is running.

  std::shared_ptr<CommandMachine> StartChild(sdk::ChildCommand command, int64_t task);
  /// The command to take back; nullptr: it has left.
  std::shared_ptr<CommandMachine> WithdrawChild(uint64_t seq, int64_t task);
  /// nullptr: the child has ended, or has not started.
  std::shared_ptr<CommandMachine> RequestCancelChild(uint64_t seq, const std::string& reason, int64_t task);
  std::shared_ptr<CommandMachine> Signal(sdk::ExternalSignalCommand command, int64_t task);
  std::shared_ptr<CommandMachine> Cancel(sdk::ExternalCancelCommand command, int64_t task);
  /// The command to take back; nullptr: it has left.
  std::shared_ptr<CommandMachine> WithdrawRequest(uint64_t seq, int64_t task);

  // History in.

  /// The history has the command of `machine`, if it is one of these.
  void Recorded(const std::shared_ptr<CommandMachine>& machine, const history_pb::HistoryEvent& event);
  /// The event is an answer to one of these commands.
  static bool IsAnswer(enums::EventType type);
  /// Tells the code.  A value: why the event cannot be, to follow its name.
  std::optional<std::string> Answer(const history_pb::HistoryEvent& event, const std::string& ns,
                                    sdk::WorkflowInstance& instance);

  bool empty() const { return children_.empty() && requests_.empty(); }
  /// One line each.
  std::string ToString() const;

 private:
  using Event = history_pb::HistoryEvent;

  std::optional<std::string> AnswerChild(const Event& event, int64_t initiated, const std::string& ns,
                                         sdk::WorkflowInstance& instance);
  std::optional<std::string> AnswerRequest(const Event& event, int64_t initiated, sdk::WorkflowInstance& instance);

  std::map<uint64_t, std::shared_ptr<ChildMachine>> children_;          // open ones, by sequence number
  std::map<int64_t, std::shared_ptr<ChildMachine>> children_by_event_;  // by initiated event id
  std::map<uint64_t, std::shared_ptr<ExternalMachine>> requests_;       // the code's own, open ones
  std::map<int64_t, std::shared_ptr<ExternalMachine>> requests_by_event_;  // those to children too
};

}  // namespace wfe::core
