#include "workflows/batch/batch_process.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "activities/batch/steps.h"
#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using batch::JoinBatchResult;
using batch::PlanBatchResult;
using batch::ProcessBatchResult;
using sdk::Task;

constexpr size_t kMaxListedFailures = 20;
constexpr int64_t kMaxBatchSize = 1'000;
constexpr int64_t kMaxParallel = 200;

constexpr sdk::RetryPolicy kUntilItWorks{.initial_interval = 1s, .maximum_interval = 1min};
constexpr sdk::ActivityOptions kPlanning{.start_to_close = 10min, .retry = kUntilItWorks};
/// Without a limit of attempts: the steps' own patience and attempts end it.  The short heartbeat tells of a lost
/// worker soon; a batch that is cancelled ends its document first.
constexpr sdk::ActivityOptions kProcessing{.start_to_close = 24h,
                                           .heartbeat = 1min,
                                           .retry = kUntilItWorks,
                                           .cancellation = sdk::ActivityCancellationType::kWaitCompleted};
constexpr sdk::ActivityOptions kJoining{.start_to_close = 24h, .heartbeat = 1min, .retry = kUntilItWorks};

class BatchRun {
 public:
  BatchRun(sdk::WorkflowContext& ctx, BatchInput input)
      : ctx_(ctx), input_(std::move(input)), begun_(ctx.Now()), progress_(std::make_shared<BatchProgress>()) {
    if (input_.progress) {
      *progress_ = *input_.progress;
      ++progress_->runs;
    }
    ctx_.OnQuery<nlohmann::json, nlohmann::json>(
        kBatchProgressQuery, progress_,
        [](const BatchProgress& p, const nlohmann::json&) { return nlohmann::json(p); });
    ctx_.OnSignal<nlohmann::json>(kBatchStopSignal, [this](const nlohmann::json&) {
      progress_->stopped = true;
      if (batches_ != nullptr) batches_->Cancel("stopped");
    });
  }

  Task<BatchResult> Go() {
    if (!input_.progress) co_await Plan();
    if (progress_->documents > 0) {
      progress_->state = "running";
      co_await Process();
      if (!progress_->stopped && progress_->batches_over < progress_->batches) {
        input_.progress = *progress_;
        ctx_.ContinueAsNew(input_);
      }
    }
    co_return co_await Join();
  }

 private:
  Task<void> Plan() {
    BatchInput kept = input_;
    kept.documents.clear();
    const batch::PlanBatchInput ask{.workflow_id = ctx_.info().workflow_id,
                                    .documents = input_.documents,
                                    .documents_blob = input_.documents_blob,
                                    .step = input_.step,
                                    .join = input_.join,
                                    .input = nlohmann::json(kept)};
    const PlanBatchResult plan = co_await ctx_.Activity(batch::kPlanBatch, ask, kPlanning);
    input_.documents.clear();
    input_.documents_blob = plan.documents_blob;
    progress_->job = plan.job;
    progress_->documents = plan.documents;
    progress_->batches = (plan.documents + input_.batch_size - 1) / input_.batch_size;
  }

  /// As many batches as one run takes, so many at once.
  Task<void> Process() {
    sdk::CancellationScope scope(ctx_);
    batches_ = &scope;
    if (progress_->stopped) scope.Cancel("stopped");
    next_ = progress_->batches_over;
    last_ = std::min(progress_->batches, next_ + input_.batches_per_run);
    std::vector<sdk::Future<void>> lanes;
    lanes_ = std::min(input_.parallel, last_ - next_);
    // A lane may have ended before the next one begins.
    const int64_t count = lanes_;
    for (int64_t i = 0; i < count; ++i) lanes.push_back(ctx_.Spawn(Lane()));
    const auto all = sdk::All(lanes);
    co_await all;
    batches_ = nullptr;
  }

  Task<void> Lane() {
    while (next_ < last_ && !progress_->stopped) {
      const int64_t number = ++next_;
      co_await One(number);
    }
    --lanes_;
  }

  Task<void> One(int64_t number) {
    batch::ProcessBatchInput ask{.job = progress_->job,
                                 .documents_blob = input_.documents_blob,
                                 .first = (number - 1) * input_.batch_size,
                                 .count = 0,
                                 .batch = number,
                                 .batches = progress_->batches,
                                 .round = input_.round,
                                 .step = input_.step,
                                 .max_cost_usd = Share()};
    ask.count = std::min(input_.batch_size, progress_->documents - ask.first);
    const Money share = ask.max_cost_usd.value_or(Money());
    reserved_ = reserved_.PlusAtMost(share);
    progress_->running.push_back(number);
    std::string why;
    try {
      const ProcessBatchResult done = co_await ctx_.Activity(batch::kProcessBatch, ask, kProcessing);
      progress_->tally.Add(done.tally);
      progress_->kept += done.kept;
    } catch (const sdk::ActivityFailure& failure) {
      why = failure.message();
    } catch (const sdk::CancelledFailure&) {
      if (!progress_->stopped) throw;
      why = "stopped";
    }
    reserved_ = reserved_.Minus(share).value_or(Money());
    std::erase(progress_->running, number);
    // Stopped in the middle: its documents are counted by their results.
    if (why == "stopped" && progress_->stopped) co_return;
    ++progress_->batches_over;
    if (!why.empty()) {
      ++progress_->failed_batches;
      if (progress_->failures.size() < kMaxListedFailures) progress_->failures.push_back({.batch = number, .why = why});
    }
    ctx_.Log(sdk::LogLevel::kInfo, "batch " + std::to_string(progress_->batches_over) + "/" +
                                       std::to_string(progress_->batches) + " of " + ctx_.info().workflow_id +
                                       (why.empty() ? "" : " failed: " + why));
  }

  /// What a batch that begins now may spend: an equal part, for each that could run beside it, of what is neither spent
  /// nor promised to another.
  std::optional<Money> Share() const {
    if (!input_.max_cost_usd) return std::nullopt;
    const Money left = Left(progress_->tally.cost_usd.PlusAtMost(reserved_));
    const int64_t lanes = std::max<int64_t>(1, lanes_ - static_cast<int64_t>(progress_->running.size()));
    return Money::Nanos(left.nanos() / lanes);
  }
  Money Left(Money gone) const { return std::max(Money(), input_.max_cost_usd->Minus(gone).value_or(Money())); }

  Task<BatchResult> Join() {
    progress_->state = "joining";
    BatchResult result{.job = progress_->job,
                       .documents = progress_->documents,
                       .batches = progress_->batches,
                       .kept = progress_->kept,
                       .failed_batches = progress_->failures,
                       .spent = progress_->tally,
                       .runs = progress_->runs};
    if (progress_->documents > 0) {
      batch::JoinBatchInput ask{.job = progress_->job,
                                .documents = progress_->documents,
                                .task = input_.join,
                                .step = input_.step,
                                .round = input_.round,
                                .max_cost_usd = std::nullopt};
      if (input_.max_cost_usd) ask.max_cost_usd = Left(progress_->tally.cost_usd);
      const JoinBatchResult joined = co_await ctx_.Activity(batch::kJoinBatch, ask, kJoining);
      result.done = joined.results.done;
      result.failed = joined.results.failed;
      result.missing = joined.missing;
      result.first_fault = joined.results.first_fault;
      result.results_blob = joined.results_blob;
      result.joined_blob = joined.joined_blob;
      result.join_fault = joined.fault;
      batch::Tally join = joined.join;
      join.done = join.failed = 0;
      result.spent.Add(join);
    }
    progress_->state = progress_->stopped ? "stopped" : "done";
    result.state = progress_->stopped                             ? "stopped"
                   : result.failed > 0 || result.missing > 0 ? "incomplete"
                                                                  : "done";
    result.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(ctx_.Now() - begun_).count();
    co_return result;
  }

  sdk::WorkflowContext& ctx_;
  BatchInput input_;
  const Instant begun_;
  std::shared_ptr<BatchProgress> progress_;
  sdk::CancellationScope* batches_ = nullptr;  // while batches run
  int64_t next_ = 0;                           // batches that have begun
  int64_t last_ = 0;                           // of this run
  int64_t lanes_ = 0;
  Money reserved_;  // what running batches may spend
};

}  // namespace

void CheckRecord(const BatchInput& input) {
  RequireOfRecord(input.documents.empty() || input.documents_blob.empty(),
                  "input.documents and input.documents_blob exclude each other");
  const bool own_tasks = !input.documents.empty() && std::ranges::none_of(input.documents, [](const auto& document) {
    return document.task.empty();
  });
  const bool model = input.step.activity == batch::kModelStep;
  RequireOfRecord(!model || own_tasks || !input.step.task.empty() || !input.documents_blob.empty() ||
                      input.documents.empty(),
                  "input.step.task says what is to be done with each document, and it is empty");
  RequireOfRecord(!input.step.activity.empty(), "input.step.activity is empty");
  RequireOfRecord(input.step.attempts >= 1 && input.step.attempts <= 100, "input.step.attempts must be from 1 to 100");
  RequireOfRecord(input.step.patience_s >= 0, "input.step.patience_s must not be negative");
  RequireOfRecord(HasWord(" never auto always", input.step.cache), "input.step.cache must be never, auto or always");
  RequireOfRecord(input.batch_size >= 1 && input.batch_size <= kMaxBatchSize,
                  "input.batch_size must be from 1 to " + std::to_string(kMaxBatchSize));
  RequireOfRecord(input.parallel >= 1 && input.parallel <= kMaxParallel,
                  "input.parallel must be from 1 to " + std::to_string(kMaxParallel));
  RequireOfRecord(!input.max_cost_usd || !input.max_cost_usd->negative(), "input.max_cost_usd must not be negative");
  RequireOfRecord(input.round >= 1, "input.round must be at least 1");
  RequireOfRecord(input.batches_per_run >= 1 && input.batches_per_run <= 2000,
                  "input.batches_per_run must be from 1 to 2000");
}

Task<BatchResult> BatchProcess(sdk::WorkflowContext& ctx, nlohmann::json from) {
  BatchInput input;
  try {
    input = from.get<BatchInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(std::string("the input of BatchProcessWorkflow is not valid: ") + JsonErrorText(e),
                               "INVALID_INPUT", true);
  }
  BatchRun run(ctx, std::move(input));
  BatchResult result;
  std::optional<sdk::ActivityFailure> fault;
  try {
    result = co_await run.Go();
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  if (fault) throw sdk::WorkflowFailure(fault->activity_type() + ": " + fault->message(), fault->type(), true);
  co_return result;
}

void RegisterBatchProcess(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kBatchProcessWorkflow), &BatchProcess);
}

}  // namespace wfe::workflows
