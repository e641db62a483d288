// What a run owes to other runs: to start a child, to signal or cancel another workflow, to end its children when it
// closes, to tell its parent how it ended.  A transition owes; the row that says so (obligation.proto) is written in
// its batch and deleted in the batch of the transition that acknowledges the answer, so nothing owed is lost and,
// since whoever receives it knows what it has had, nothing is paid twice (H43, H44).
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/ids.h"
#include "engine/history/input.h"
#include "wfe/engine/v1/obligation.pb.h"

namespace wfe::history {

using engine::v1::Obligation;

/// Names an obligation: who owes it, and which one it is.
struct ObligationId {
  ExecutionKey owner;
  int64_t number = 0;
  /// Unique among all obligations of a store: what a receiver dedupes by.
  std::string ToString() const { return owner.run_id.value() + "/" + std::to_string(number); }
  friend auto operator<=>(const ObligationId&, const ObligationId&) = default;
};

/// Of the `place`-th obligation of a run's `transition`-th transition; both rise, so later ones have higher numbers.
int64_t ObligationNumber(int64_t transition, size_t place);

WorkflowKey ReceiverOf(const Obligation& obligation);

/// "start of child workflow c1", for messages.
std::string Describe(const Obligation& obligation);

/// The acknowledgement is an input of whoever owes: it has an event for each answer.
bool IsAnswered(const Obligation& obligation);

// --- At the run that owes.

class Builder;

/// Before a closing event is applied: what becomes of the children (S78), and what the parent is told (S80).
void OweAtClose(Builder& builder, const HistoryEvent& closing);

// --- At the run that is owed to.  `owner` is who owes it.

/// How the child starts.
StartInput ChildStart(const ExecutionKey& owner, const Obligation::StartChild& start);
SignalReceived ExternalSignal(const ObligationId& id, const Obligation::SignalExternal& signal);
CancelRequested ExternalCancel(const ObligationId& id, const Obligation::CancelExternal& cancel);
/// To terminate the child or ask it to cancel, as its parent's close policy says.
Input ChildClosing(const ObligationId& id, const Obligation::CloseChild& close);

}  // namespace wfe::history
