#include "workflows/graph/graph_run.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "activities/graph/node_data.h"
#include "activities/graph/result_cost.h"

namespace wfe::workflows {

using graph::GraphIndex;
using graph::GraphNode;
using nlohmann::json;
using sdk::Future;
using sdk::Task;

namespace {

int64_t Milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}
Duration Seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// Waits for the end of an operation, whichever it is; null: it ended well.
template <class T>
Task<std::exception_ptr> Settled(Future<T> operation) {
  std::exception_ptr fault;
  try {
    co_await operation;
  } catch (...) {
    fault = std::current_exception();
  }
  co_return fault;
}

}  // namespace

GraphRun::GraphRun(sdk::WorkflowContext& ctx, graph::Graph graph, json state, std::optional<DryRun> dry_run,
                   std::shared_ptr<GraphProgress> progress)
    : ctx_(ctx),
      graph_(std::move(graph)),
      index_(graph_),
      conditions_(graph_.edges.size()),
      state_(json::object()),
      dry_run_(dry_run.has_value()),
      run_missing_(!dry_run || dry_run->missing == "run"),
      runs_(graph_.nodes.size()),
      progress_of_(graph_.nodes.size(), -1),
      progress_(std::move(progress)) {
  for (size_t e = 0; e < graph_.edges.size(); ++e) {
    if (graph_.edges[e].condition.empty()) continue;
    Result<graph::Condition> condition = graph::Condition::Parse(graph_.edges[e].condition);
    if (condition) conditions_[e] = *std::move(condition);
  }
  if (dry_run) {
    for (graph::RecordedResult& result : dry_run->recorded) {
      auto key = std::pair(result.activity, result.input_sha256);
      recorded_.emplace(std::move(key), std::move(result));
    }
  }
  for (const auto& [key, value] : state.items()) {
    bytes_of_[key] = key.size() + graph::StateBytes(value);
    progress_->state_bytes += static_cast<int64_t>(bytes_of_[key]);
    state_[key] = value;
  }
}

void GraphRun::Fail(int node, const std::string& sentence, const char* type) const {
  throw sdk::WorkflowFailure({.message = "node " + Node(node).id + ": " + sentence,
                              .type = type,
                              .non_retryable = true,
                              .details = {{"node", Node(node).id}}});
}

Task<void> GraphRun::Run() {
  const Instant begun = ctx_.Now();
  std::exception_ptr fault;
  try {
    Task<int64_t> walk = Walk(shared_from_this(), index_.Find(graph_.start));
    const int64_t path = co_await walk;
    progress_->path_ms = path;
    progress_->status = "completed";
    progress_->outputs = json::object();
    for (const std::string& key : graph_.outputs) progress_->outputs[key] = state_.value(key, json());
    if (graph_.outputs.empty()) progress_->outputs = state_;
  } catch (const sdk::CancelledFailure&) {
    progress_->status = "cancelled";
    fault = std::current_exception();
  } catch (const sdk::WorkflowException& failure) {
    progress_->status = "failed";
    progress_->message = failure.what();
    fault = std::current_exception();
  }
  progress_->duration_ms = Milliseconds(ctx_.Now() - begun);
  if (fault) std::rethrow_exception(fault);
}

Task<int64_t> GraphRun::Walk(std::shared_ptr<GraphRun> run, int entry) {
  int64_t path = 0;
  std::map<int, int64_t> runs;  // a branch that begins again begins its loops again
  for (int node = entry; node != GraphIndex::kNone; node = run->NextOf(node, runs)) {
    ++runs[node];
    const int64_t took = co_await run->RunNode(node);
    path += took;
  }
  co_return path;
}

int GraphRun::NextOf(int node, const std::map<int, int64_t>& runs_of_walk) {
  const std::vector<int>& edges = index_.edges_of(node);
  if (edges.empty()) return GraphIndex::kNone;
  for (const int edge : edges) {
    const int target = index_.target_of(edge);
    const int64_t limit = Node(target).max_iterations;
    const auto runs = runs_of_walk.find(target);
    if (limit > 0 && runs != runs_of_walk.end() && runs->second >= limit) continue;
    const auto& condition = conditions_[static_cast<size_t>(edge)];
    if (!condition) {
      const std::string& text = graph_.edges[static_cast<size_t>(edge)].condition;
      if (text.empty()) return target;
      // The validator that let the run begin could read it; this version's cannot.
      Fail(node, "condition \"" + text + "\" of the edge to " + Node(target).id + " cannot be read", "BAD_CONDITION");
    }
    const Result<bool> holds = condition->Holds(state_);
    if (!holds) {
      Fail(node,
           "condition \"" + graph_.edges[static_cast<size_t>(edge)].condition + "\" of the edge to " + Node(target).id +
               ", " + holds.error().message,
           "BAD_CONDITION");
    }
    if (*holds) return target;
  }
  Fail(node,
       "no edge that leaves it can be taken: no condition holds, or the target has run as often as its "
       "max_iterations says",
       "NO_WAY_ON");
}

// --- Nodes.

Task<int64_t> GraphRun::RunNode(int node) {
  Begin(node);
  const Instant begun = ctx_.Now();
  int64_t path = 0;
  try {
    path = co_await DoNode(node);
  } catch (const sdk::CancelledFailure&) {
    End(node, "cancelled", Milliseconds(ctx_.Now() - begun));
    throw;
  } catch (...) {
    End(node, "failed", Milliseconds(ctx_.Now() - begun));
    throw;
  }
  End(node, "done", path);
  co_return path;
}

Task<int64_t> GraphRun::DoNode(int node) {
  const GraphNode& what = Node(node);
  int64_t path = 0;
  if (what.kind == graph::kParallel) {
    path = co_await RunBranches(node);
  } else if (what.kind == graph::kBatch && !what.branches.empty()) {
    path = co_await RunMembers(node);
  } else if (what.kind == graph::kBatch) {
    path = co_await RunItems(node);
  } else if (what.kind != graph::kDecision) {
    path = co_await RunOne(node);
  }
  co_return path;
}

/// All at once; the first failure cancels the others, and is the node's own when all have ended.
Task<int64_t> GraphRun::RunBranches(int node) {
  sdk::CancellationScope scope(ctx_);
  std::vector<Future<int64_t>> walks;
  for (const std::string& branch : Node(node).branches) {
    walks.push_back(ctx_.Spawn(Walk(shared_from_this(), index_.Find(branch))));
  }
  std::vector<int64_t> paths;
  std::exception_ptr fault;
  Future<std::vector<int64_t>> all = sdk::All(walks);
  try {
    paths = co_await all;
  } catch (...) {
    fault = std::current_exception();
  }
  if (fault) {
    scope.Cancel("another branch of node " + Node(node).id + " failed");
    for (const Future<int64_t>& walk : walks) {
      Task<std::exception_ptr> settled = Settled(walk);
      co_await settled;
    }
    std::rethrow_exception(fault);
  }
  co_return paths.empty() ? 0 : *std::ranges::max_element(paths);
}

Task<int64_t> GraphRun::RunOne(int node) {
  json input = InputOf(node);
  Task<CallOutcome> call = Call(shared_from_this(), node, std::move(input), CallId(node));
  CallOutcome outcome = co_await call;
  Write(node, outcome.result);
  co_return outcome.duration_ms;
}

/// At most `max_concurrent` calls are open.  The path is that of the slowest lane, the calls dealt to the lanes in
/// turn.
Task<int64_t> GraphRun::RunItems(int node) {
  Result<std::vector<json>> inputs = graph::InputsOfBatch(Node(node), state_);
  if (!inputs) Fail(node, inputs.error().message, "BAD_STATE");
  if (inputs->size() > static_cast<size_t>(graph::kMaxNodeRuns)) {
    Fail(node,
         "its items are " + std::to_string(inputs->size()) + " calls; the limit is " +
             std::to_string(graph::kMaxNodeRuns),
         "TOO_MANY_NODE_RUNS");
  }
  const auto lanes = static_cast<size_t>(std::max<int64_t>(1, Node(node).max_concurrent));
  sdk::CancellationScope scope(ctx_);
  std::vector<Future<CallOutcome>> calls;
  std::exception_ptr fault;
  size_t waited = 0;
  while (!fault && waited < inputs->size()) {
    while (calls.size() < inputs->size() && calls.size() < waited + lanes) {
      const size_t k = calls.size();
      calls.push_back(ctx_.Spawn(Call(shared_from_this(), node, (*inputs)[k], CallId(node, k + 1))));
    }
    Task<std::exception_ptr> settled = Settled(calls[waited++]);
    fault = co_await settled;
  }
  if (fault) {
    scope.Cancel("another call of node " + Node(node).id + " failed");
    for (; waited < calls.size(); ++waited) {
      Task<std::exception_ptr> settled = Settled(calls[waited]);
      co_await settled;
    }
    std::rethrow_exception(fault);
  }
  std::vector<json> results;
  std::vector<int64_t> path(lanes);
  for (size_t k = 0; k < calls.size(); ++k) {
    const CallOutcome outcome = co_await calls[k];
    path[k % lanes] += outcome.duration_ms;
    results.push_back(outcome.result);
  }
  const Result<json> joined = graph::ResultsOfBatch(Node(node), *inputs, results);
  if (!joined) Fail(node, joined.error().message, "BAD_RESULT");
  Write(node, *joined);
  co_return *std::ranges::max_element(path);
}

/// One call for the inputs of several nodes, each of which writes its own result.
Task<int64_t> GraphRun::RunMembers(int node) {
  std::vector<int> members;
  json items = json::array();
  for (const std::string& id : Node(node).branches) {
    members.push_back(index_.Find(id));
    items.push_back(InputOf(members.back()));
  }
  json input = InputOf(node);
  input["items"] = std::move(items);
  for (const int member : members) Begin(member);
  Task<CallOutcome> call = Call(shared_from_this(), node, std::move(input), CallId(node));
  CallOutcome outcome;
  try {
    outcome = co_await call;
    if (!outcome.result.is_array() || outcome.result.size() != members.size()) {
      Fail(node, "its " + std::to_string(members.size()) + " items did not give a list of as many results",
           "BAD_RESULT");
    }
    for (size_t k = 0; k < members.size(); ++k) Write(members[k], outcome.result[k]);
  } catch (...) {
    for (const int member : members) End(member, "failed", 0);
    throw;
  }
  for (const int member : members) End(member, "done", outcome.duration_ms);
  co_return outcome.duration_ms;
}

// --- Calls.

std::string GraphRun::CallId(int node, size_t call) const {
  std::string id = Node(node).id;
  const int64_t runs = runs_[static_cast<size_t>(node)];
  if (runs > 1 || call > 0) id += "#" + std::to_string(runs);
  if (call > 0) id += "." + std::to_string(call);
  return id;
}

std::optional<GraphRun::CallOutcome> GraphRun::Recorded(int node, const json& input) {
  if (!dry_run_) return std::nullopt;
  const std::string hash = graph::InputHash(input);
  const auto found = recorded_.find({Node(node).activity, hash});
  if (found != recorded_.end()) {
    ++ProgressOf(node).recorded;
    return CallOutcome{found->second.result, found->second.duration_ms};
  }
  if (run_missing_ && !Node(node).side_effects) return std::nullopt;
  Fail(node,
       "no result of " + Node(node).activity + " is recorded for its input (SHA-256 " + hash + ")" +
           (run_missing_ ? ", and a dry run does not run what has side effects" : ""),
       "NOT_RECORDED");
}

Task<GraphRun::CallOutcome> GraphRun::Call(std::shared_ptr<GraphRun> run, int node, json input, std::string id) {
  if (++run->calls_ > graph::kMaxNodeRuns) {
    run->Fail(node, "the run has made " + std::to_string(graph::kMaxNodeRuns) + " calls, which is the limit",
              "TOO_MANY_NODE_RUNS");
  }
  ++run->ProgressOf(node).calls;
  CallOutcome outcome;
  std::optional<CallOutcome> recorded = run->Recorded(node, input);
  if (recorded) {
    outcome = *std::move(recorded);
    const graph::ResultCost cost = graph::CostOf(outcome.result);
    Money& all = run->progress_->recorded_cost_usd;
    all = all.PlusAtMost(cost.cost_usd);
  } else if (run->Node(node).kind == graph::kChild) {
    outcome = co_await run->CallChild(node, std::move(input), std::move(id));
  } else {
    outcome = co_await run->CallActivity(node, std::move(input), std::move(id));
  }
  co_return outcome;
}

Task<GraphRun::CallOutcome> GraphRun::CallActivity(int node, json input, std::string id) {
  const GraphNode& what = Node(node);
  sdk::ActivityOptions options;
  options.activity_id = id;
  options.task_queue = what.task_queue;
  options.start_to_close = Seconds(what.timeout_s > 0 ? what.timeout_s : graph::kDefaultTimeoutSeconds);
  options.heartbeat = Seconds(what.heartbeat_s);
  // The patience of a call of a model ends its retries.
  const graph::RetrySettings retry =
      what.retry.value_or(graph::RetrySettings{.maximum_attempts = what.kind == graph::kAgent ? 0 : 3});
  const std::vector<std::string_view> non_retryable(retry.non_retryable.begin(), retry.non_retryable.end());
  options.retry = {.initial_interval = Seconds(retry.initial_interval_s),
                   .backoff_coefficient = retry.backoff,
                   .maximum_interval = Seconds(retry.maximum_interval_s),
                   .maximum_attempts = static_cast<int>(retry.maximum_attempts),
                   .non_retryable_types = non_retryable};
  if (what.cache) {
    options.cache = {.ttl = std::chrono::seconds(what.cache->ttl_seconds), .max_entries = what.cache->max_size};
  }
  const sdk::ActivityType<json, json> type{what.activity};
  const Instant begun = ctx_.Now();
  Future<json> called = ctx_.StartActivity(type, input, options);
  CallOutcome outcome;
  std::optional<sdk::ActivityFailure> fault;
  try {
    outcome.result = co_await called;
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  if (fault) Fail(node, what.activity + " failed: " + fault->message(), fault->type().c_str());
  outcome.duration_ms = Milliseconds(ctx_.Now() - begun);
  if (called.from_cache()) ++ProgressOf(node).from_cache;
  Count(node, outcome.result, /*paid=*/!called.from_cache());
  co_return outcome;
}

Task<GraphRun::CallOutcome> GraphRun::CallChild(int node, json input, std::string id) {
  const GraphNode& what = Node(node);
  const std::string workflow_id = ctx_.info().workflow_id + "/" + id;
  sdk::ChildOptions options;
  options.workflow_id = workflow_id;
  options.task_queue = what.task_queue;
  options.run_timeout = Seconds(what.timeout_s);
  if (what.retry) {
    options.retry = {.initial_interval = Seconds(what.retry->initial_interval_s),
                     .backoff_coefficient = what.retry->backoff,
                     .maximum_interval = Seconds(what.retry->maximum_interval_s),
                     .maximum_attempts = static_cast<int>(what.retry->maximum_attempts)};
  }
  const Instant begun = ctx_.Now();
  const Future<json> called = ctx_.StartChild(what.activity, input, options).Result();
  CallOutcome outcome;
  std::optional<sdk::ChildWorkflowFailure> fault;
  try {
    outcome.result = co_await called;
  } catch (const sdk::ChildWorkflowFailure& failure) {
    fault = failure;
  }
  if (fault)
    Fail(node, "workflow " + what.activity + " (" + workflow_id + ") failed: " + fault->message(),
         fault->type().c_str());
  outcome.duration_ms = Milliseconds(ctx_.Now() - begun);
  Count(node, outcome.result, /*paid=*/true);
  co_return outcome;
}

// --- State and progress.

json GraphRun::InputOf(int node) const {
  Result<json> input = graph::InputOf(Node(node), state_);
  if (!input) Fail(node, input.error().message, "BAD_STATE");
  return *std::move(input);
}

void GraphRun::Write(int node, const json& result) {
  Result<json> writes = graph::WritesOf(Node(node), result);
  if (!writes) Fail(node, writes.error().message, "BAD_RESULT");
  for (auto& [key, value] : writes->items()) {
    size_t& bytes = bytes_of_[key];
    progress_->state_bytes -= static_cast<int64_t>(bytes);
    bytes = key.size() + graph::StateBytes(value);
    progress_->state_bytes += static_cast<int64_t>(bytes);
    if (progress_->state_bytes > static_cast<int64_t>(graph::kMaxStateBytes)) {
      Fail(node,
           "with the " + std::to_string(bytes) + " bytes that it writes to " + key + " the state has " +
               std::to_string(progress_->state_bytes) + " bytes; the limit is " + std::to_string(graph::kMaxStateBytes),
           "STATE_TOO_LARGE");
    }
    state_[key] = std::move(value);
  }
}

void GraphRun::Begin(int node) {
  if (++progress_->node_runs > graph::kMaxNodeRuns) {
    Fail(node, "the run has run " + std::to_string(graph::kMaxNodeRuns) + " nodes, which is the limit",
         "TOO_MANY_NODE_RUNS");
  }
  ++runs_[static_cast<size_t>(node)];
  NodeProgress& told = ProgressOf(node);
  ++told.runs;
  told.status = "running";
  progress_->running.push_back(told.id);
}

void GraphRun::End(int node, const std::string& status, int64_t duration_ms) {
  NodeProgress& told = ProgressOf(node);
  told.status = status;
  told.duration_ms += duration_ms;
  std::erase(progress_->running, told.id);
}

void GraphRun::Count(int node, const json& result, bool paid) {
  if (!paid) return;
  const graph::ResultCost cost = graph::CostOf(result);
  NodeProgress& told = ProgressOf(node);
  told.cost_usd = told.cost_usd.PlusAtMost(cost.cost_usd);
  progress_->cost_usd = progress_->cost_usd.PlusAtMost(cost.cost_usd);
  told.tokens += cost.tokens;
  progress_->tokens += cost.tokens;
}

NodeProgress& GraphRun::ProgressOf(int node) {
  int& place = progress_of_[static_cast<size_t>(node)];
  if (place < 0) {
    place = static_cast<int>(progress_->nodes.size());
    progress_->nodes.emplace_back().id = Node(node).id;
  }
  return progress_->nodes[static_cast<size_t>(place)];
}

}  // namespace wfe::workflows
