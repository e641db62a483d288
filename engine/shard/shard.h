// The single writer of a part of all executions: load, decide, commit, and act once it is durable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/id_source.h"
#include "engine/base/ids.h"
#include "engine/base/log.h"
#include "engine/base/metrics.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/history/decide.h"
#include "engine/matching/task_ref.h"
#include "engine/shard/callback.h"
#include "engine/shard/due_timers.h"
#include "engine/shard/durable_gate.h"
#include "engine/shard/execution_cache.h"
#include "engine/shard/history_page.h"
#include "engine/shard/history_waiters.h"
#include "engine/shard/options.h"
#include "engine/shard/outbox.h"
#include "engine/shard/parked.h"
#include "engine/shard/query_book.h"
#include "engine/shard/requests.h"
#include "engine/shard/task_sink.h"
#include "engine/shard/task_token.h"
#include "engine/storage/execution_store.h"
#include "wfe/engine/v1/page_token.pb.h"

namespace wfe::shard {

namespace ws = temporal::api::workflowservice::v1;

class Turn;

/// Owns the executions whose workflow ids hash to it.  Everything but the constructor is called on the shard's strand;
/// callbacks run there too.  It may decide on top of a commit that is not durable yet; replies and effects wait
/// (ARCHITECTURE D5).
class Shard {
 public:
  struct Host {
    const Clock& clock;
    IdSource& ids;
    TimerService& timers;
    Executor& executor;
    storage::ExecutionStore& store;
    TaskSink& sink;
    const TokenCodec& tokens;
    /// Which workflow ids are this shard's; empty: all.  Checked whenever one comes into memory, since an execution
    /// with two writers is lost.
    std::function<bool(const WorkflowKey&)> owns = {};
    /// The scale of the deadlines of those who wait; null: `clock`.
    const Clock* monotonic = nullptr;
    /// Runs what reads much on another thread, or refuses it; empty: it runs on the strand.
    std::function<Status(Function<void()>)> read_elsewhere = {};
    Log* log = &NoLog();
    Counter* transitions = nullptr;  ///< Counts what is carried out.
  };
  Shard(const Options& options, Host host);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // --- Recovery and upkeep.

  /// Takes up again what the store says is open, a few at a turn: its timers, its offers, and what a crash left to be
  /// decided.  Others are served in between, and whichever run a call asks for first is taken up then.  Comes before all
  /// else.
  void Recover(std::vector<ExecutionKey> open);
  /// What this shard's runs owe, as it was stored; `router` carries it.  Once, after Recover.
  void Connect(Router& router, std::vector<std::pair<history::ObligationId, Outbox::Duty>> owed);

  /// Compares the timer index with the states of `open`, all open executions of this shard; repairs it, and offers
  /// again what is pending (H21, H33).  In turns: others are served in between.
  void CheckDerived(std::vector<ExecutionKey> open, Function<void(DerivedDifference)> done);
  /// Offers again what is pending for one of these queues, of the executions in `open`; in turns as well.
  void OfferAgain(std::vector<ExecutionKey> open, std::set<matching::QueueKey> queues, Function<void()> done);

  /// Answers everything that waits and refuses what comes afterwards.  `flushed` runs when all commits are durable.
  void Stop(Function<void()> flushed);

  // --- Workflow starts and control (shard_control.cpp).

  void Start(ws::StartWorkflowExecutionRequest request, Callback<StartOutcome> done);
  /// S2, S77: the signal reaches the running run, or one that starts with it, in one commit.
  void SignalWithStart(ws::StartWorkflowExecutionRequest start, history::SignalReceived signal,
                       Callback<StartOutcome> done);
  void Signal(const Target& target, history::SignalReceived signal, Callback<MutateOutcome> done);
  /// Any input whose only answer is that it happened: cancel, terminate, sticky reset, activities by id.
  void Mutate(const Target& target, history::Input input, Callback<MutateOutcome> done);
  /// A serialized DescribeWorkflowExecutionResponse.
  void Describe(const Target& target, Callback<std::string> done);

  // --- Tasks (shard_tasks.cpp).

  /// A serialized PollWorkflowTaskQueueResponse.  NOT_FOUND: the task is void, its taker may have another one.
  /// CANCELLED: the taker is gone and nothing happened.
  void TakeWorkflowTask(const matching::TaskRef& task, Taker taker, Callback<std::string> done);
  /// A serialized PollActivityTaskQueueResponse; the start is durable.  Errors as above.
  void TakeActivityTask(const matching::TaskRef& task, Taker taker, Callback<std::string> done);
  /// A serialized RespondWorkflowTaskCompletedResponse.
  void CompleteWorkflowTask(const engine::v1::TaskToken& token, ws::RespondWorkflowTaskCompletedRequest request,
                            Callback<std::string> done);
  void FailWorkflowTask(const engine::v1::TaskToken& token, ws::RespondWorkflowTaskFailedRequest request,
                        Callback<MutateOutcome> done);

  // --- What runs owe each other (shard_obligations.cpp).

  /// Carries out what another run owes to one of this shard's, once, however often it comes.  Answers how it was taken;
  /// an error means that it is to be tried again later.
  void Receive(const history::ObligationId& id, const Outbox::Duty& duty, Callback<history::Refusal> done);
  /// It will not come again.
  void Forget(const WorkflowKey& receiver, const history::ObligationId& id);

  // --- History (shard_history.cpp).

  void GetHistory(HistoryRequest request, Callback<HistoryPage> done);
  /// Newest first, without waiting.
  void GetHistoryReverse(HistoryRequest request, Callback<HistoryPage> done);

  /// Answers when the chain that began with `target.first_execution_run_id` has ended, durably (shard_chains.cpp).
  /// Nothing of a watch is stored; whoever needs it asks again after a restart.
  void WatchChain(const Target& target, Callback<ChainEnd> done);

  // --- Queries (shard_queries.cpp).

  /// A serialized QueryWorkflowResponse.
  void Query(QueryRequest request, Callback<std::string> done);
  /// A serialized PollWorkflowTaskQueueResponse with `query` set.  Errors as for TakeWorkflowTask.
  void TakeQuery(const matching::TaskRef& task, Taker taker, Callback<std::string> done);
  void AnswerQuery(const engine::v1::TaskToken& token, const ws::RespondQueryTaskCompletedRequest& request,
                   Callback<MutateOutcome> done);

  size_t cached_executions() const { return cache_.size(); }
  int64_t cached_bytes() const { return cache_.bytes(); }
  size_t timer_count() const { return timers_.size(); }
  size_t owed() const { return outbox_.size(); }

 private:
  // Recovery (shard_recovery.cpp).
  void RecoverSome();
  void TakeUp(const ExecutionKey& key, Turn& turn);
  /// The same of one that has come into memory.
  Status TakeUpNow(Execution& execution);
  /// At once when all is taken up, or nothing was to be.
  void AfterRecovery(Function<void()> next);

  struct DerivedCheck;
  void CheckSome(std::shared_ptr<DerivedCheck> check);
  void CheckOrphans(std::shared_ptr<DerivedCheck> check);
  void OfferSome(std::shared_ptr<std::vector<ExecutionKey>> open, std::shared_ptr<std::set<matching::QueueKey>> queues,
                 Function<void()> done);
  struct TaskPage {
    std::string history;
    std::string next_page_token;
  };

  // Loading.
  const Clock& WaitClock() const { return host_.monotonic ? *host_.monotonic : host_.clock; }
  /// UNAVAILABLE once the shard is stopped.
  Status Serving() const;
  /// What most calls begin with: the run that is meant, in memory, of a shard that serves.
  Result<Execution*> Require(const Target& target);
  Result<Execution*> Require(const ExecutionKey& key);
  /// The run cannot be read: it is named, gets no timer and no task, and keeps nobody else from being served (F6).
  void LeaveAlone(const ExecutionKey& key, const Error& why);
  Result<Execution*> Load(const ExecutionKey& key);
  Result<storage::LoadedRun> ReadRun(const ExecutionKey& key) const;
  /// The state without bringing the execution into memory; `read` holds it when it was not there.
  const history::MutableState* Peek(const ExecutionKey& key, std::optional<history::MutableState>& read) const;
  Result<ExecutionKey> Resolve(const Target& target) const;
  /// The run belongs to the chain that the caller names, if it names one.
  static Status CheckChain(const Execution& execution, const Target& target);
  Execution& Insert(const ExecutionKey& key, storage::LoadedRun run);

  // Deciding.  The state is moved through and comes back with Carry; nothing else may look at it in between.
  Result<history::Transition> Decide(Execution& execution, const history::Input& input);
  /// Gives the input the run's first event if it needs it.
  Status BringFirstEvent(Execution& execution, history::Input& input);
  /// As it is in the store, and with the workflow task in the hands that hold it: after a decision that spoiled it.
  void Reload(Execution& execution, std::optional<history::StartedWorkflowTask> held);

  // Carrying transitions out.
  /// That an obligation has been here; in the same commit as what it did.
  struct Receipt {
    ExecutionKey inbox;
    std::string request_id;
  };
  struct Step {
    Execution* execution = nullptr;
    history::Transition* transition = nullptr;
    std::vector<std::string> request_ids;
    std::vector<int64_t> paid = {};      ///< Obligations of the run that are settled by this.
    bool is_current = true;              ///< False for a run that is replaced in the same commit.
    std::string create_request_id = {};  ///< Of a start, for its deduplication (S6).
    std::optional<Receipt> receipt = {};
  };
  /// State, timers and tails now; one commit for all steps; effects once it is durable.
  void Carry(std::vector<Step> steps);
  void Carry(Execution& execution, history::Transition transition, std::vector<std::string> request_ids = {},
             std::optional<Receipt> receipt = std::nullopt);
  void Adopt(Step& step, std::vector<storage::ExecutionCommit>& commits);
  void Commit(std::vector<storage::ExecutionCommit> commits);
  void CarryOutEffects(const ExecutionKey& key, const std::string& ns, std::vector<history::Effect> effects);
  /// Answers after the execution's latest commit; a refusal as well (DurableGate::Answer).
  template <class T>
  void AnswerDurably(const Execution& execution, Callback<T> done, Result<T> answer) {
    gate_.Answer<T>(execution.last_commit, std::move(done), std::move(answer));
  }
  /// Decides, carries out and answers.
  void TakeInput(Execution& execution, const history::Input& input, std::vector<std::string> request_ids,
                 Callback<MutateOutcome> done);
  /// Time has come for the run.  True when something moved.
  bool OnDue(const ExecutionKey& key);

  // Starts.
  struct StartPlan;
  Result<StartPlan> PlanStart(ws::StartWorkflowExecutionRequest& request, bool with_signal);
  void FinishStart(StartPlan plan, ws::StartWorkflowExecutionRequest request,
                   std::optional<history::SignalReceived> signal, Callback<StartOutcome> done);
  void StartRun(const StartPlan& plan, history::StartInput input, std::optional<history::SignalReceived> signal,
                Callback<StartOutcome> done);

  // Obligations.
  void ReceiveStart(const history::ObligationId& id, const history::Obligation::StartChild& start,
                    Callback<history::Refusal> done);
  void ReceiveInput(const history::ObligationId& id, const Target& target, history::Input input,
                    Callback<history::Refusal> done);
  void ReceiveChildEnd(const Outbox::Duty& duty, Callback<history::Refusal> done);
  void Acknowledge(const history::ObligationId& id, const Outbox::Duty& duty, std::optional<history::Refusal> answer);
  /// Deletes the row, without a word to the run.
  void Settle(const history::ObligationId& id);
  void ForgetWhenDurable(const history::ObligationId& id, const Outbox::Duty& duty);
  bool IsOpen(const ExecutionKey& key) const;

  // Tasks.
  Result<std::string> BeginWorkflowTask(Execution& execution, EventId scheduled_event_id, int32_t attempt,
                                        const std::string& identity, bool partial_history);
  Result<std::string> WorkflowTaskAnswer(Execution& execution, bool partial_history);
  Result<std::string> ActivityTaskAnswer(Execution& execution, EventId scheduled_event_id);
  /// As it is stored.
  Result<std::string_view> ScheduledEvent(Execution& execution, EventId id);
  Result<TaskPage> TaskHistory(Execution& execution, EventId first, EventId end);

  // History.
  Result<std::string> ReadEvents(Execution& execution, EventId first, EventId end, int max_events, EventId* next);
  static bool InMemory(const Execution& execution, const PageRange& range);
  static Result<EventsRead> ReadTail(const Execution& execution, const PageRange& range);
  /// Reads where the read holds nobody up; `then` runs on the strand.
  void ReadElsewhere(Function<Result<EventsRead>()> read, Function<void(Result<EventsRead>)> then);
  Result<HistoryPage> RestOfTask(const Execution& execution, const engine::v1::HistoryPageToken& token) const;
  void AnswerCloseEvent(Execution& execution, HistoryRequest request, Callback<HistoryPage> done);
  /// Event `id`, stored or shown, is a WorkflowTaskStarted.
  Result<bool> IsStartedEvent(Execution& execution, EventId id);
  void WakeHistoryWaiters(const ExecutionKey& key);

  // Chains.
  struct ChainWatcher;
  Result<ExecutionKey> LastOfChain(const Target& target);
  Result<ChainEnd> ReadChainEnd(Execution& execution);
  void WakeChainWatchers(const WorkflowKey& workflow);

  // Queries.
  void ReconcileQueries(Execution& execution);
  void SendQueryTask(const Execution& execution, PendingQuery& query, bool allow_sticky);

  const Options& options_;
  const Host host_;

  bool stopped_ = false;
  std::set<ExecutionKey> unrecovered_;  // open runs of the process before, not taken up yet
  std::vector<Function<void()>> after_recovery_;
  DurableGate gate_;
  ExecutionCache cache_;
  DueTimers timers_;
  // Parked calls hold no execution in memory.
  HistoryWaiters history_waiters_;
  QueryBook queries_;
  Parked<WorkflowKey, ChainWatcher> chain_watchers_;

  Outbox outbox_;
  Router* router_ = nullptr;
  std::vector<std::pair<ExecutionKey, std::string>> to_forget_;  // request ids whose rows go with the next commit
};

}  // namespace wfe::shard
