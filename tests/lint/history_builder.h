// Writes valid histories, event by event, for tests that then read or damage them.
#pragma once

#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "temporal/api/history/v1/message.pb.h"

namespace wfe::lint {

using HistoryEvent = temporal::api::history::v1::HistoryEvent;
namespace enums = temporal::api::enums::v1;

/// Every call appends events as an engine would write them, at the time the builder's clock shows.
class HistoryBuilder {
 public:
  explicit HistoryBuilder(std::string run_id = "run-1");

  HistoryBuilder& Advance(Duration by);
  /// The events that follow belong to a new commit.
  HistoryBuilder& NewBatch();

  EventId TaskScheduled(int attempt = 1);
  EventId TaskStarted();
  EventId TaskCompleted();
  EventId TaskFailed();
  EventId TaskTimedOut();
  /// A sticky task that nobody took.
  EventId TaskTimedOutUnstarted();
  /// Scheduled, started and completed, in one go.
  EventId Task();

  EventId ActivityScheduled(const std::string& id, int maximum_attempts = 3);
  /// Started (at `started_ago` before now) and the closing event.
  EventId ActivityCompleted(EventId scheduled, int attempt = 1, Duration started_ago = std::chrono::milliseconds(1));
  EventId ActivityFailed(EventId scheduled, int attempt = 1);
  /// Advances the clock to the deadline.
  EventId ActivityTimedOut(EventId scheduled, enums::TimeoutType type);
  EventId ActivityCancelRequested(EventId scheduled);
  EventId ActivityCanceledBeforeStart(EventId scheduled, EventId requested);
  EventId ActivityCanceled(EventId scheduled, EventId requested);

  EventId TimerStarted(const std::string& id, Duration duration);
  /// Advances the clock to the due time when that is still to come.
  EventId TimerFired(EventId started);
  EventId TimerCanceled(EventId started);

  EventId Signal(const std::string& request_id);
  EventId CancelRequested();
  /// Asked for by another workflow.
  EventId CancelRequestedBy(const std::string& workflow_id, EventId initiated);
  EventId PatchMarker(const std::string& change_id);
  EventId SideEffectMarker();
  EventId SearchAttributesUpserted();

  EventId ChildInitiated(const std::string& workflow_id);
  EventId ChildStarted(EventId initiated);
  EventId ChildStartFailed(EventId initiated);
  EventId ChildCompleted(EventId initiated, EventId started);
  EventId ChildFailed(EventId initiated, EventId started);
  EventId ChildCanceled(EventId initiated, EventId started);
  EventId ChildTimedOut(EventId initiated, EventId started);
  EventId ChildTerminated(EventId initiated, EventId started);
  /// The run itself is a child.
  HistoryBuilder& OfParent(const std::string& workflow_id);

  EventId SignalExternalInitiated();
  EventId SignalExternalDone(EventId initiated);
  EventId SignalExternalFailed(EventId initiated);
  EventId CancelExternalInitiated();
  EventId CancelExternalDone(EventId initiated);
  EventId CancelExternalFailed(EventId initiated);
  EventId NexusScheduled();
  EventId NexusStarted(EventId scheduled);
  EventId NexusCompleted(EventId scheduled);

  EventId UpdateAccepted(const std::string& id);
  EventId UpdateCompleted(EventId accepted);

  EventId Completed();
  EventId Failed();
  EventId ContinuedAsNew(const std::string& new_run_id);
  EventId Terminated();

  HistoryEvent& At(EventId id) { return events_.at(static_cast<size_t>(id - 1)); }
  const std::vector<HistoryEvent>& events() const { return events_; }
  std::vector<HistoryEvent>& mutable_events() { return events_; }
  const std::vector<EventId>& batch_starts() const { return batch_starts_; }

 private:
  HistoryEvent& Append(enums::EventType type);
  std::string ChildId(EventId initiated);
  /// Closes a child with an event of these attributes.
  template <class Attributes>
  EventId CloseChild(enums::EventType type, Attributes* (HistoryEvent::*attributes)(), EventId initiated,
                     EventId started);
  template <class Attributes>
  EventId AnswerRequest(enums::EventType type, Attributes* (HistoryEvent::*attributes)(), EventId initiated,
                        const temporal::api::common::v1::WorkflowExecution& target);
  EventId ActivityStarted(EventId scheduled, int attempt, Instant time);

  std::vector<HistoryEvent> events_;
  std::vector<EventId> batch_starts_{1};
  Instant now_{std::chrono::seconds(1'700'000'000)};
  EventId task_scheduled_ = 0;
  EventId task_started_ = 0;
  EventId task_completed_ = 0;
};

void SetTime(HistoryEvent& event, Instant time);
Instant GetTime(const HistoryEvent& event);

/// A random valid history: what a workflow with a few of everything may leave behind, in any order that is possible.
HistoryBuilder RandomHistory(uint64_t seed);

}  // namespace wfe::lint
