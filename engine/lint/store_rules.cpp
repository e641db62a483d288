// H3, H4, H6, H21, H22's rows, H28: a run as the store has it.
#include "engine/lint/store_rules.h"

#include <algorithm>
#include <array>

#include "engine/history/chain.h"
#include "engine/history/framing.h"
#include "engine/history/nesting.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

/// Takes a serialized History apart without decoding its events; false when it is something else.
bool SplitEvents(std::string_view bytes, std::vector<std::string>& events) {
  while (!bytes.empty()) {
    const auto event = history::TakeEvent(bytes);
    if (!event) return false;
    events.emplace_back(*event);
  }
  return true;
}

StoredView TakeApart(const StoredRun& run, const StoreLintOptions& options) {
  StoredView view{run, options, {}, {}, {}};
  Report report("H3", view.damage);
  EventId next = 1;
  for (const StoredRun::Batch& batch : run.batches) {
    const size_t before = view.event_bytes.size();
    if (batch.first_event_id != next) {
      report.Add(batch.first_event_id, "a batch begins here, expected at event " + std::to_string(next));
    }
    if (!SplitEvents(batch.bytes, view.event_bytes))
      report.Add(batch.first_event_id, "the batch is not a list of events");
    const auto count = static_cast<int64_t>(view.event_bytes.size() - before);
    if (count != batch.count || count == 0) {
      report.Add(batch.first_event_id,
                 "the batch holds " + std::to_string(count) + " events, its row says " + std::to_string(batch.count));
    }
    next = batch.first_event_id + count;
  }
  for (const std::string& bytes : view.event_bytes) {
    HistoryEvent event;
    if (!history::ParseStored(bytes, &event)) report.Add(static_cast<EventId>(view.events.size() + 1), "cannot be decoded");
    view.events.push_back(std::move(event));
  }
  return view;
}

void BatchesFit(const StoredView& view, Report& report) {
  for (const Finding& finding : view.damage) report.Add(finding.event_id, finding.message);
}

void ChainHolds(const StoredView& view, Report& report) {
  Sha256Digest head = history::kChainStart;
  for (const std::string& bytes : view.event_bytes) head = history::ChainNext(head, bytes);
  const std::string& stored = view.run.state.bookkeeping().chain_head();
  if (stored != AsBytes(head)) {
    report.Add(0, "the chain over the stored events ends in " + ToHex(head) + ", the state says " + ToHex(stored));
  }
}

void SizesAndCounts(const StoredView& view, Report& report) {
  const auto& folded = view.run.state.folded();
  const auto& bookkeeping = view.run.state.bookkeeping();
  const history::Limits& limits = view.options.limits;
  const auto expect = [&](std::string_view what, int64_t stored, int64_t actual) {
    if (stored != actual) {
      report.Add(0, std::string(what) + " is " + std::to_string(stored) + ", expected " + std::to_string(actual));
    }
  };
  const auto within = [&](std::string_view what, int64_t actual, int64_t limit) {
    if (actual > limit) {
      report.Add(0, std::to_string(actual) + " " + std::string(what) + ", at most " + std::to_string(limit));
    }
  };
  int64_t size = 0;
  for (const StoredRun::Batch& batch : view.run.batches) size += static_cast<int64_t>(batch.bytes.size());
  const auto count = static_cast<int64_t>(view.event_bytes.size());
  expect("next_event_id", folded.next_event_id(), count + 1);
  expect("history_size_bytes", bookkeeping.history_size_bytes(), size);
  if (view.run.visibility && IsClosing(view.events.empty() ? EventType{} : view.events.back().event_type())) {
    expect("the listed history length", view.run.visibility->history_length(), count);
    expect("the listed history size", view.run.visibility->history_size_bytes(), size);
  }
  // The event that closes a run for being too long may be the one too many.
  within("history events", count, limits.max_history_events + limits.max_buffered_events + 1);
  within("pending activities", folded.activities_size(), limits.max_pending_activities);
  within("pending timers", folded.timers_size(), limits.max_pending_timers);
  within("pending children", folded.children_size(), limits.max_pending_children);
  within("unanswered requests to other workflows", folded.externals_size(), 2 * limits.max_pending_externals);
  within("signals", folded.signal_count(), limits.max_signals);
  within("buffered events", bookkeeping.buffered_events_size(), limits.max_buffered_events);
}

void TimersAgree(const StoredView& view, Report& report) {
  const LintOptions options;
  const std::vector<OpenTimer> in_history = OpenTimers(HistoryView(view.events, options));
  std::vector<OpenTimer> in_state;
  for (const auto& timer : view.run.state.folded().timers()) {
    in_state.push_back({timer.started_event_id(), timer.timer_id(), Instant(ToDuration(timer.due()))});
  }
  const bool closed = !view.events.empty() && IsClosing(view.events.back().event_type());
  if (!closed || !in_state.empty()) {  // A closed run's timers are over, whether the state lists them or not.
    for (const OpenTimer& timer : in_history) {
      if (std::find(in_state.begin(), in_state.end(), timer) == in_state.end()) {
        report.Add(timer.started_event_id, "timer " + timer.timer_id + " is open in the history, not in the state");
      }
    }
  }
  for (const OpenTimer& timer : in_state) {
    if (std::find(in_history.begin(), in_history.end(), timer) == in_history.end()) {
      report.Add(timer.started_event_id, "timer " + timer.timer_id + " is open in the state, not in the history");
    }
  }
  if (!view.run.timer_index || closed) return;
  for (const OpenTimer& timer : in_history) {
    if (!*view.run.timer_index) {
      report.Add(timer.started_event_id, "timer " + timer.timer_id + " is open, but the timer index has no row");
    } else if (**view.run.timer_index > timer.due) {
      report.Add(timer.started_event_id, "timer " + timer.timer_id + " is due at " + FormatIso8601Millis(timer.due) +
                                             ", the timer index wakes the run only at " +
                                             FormatIso8601Millis(**view.run.timer_index));
    }
  }
}

void SignalsHaveRows(const StoredView& view, Report& report) {
  if (!view.run.request_ids) return;
  for (const HistoryEvent& event : view.events) {
    if (!event.has_workflow_execution_signaled_event_attributes()) continue;
    const std::string& id = event.workflow_execution_signaled_event_attributes().request_id();
    const auto& rows = *view.run.request_ids;
    if (!id.empty() && std::find(rows.begin(), rows.end(), id) == rows.end()) {
      report.Add(event, "request " + id + " has no row, so a repetition would be accepted");
    }
  }
}

enums::WorkflowExecutionStatus StatusAfter(const std::vector<HistoryEvent>& events) {
  switch (events.empty() ? enums::EVENT_TYPE_UNSPECIFIED : events.back().event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
      return enums::WORKFLOW_EXECUTION_STATUS_COMPLETED;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
      return enums::WORKFLOW_EXECUTION_STATUS_FAILED;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return enums::WORKFLOW_EXECUTION_STATUS_CANCELED;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return enums::WORKFLOW_EXECUTION_STATUS_TERMINATED;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      return enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW;
    default:
      return enums::WORKFLOW_EXECUTION_STATUS_RUNNING;
  }
}

void StatusAgrees(const StoredView& view, Report& report) {
  const auto expected = StatusAfter(view.events);
  const auto check = [&](std::string_view where, enums::WorkflowExecutionStatus status) {
    if (status != expected) {
      report.Add(0, std::string(where) + " says " + enums::WorkflowExecutionStatus_Name(status) + ", the history " +
                        enums::WorkflowExecutionStatus_Name(expected));
    }
  };
  check("the state", view.run.state.folded().status());
  if (view.run.visibility) check("the listing", view.run.visibility->status());
  if (view.run.current_run && view.run.current_run->run_id() == view.run.key.run_id.value()) {
    check("the current-run row", view.run.current_run->status());
  }
}

void ClosedRunsLeaveNothing(const StoredView& view, Report& report) {
  if (StatusAfter(view.events) == enums::WORKFLOW_EXECUTION_STATUS_RUNNING) return;
  if (view.run.timer_index && *view.run.timer_index) report.Add(0, "the run is closed, but in the timer index");
  if (view.run.queued_tasks.value_or(0) != 0) report.Add(0, "the run is closed, but has tasks in a task queue");
  if (view.run.state.bookkeeping().buffered_events_size() != 0)
    report.Add(0, "the run is closed, but has buffered events");
}

constexpr auto kStoreRules = std::to_array<StoreRule>({
    {"H3", "commit batches follow each other without gap or overlap", BatchesFit},
    {"H4", "the hash chain over the stored events ends in the stored head", ChainHolds},
    {"H5", "the state is a fold over the history, and the bookkeeping fits it", StateIsAFold},
    {"H6", "sizes and counts equal the recorded ones and are within limits", SizesAndCounts},
    {"H21", "open timers in the history, the state and the timer index are the same", TimersAgree},
    {"H22", "each accepted signal has its request-id row", SignalsHaveRows},
    {"H27", "a run marked closed has a closing event, and the reverse", StatusAgrees},
    {"H28", "a closed run has no rows in the timer index and task queues", ClosedRunsLeaveNothing},
});

}  // namespace

std::span<const StoreRule> StoreRules() { return kStoreRules; }

std::vector<Finding> LintStored(const StoredRun& run, const StoreLintOptions& options) {
  StoredView view = TakeApart(run, options);
  LintOptions file_options;
  file_options.commands = options.commands;
  for (const StoredRun::Batch& batch : run.batches) file_options.batch_starts.push_back(batch.first_event_id);
  std::sort(file_options.batch_starts.begin(), file_options.batch_starts.end());
  std::vector<Finding> findings = LintHistory(view.events, file_options);
  view.file_rules_hold = findings.empty() && view.damage.empty();
  for (const StoreRule& rule : kStoreRules) {
    Report report(rule.id, findings);
    rule.check(view, report);
  }
  return findings;
}

}  // namespace wfe::lint
