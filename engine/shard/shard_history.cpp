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
  const PageRange range{first, end, max_events, options_.max_history_page_bytes};
  WFE_ASSIGN_OR_RETURN(EventsRead read, InMemory(execution, range) ? ReadTail(execution, range)
                                                                   : ReadPage(host_.store, execution.key, range));
  *next = read.next;
  return std::move(read.bytes);
}

bool Shard::InMemory(const Execution& execution, const PageRange& range) {
  return execution.tail.Covers(range.first) && execution.tail.Covers(range.end);
}

Result<EventsRead> Shard::ReadTail(const Execution& execution, const PageRange& range) {
  EventsPage page(range);
  page.Take(range.first, execution.tail.Range(range.first, range.end));
  const EventId next = page.next();
  return EventsRead{page.TakeBytes(), next};
}

void Shard::ReadElsewhere(Function<Result<EventsRead>()> read, Function<void(Result<EventsRead>)> then) {
  if (!host_.read_elsewhere) return then(read());
  auto shared = std::make_shared<Function<void(Result<EventsRead>)>>(std::move(then));
  const Status admitted = host_.read_elsewhere([this, read = std::move(read), shared]() mutable {
    host_.executor.Post([shared, result = read()]() mutable { (*shared)(std::move(result)); });
  });
  if (!admitted) (*shared)(admitted.error());
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
  const auto token_from = [token, shown_id = shown ? shown->event_id() : 0](EventId next) {
    engine::v1::HistoryPageToken from = token;
    const bool seen_shown = shown_id != 0 && next > shown_id;
    from.set_next_event_id(seen_shown ? shown_id : next);
    from.set_shown_started_event_id(seen_shown ? shown_id : 0);
    return Serialize(from);
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
  const int page_size = request.page_size > 0 ? std::min(request.page_size, options_.max_history_page_events)
                                              : options_.max_history_page_events;
  const PageRange range{first, end, page_size, options_.max_history_page_bytes};
  // What follows when the page reaches the end, as it is now: a page is of one moment, however long reading it takes.
  Result<HistoryPage> rest = HistoryPage{};
  if (token.started_event_id() != 0) {
    rest = RestOfTask(execution, token);
  } else {
    if (shown) AppendField(rest->history, kHistoryEvents, Serialize(*shown));
    if (waits) rest->next_page_token = token_from(end_of_view);
  }
  auto answer = [this, token_from, end, rest = std::move(rest), commit = execution.last_commit,
                 done = std::move(done)](Result<EventsRead> read) mutable {
    if (!read) return done(std::move(read).error());
    HistoryPage page{std::move(read->bytes), {}};
    if (read->next < end) {
      page.next_page_token = token_from(read->next);
    } else if (!rest) {
      return done(std::move(rest).error());
    } else {
      page.history += rest->history;
      page.next_page_token = std::move(rest->next_page_token);
    }
    gate_.WhenDurable(commit, [done = std::move(done), page = std::move(page)]() mutable { done(std::move(page)); });
  };
  if (first >= end) return answer(EventsRead{{}, first});
  if (InMemory(execution, range)) return answer(ReadTail(execution, range));
  ReadElsewhere([&store = host_.store, key = execution.key, range] { return ReadPage(store, key, range); },
                std::move(answer));
}

Result<HistoryPage> Shard::RestOfTask(const Execution& execution, const engine::v1::HistoryPageToken& token) const {
  // The pages of a workflow task end with its Started event, as long as it is held.
  const auto& task = execution.state.workflow_task().started;
  if (!task || task->started_event_id != token.started_event_id() || task->attempt != token.attempt()) {
    return NotFound("the workflow task whose history is read is over: " + execution.key.ToString());
  }
  HistoryPage rest;
  for (const history::HistoryEvent& event : history::StartedTaskEvents(execution.state)) {
    AppendField(rest.history, kHistoryEvents, Serialize(event));
  }
  return rest;
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
  HistoryPage page;
  if (const auto shown = ShownStartedEvent(execution.state); shown && token.next_event_id() == 0) {
    AppendField(page.history, kHistoryEvents, Serialize(*shown));
  }
  const PageRange range{1, newest + 1, page_size, options_.max_history_page_bytes};
  token.set_run_id(execution.key.run_id.value());
  ReadElsewhere([&store = host_.store, key = execution.key, range] { return ReadPageReverse(store, key, range); },
                [this, page = std::move(page), token, commit = execution.last_commit,
                 done = std::move(done)](Result<EventsRead> read) mutable {
                  if (!read) return done(std::move(read).error());
                  page.history += read->bytes;
                  if (read->next > 1) {
                    token.set_next_event_id(read->next - 1);
                    page.next_page_token = Serialize(token);
                  }
                  gate_.WhenDurable(commit, [done = std::move(done), page = std::move(page)]() mutable {
                    done(std::move(page));
                  });
                });
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
