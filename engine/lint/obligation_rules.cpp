// H43 and H44: what runs owe each other, over all runs of a store.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "engine/lint/child_events.h"
#include "engine/lint/history_view.h"
#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

/// An event of a run that asks something of another one.
using Asked = std::pair<std::string, EventId>;  // run id, initiated event id

struct PendingChild {
  const HistoryEvent* initiated = nullptr;
  bool started = false;
};

/// What a run has asked for and not heard of, by initiated event id.
struct Pending {
  std::map<EventId, PendingChild> children;
  std::map<EventId, const HistoryEvent*> requests;
};

/// A child starts, and with any other event about it it is over.
void FollowChild(const HistoryEvent& event, Pending& pending) {
  const auto told = ChildEventOf(event);
  if (!told.has_value()) return;
  const auto child = pending.children.find(told->initiated_event_id);
  if (child == pending.children.end()) return;
  if (event.has_child_workflow_execution_started_event_attributes()) {
    child->second.started = true;
  } else {
    pending.children.erase(child);
  }
}

void Follow(const HistoryEvent& event, Pending& pending) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
      pending.children[event.event_id()].initiated = &event;
      break;
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
      pending.requests[event.event_id()] = &event;
      break;
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
      pending.requests.erase(event.external_workflow_execution_signaled_event_attributes().initiated_event_id());
      break;
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      pending.requests.erase(event.signal_external_workflow_execution_failed_event_attributes().initiated_event_id());
      break;
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      pending.requests.erase(
          event.external_workflow_execution_cancel_requested_event_attributes().initiated_event_id());
      break;
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      pending.requests.erase(
          event.request_cancel_external_workflow_execution_failed_event_attributes().initiated_event_id());
      break;
    default:
      FollowChild(event, pending);
      break;
  }
}

template <class Visit>
void ForEachEvent(const RunHistory& run, Visit visit) {
  for (const HistoryEvent& event : run.events) visit(event);
  for (const HistoryEvent& event : run.buffered) visit(event);
}

class OwedByFamilies {
 public:
  OwedByFamilies(const std::vector<RunHistory>& runs, const std::vector<OwedObligation>& owed, std::vector<Finding>& findings)
      : runs_(runs), lost_("H43", findings), twice_("H44", findings) {
    for (const RunHistory& run : runs) Index(run);
    for (const OwedObligation& one : owed) Index(one);
  }

  void Check() {
    for (const RunHistory& run : runs_) CheckRun(run);
    for (const auto& [asked, times] : first_runs_) {
      if (times > 1) twice_.Add(asked.second, Name(asked) + " started " + std::to_string(times) + " children");
    }
    for (const auto& [asked, times] : cancels_) {
      if (times > 1) twice_.Add(asked.second, Name(asked) + " was taken " + std::to_string(times) + " times");
    }
    for (const auto& [signal, times] : signals_received_) {
      if (const int64_t sent = signals_sent_[signal]; times > sent) {
        twice_.Add(0, "signal " + std::get<2>(signal) + " of run " + std::get<0>(signal) + " to " + std::get<1>(signal) +
                          " was sent " + std::to_string(sent) + " times and taken " + std::to_string(times) + " times");
      }
    }
    for (const auto& [signal, times] : signals_told_) {
      if (const int64_t taken = signals_received_[signal]; times > taken) {
        lost_.Add(0, "signal " + std::get<2>(signal) + " of run " + std::get<0>(signal) + " to " + std::get<1>(signal) +
                         " is told to have arrived " + std::to_string(times) + " times and was taken " +
                         std::to_string(taken) + " times");
      }
    }
  }

 private:
  using Signal = std::tuple<std::string, std::string, std::string>;  // sender's run id, receiver's id, name

  static std::string Name(const Asked& asked) {
    return "event " + std::to_string(asked.second) + " of run " + asked.first;
  }

  void Index(const RunHistory& run) {
    if (run.events.empty()) return;
    const auto& started = run.events.front().workflow_execution_started_event_attributes();
    if (started.has_parent_workflow_execution()) {
      const Asked asked{started.parent_workflow_execution().run_id(), started.parent_initiated_event_id()};
      children_[asked].push_back(&run);
      if (started.continued_execution_run_id().empty()) ++first_runs_[asked];
    }
    std::map<EventId, Signal> sent;
    ForEachEvent(run, [&](const HistoryEvent& event) {
      if (event.has_workflow_execution_cancel_requested_event_attributes()) {
        const auto& requested = event.workflow_execution_cancel_requested_event_attributes();
        if (!requested.has_external_workflow_execution()) return;
        const Asked asked{requested.external_workflow_execution().run_id(), requested.external_initiated_event_id()};
        if (asked.second != 0) ++cancels_[asked];
        asked_to_cancel_.emplace(run.key.run_id.value(), asked.first);
      } else if (event.has_workflow_execution_signaled_event_attributes()) {
        const auto& signaled = event.workflow_execution_signaled_event_attributes();
        if (!signaled.has_external_workflow_execution()) return;
        ++signals_received_[{signaled.external_workflow_execution().run_id(), run.key.workflow_id.value(),
                             signaled.signal_name()}];
      } else if (event.has_signal_external_workflow_execution_initiated_event_attributes()) {
        const auto& initiated = event.signal_external_workflow_execution_initiated_event_attributes();
        const Signal signal{run.key.run_id.value(), initiated.workflow_execution().workflow_id(),
                            initiated.signal_name()};
        sent[event.event_id()] = signal;
        ++signals_sent_[signal];
      } else if (event.has_external_workflow_execution_signaled_event_attributes()) {
        const auto initiated =
            sent.find(event.external_workflow_execution_signaled_event_attributes().initiated_event_id());
        if (initiated != sent.end()) ++signals_told_[initiated->second];
      }
    });
  }

  void Index(const OwedObligation& owed) {
    const std::string& run_id = owed.owner.run_id.value();
    const engine::v1::Obligation& obligation = owed.obligation;
    if (obligation.has_start_child()) owed_starts_.emplace(run_id, obligation.start_child().initiated_event_id());
    if (obligation.has_signal()) owed_requests_.emplace(run_id, obligation.signal().initiated_event_id());
    if (obligation.has_cancel()) owed_requests_.emplace(run_id, obligation.cancel().initiated_event_id());
    if (obligation.has_close_child()) owed_closes_.emplace(run_id, obligation.close_child().initiated_event_id());
    if (obligation.has_child_closed()) {
      const engine::v1::Parent& parent = obligation.child_closed().parent();
      owed_reports_.emplace(parent.run_id(), parent.initiated_event_id());
    }
  }

  void CheckRun(const RunHistory& run) {
    if (run.events.empty()) return;
    const bool closed = IsClosing(run.events.back().event_type());
    Pending pending;
    for (const HistoryEvent& event : run.events) Follow(event, pending);
    if (closed) return CheckClosed(run, pending);
    for (const HistoryEvent& event : run.buffered) Follow(event, pending);
    const std::string& run_id = run.key.run_id.value();
    for (const auto& [id, child] : pending.children) {
      const Asked asked{run_id, id};
      if (!child.started && !owed_starts_.contains(asked)) {
        lost_.Add(*child.initiated, run.key.ToString() + ": the start of the child is owed by nothing");
      }
      if (child.started && owed_starts_.contains(asked)) {
        twice_.Add(*child.initiated, run.key.ToString() + ": the child has started, and its start is still owed");
      }
      if (child.started && IsChainOver(asked) && !owed_reports_.contains(asked)) {
        lost_.Add(*child.initiated, run.key.ToString() + ": the child has ended, and its end is owed by nothing");
      }
    }
    for (const auto& [id, initiated] : pending.requests) {
      if (!owed_requests_.contains({run_id, id})) {
        lost_.Add(*initiated, run.key.ToString() + ": the request is owed by nothing");
      }
    }
  }

  /// S78: each child that was there at the close is over, asked to end, or about to be.
  void CheckClosed(const RunHistory& run, const Pending& pending) {
    for (const auto& [id, child] : pending.children) {
      const Asked asked{run.key.run_id.value(), id};
      const auto policy =
          child.initiated->start_child_workflow_execution_initiated_event_attributes().parent_close_policy();
      const bool ends = policy == enums::PARENT_CLOSE_POLICY_TERMINATE;
      if (!ends && policy != enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL) continue;
      const auto chain = children_.find(asked);
      if (chain == children_.end() || IsChainOver(asked) || owed_closes_.contains(asked)) continue;
      const bool was_asked = std::any_of(chain->second.begin(), chain->second.end(), [&](const RunHistory* one) {
        return asked_to_cancel_.contains({one->key.run_id.value(), asked.first});
      });
      // One that had been asked to cancel before is not asked again (S81).
      const bool had_been = std::any_of(chain->second.begin(), chain->second.end(), [](const RunHistory* one) {
        bool found = false;
        ForEachEvent(*one, [&](const HistoryEvent& event) {
          found = found || event.has_workflow_execution_cancel_requested_event_attributes();
        });
        return found;
      });
      if (!ends && (was_asked || had_been)) continue;
      lost_.Add(*child.initiated, run.key.ToString() + " is closed, and its child does not end as its policy says");
    }
  }

  bool IsChainOver(const Asked& asked) const {
    const auto chain = children_.find(asked);
    if (chain == children_.end()) return false;
    return std::all_of(chain->second.begin(), chain->second.end(),
                       [](const RunHistory* run) { return IsClosing(run->events.back().event_type()); });
  }

  const std::vector<RunHistory>& runs_;
  Report lost_;
  Report twice_;
  std::map<Asked, std::vector<const RunHistory*>> children_;  // all runs of each child
  std::map<Asked, int64_t> first_runs_;
  std::map<Asked, int64_t> cancels_;
  std::set<std::pair<std::string, std::string>> asked_to_cancel_;  // receiver's run id, sender's
  std::map<Signal, int64_t> signals_sent_, signals_received_, signals_told_;
  std::set<Asked> owed_starts_, owed_requests_, owed_closes_, owed_reports_;
};

}  // namespace

std::vector<Finding> LintObligations(const std::vector<RunHistory>& runs, const std::vector<OwedObligation>& owed) {
  std::vector<Finding> findings;
  OwedByFamilies(runs, owed, findings).Check();
  return findings;
}

}  // namespace wfe::lint
