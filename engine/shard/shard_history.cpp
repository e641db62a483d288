// Reading histories: pages, and calls that wait for more.
#include <algorithm>

#include "engine/base/serialize.h"
#include "engine/history/nesting.h"
#include "engine/history/workflow_task.h"
#include "engine/shard/answers.h"
#include "engine/shard/shard_private.h"

namespace wfe::shard {
namespace {

constexpr int kHistoryEvents = temporal::api::history::v1::History::kEventsFieldNumber;

/// Of one event as it is stored, a field of a History.
Result<history::HistoryEvent> ParseEvent(std::string_view field) {
  temporal::api::history::v1::History parsed;
  if (!history::ParseStored(field, &parsed) || parsed.events_size() != 1) {
    return DataLoss("a stored event cannot be read");
  }
  return std::move(*parsed.mutable_events(0));
}

}  // namespace

Result<std::string> Shard::ReadEvents(Execution& execution, EventId first, EventId end, int max_events, EventId* next) {
  std::string bytes;
  *next = first;
  int count = 0;
  // Takes what is asked for from events that begin with `id`; false when the page is full.
  const auto take = [&](EventId id, std::string_view events) {
    for (const std::string_view event : CutHistory(events)) {
      if (id >= end) break;
      if (id == *next) {
        if (count == max_events) return false;
        if (count > 0 && static_cast<int64_t>(bytes.size() + event.size()) > options_.max_history_page_bytes)
          return false;
        bytes += event;
        ++count;
        ++*next;
      }
      ++id;
    }
    return true;
  };
  if (execution.tail.Covers(first) && execution.tail.Covers(end)) {
    take(first, execution.tail.Range(first, end));
    return bytes;
  }
  while (*next < end && count < max_events) {
    const int64_t room = options_.max_history_page_bytes - static_cast<int64_t>(bytes.size());
    if (room <= 0) break;
    WFE_ASSIGN_OR_RETURN(const std::vector<storage::EventBatch> batches,
                         host_.store.ReadHistory(execution.key, {*next, end - 1}, room));
    const EventId before = *next;
    for (const storage::EventBatch& batch : batches) {
      if (!take(batch.first_event_id, batch.bytes)) break;
    }
    if (*next == before) {
      if (count > 0) break;
      return DataLoss("event " + std::to_string(*next) + " of " + execution.key.ToString() +
                      " is missing from the store");
    }
  }
  return bytes;
}

void Shard::AnswerCloseEvent(Execution& execution, HistoryRequest request, Callback<HistoryPage> done) {
  const EventId end = execution.state.folded().next_event_id();
  if (execution.state.IsOpen()) {
    if (request.wait_new_event) return history_waiters_.Wait(execution.key, end - 1, std::move(request), std::move(done));
    return AnswerDurably<HistoryPage>(execution, std::move(done), HistoryPage{});
  }
  EventId next = 0;
  Result<std::string> last = ReadEvents(execution, end - 1, end, 1, &next);
  if (!last) return done(std::move(last).error());
  if (!request.follows_runs && !execution.state.folded().new_run_id().empty()) {
    const Result<history::HistoryEvent> closing = ParseEvent(*last);
    if (!closing) return done(closing.error());
    last->clear();
    AppendField(*last, kHistoryEvents, Serialize(ForThoseWhoDoNotFollow(*closing)));
  }
  AnswerDurably<HistoryPage>(execution, std::move(done), HistoryPage{*std::move(last), {}});
}

Result<bool> Shard::IsStartedEvent(Execution& execution, EventId id) {
  if (id >= execution.state.folded().next_event_id()) {
    const auto shown = ShownStartedEvent(execution.state);
    return shown && shown->event_id() == id;
  }
  EventId next = 0;
  WFE_ASSIGN_OR_RETURN(const std::string bytes, ReadEvents(execution, id, id + 1, 1, &next));
  WFE_ASSIGN_OR_RETURN(const history::HistoryEvent event, ParseEvent(bytes));
  return event.has_workflow_task_started_event_attributes();
}

void Shard::GetHistory(HistoryRequest request, Callback<HistoryPage> done) {
  engine::v1::HistoryPageToken token;
  if (!request.page_token.empty()) {
    if (!token.ParseFromString(request.page_token) || token.run_id().empty() || token.next_event_id() < 1) {
      return done(InvalidArgument("the next page token is malformed"));
    }
    if (!request.target.run_id.empty() && request.target.run_id.value() != token.run_id()) {
      return done(InvalidArgument("the next page token belongs to run " + token.run_id()));
    }
    request.target.run_id = RunId(token.run_id());
  }
  Result<Execution*> loaded = Require(request.target);
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;
  request.target.run_id = execution.key.run_id;
  token.set_run_id(execution.key.run_id.value());

  const EventId end_of_history = execution.state.folded().next_event_id();
  const EventId end = token.end_event_id() > 0 ? std::min(token.end_event_id(), end_of_history) : end_of_history;
  const bool of_task = token.started_event_id() != 0 || token.end_event_id() > 0;
  const auto shown = of_task ? std::nullopt : ShownStartedEvent(execution.state);
  EventId first = std::max<EventId>(1, token.next_event_id());
  if (token.shown_started_event_id() == first) {
    const Result<bool> seen = IsStartedEvent(execution, first);
    if (!seen) return done(seen.error());
    if (*seen) ++first;
  }
  /// Where to go on after the events before `next`, of which the last may be the one that is only shown.
  const auto token_from = [&](EventId next) {
    const bool seen_shown = shown && next > shown->event_id();
    token.set_next_event_id(seen_shown ? shown->event_id() : next);
    token.set_shown_started_event_id(seen_shown ? shown->event_id() : 0);
    return Serialize(token);
  };
  if (request.close_event_only) {
    request.page_token = token_from(end_of_history);
    return AnswerCloseEvent(execution, std::move(request), std::move(done));
  }

  const bool waits = execution.state.IsOpen() && request.wait_new_event && token.end_event_id() == 0;
  const EventId end_of_view = end + (shown ? 1 : 0);
  if (first >= end_of_view && token.started_event_id() == 0) {
    if (!waits) return AnswerDurably<HistoryPage>(execution, std::move(done), HistoryPage{});
    request.page_token = token_from(end_of_view);
    return history_waiters_.Wait(execution.key, end_of_view - 1, std::move(request), std::move(done));
  }
  EventId next = first;
  const int page_size = request.page_size > 0 ? std::min(request.page_size, options_.max_history_page_events)
                                              : options_.max_history_page_events;
  Result<std::string> events = ReadEvents(execution, first, end, page_size, &next);
  if (!events) return done(std::move(events).error());
  HistoryPage page{*std::move(events), {}};
  if (next < end) {
    page.next_page_token = token_from(next);
  } else if (token.started_event_id() != 0) {
    // The pages of a workflow task end with its Started event, as long as it is held.
    const auto& task = execution.state.workflow_task().started;
    if (!task || task->started_event_id != token.started_event_id() || task->attempt != token.attempt()) {
      return done(NotFound("the workflow task whose history is read is over: " + execution.key.ToString()));
    }
    for (const history::HistoryEvent& event : history::StartedTaskEvents(execution.state)) {
      AppendField(page.history, kHistoryEvents, Serialize(event));
    }
  } else {
    if (shown) AppendField(page.history, kHistoryEvents, Serialize(*shown));
    if (waits) page.next_page_token = token_from(end_of_view);
  }
  AnswerDurably<HistoryPage>(execution, std::move(done), std::move(page));
}

void Shard::GetHistoryReverse(HistoryRequest request, Callback<HistoryPage> done) {
  engine::v1::HistoryPageToken token;
  if (!request.page_token.empty()) {
    if (!token.ParseFromString(request.page_token) || token.run_id().empty() || token.next_event_id() < 1) {
      return done(InvalidArgument("the next page token is malformed"));
    }
    request.target.run_id = RunId(token.run_id());
  }
  Result<Execution*> loaded = Require(request.target);
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;
  // The token's next event is the newest one of the page.
  const EventId newest = token.next_event_id() > 0
                             ? std::min(token.next_event_id(), execution.state.folded().next_event_id() - 1)
                             : execution.state.folded().next_event_id() - 1;
  const int page_size = request.page_size > 0 ? std::min(request.page_size, options_.max_history_page_events)
                                              : options_.max_history_page_events;
  const EventId oldest = std::max<EventId>(1, newest - page_size + 1);
  EventId next = 0;
  Result<std::string> events = ReadEvents(execution, oldest, newest + 1, page_size, &next);
  if (!events) return done(std::move(events).error());
  HistoryPage page;
  std::vector<std::string_view> cut = CutHistory(*events);
  // When the bytes did not fit in one page, what was read are the oldest: read the newest part of it again.
  while (next <= newest && !cut.empty()) {
    const EventId from = next;
    events = ReadEvents(execution, from, newest + 1, page_size, &next);
    if (!events) return done(std::move(events).error());
    cut = CutHistory(*events);
  }
  if (const auto shown = ShownStartedEvent(execution.state); shown && token.next_event_id() == 0) {
    AppendField(page.history, kHistoryEvents, Serialize(*shown));
  }
  for (auto event = cut.rbegin(); event != cut.rend(); ++event) page.history += *event;
  const EventId last_given = newest - static_cast<EventId>(cut.size()) + 1;
  if (last_given > 1) {
    token.set_run_id(execution.key.run_id.value());
    token.set_next_event_id(last_given - 1);
    page.next_page_token = Serialize(token);
  }
  AnswerDurably<HistoryPage>(execution, std::move(done), std::move(page));
}

void Shard::WakeHistoryWaiters(const ExecutionKey& key) {
  if (!history_waiters_.Has(key)) return;
  Result<Execution*> loaded = Load(key);
  if (!loaded) {
    LeaveAlone(key, loaded.error());
    return history_waiters_.Fail(key, loaded.error());
  }
  const history::MutableState& state = (*loaded)->state;
  const EventId last = state.folded().next_event_id() - 1 + (ShownStartedEvent(state) ? 1 : 0);
  for (auto& waiter : history_waiters_.TakeReady(key, !state.IsOpen(), last)) {
    GetHistory(std::move(waiter->request), std::move(waiter->done));
  }
}

}  // namespace wfe::shard
