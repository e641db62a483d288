#include "workflows/optimization/optimization.h"

#include <algorithm>
#include <deque>

#include "activities/analytics/audits/audit_kinds.h"
#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace analytics;
using sdk::Task;

constexpr int kParallelChunks = 4;
/// Chunks of one run; a larger set goes on in the next one, so that no history grows with the number of traces.
constexpr int kChunksPerRun = 200;
/// A report that begins later than this after its due time says so.
constexpr Duration kLate = 5min;

struct AuditProgress {
  std::string phase = "collect";
  int chunks = 0;
  int chunks_done = 0;
  int64_t entries = 0;
  int64_t files = 0;
  DraftDecisions decisions;
};
WFE_RECORD(AuditProgress, phase, chunks, chunks_done, entries, files, decisions);

/// What is known once a chunk is done, in the order of the chunks.
struct Collected {
  CollectTracesResult traces;
  std::vector<std::string> tables;
  std::vector<std::string> reports;
  int64_t entries = 0;
};
WFE_RECORD(Collected, traces, tables, reports, entries);
constexpr RecordRules RulesOf(const Collected*) { return {.whole = true}; }

class Audit {
 public:
  Audit(sdk::WorkflowContext& ctx, OptimizationInput input) : ctx_(ctx), input_(std::move(input)) {
    ctx.OnQuery<nlohmann::json, nlohmann::json>(
        "progress", progress_, [](const AuditProgress& p, const nlohmann::json&) { return nlohmann::json(p); });
    due_ = input_.scheduled ? DueTimeOf(ctx.info().workflow_id) : std::nullopt;
  }

  Task<OptimizationResult> Run() {
    if (input_.carried.is_null()) {
      co_await Collect();
    } else {
      input_.carried.get_to(collected_);
    }
    progress_->phase = "aggregate";
    progress_->chunks = collected_.traces.chunks;
    progress_->files = collected_.traces.files;
    co_await Aggregate();
    progress_->phase = "audit";
    const AuditScope scope = Scope();
    const std::vector<std::string> sections = co_await RunAudits(scope);
    progress_->phase = "write";
    WriteReportInput write;
    write.report_id = ReportId();
    write.generated_at = FormatIso8601Millis(ctx_.Now());
    write.late_note = LateNote();
    write.output_dir = input_.output_dir;
    write.scope = scope;
    write.sections = sections;
    write.reports = collected_.reports;
    write.sources = collected_.traces.sources;
    write.problems = collected_.traces.problems;
    write.propose = input_.propose;
    write.allow_scripted = input_.allow_scripted;
    write.baseline = input_.baseline;
    const WriteReportResult result =
        co_await ctx_.Activity(kWriteReport, write, {.start_to_close = 10min, .heartbeat = 1min, .retry = Retries()});
    progress_->decisions.waiting = result.drafts;
    if (input_.auto_apply) {
      co_await ApplyDrafts(ctx_, result.report_id, result.claimed_drafts, progress_->decisions);
    } else if (!input_.await_approval.empty()) {
      progress_->phase = "approval";
      co_await AwaitDecisions(ctx_, *ParsePeriod(input_.await_approval), progress_->decisions);
    }
    progress_->phase = "done";
    co_return OptimizationResult{result, progress_->decisions};
  }

 private:
  static sdk::RetryPolicy Retries() { return {.initial_interval = 1s, .maximum_interval = 1min}; }

  Task<void> Collect() {
    CollectTracesInput collect{.sources = input_.sources, .chunk_bytes = input_.chunk_bytes};
    if (collect.sources.empty())
      collect.sources.push_back({.kind = std::string(kSourceRecords), .location = {}, .ns = ctx_.info().ns});
    const CollectTracesResult traces =
        co_await ctx_.Activity(kCollectTraces, collect, {.start_to_close = 2h, .heartbeat = 1min, .retry = Retries()});
    collected_.traces = traces;
  }

  Task<void> Aggregate() {
    const int last =
        std::min<int>(collected_.traces.chunks, static_cast<int>(collected_.tables.size()) + kChunksPerRun);
    std::deque<sdk::Future<AggregateTracesResult>> running;
    int next = static_cast<int>(collected_.tables.size());
    const std::string now = FormatIso8601Millis(ctx_.Now());
    while (next < last || !running.empty()) {
      while (next < last && static_cast<int>(running.size()) < kParallelChunks) {
        const AggregateTracesInput chunk{.manifest = collected_.traces.manifest, .chunk = next++, .now = now};
        running.push_back(
            ctx_.StartActivity(kAggregateTraces, chunk, {.start_to_close = 1h, .heartbeat = 1min, .retry = Retries()}));
      }
      const sdk::Future<AggregateTracesResult> oldest = running.front();
      running.pop_front();
      const AggregateTracesResult done = co_await oldest;
      collected_.tables.push_back(done.table);
      collected_.reports.push_back(done.report);
      collected_.entries += done.entries;
      progress_->chunks_done = static_cast<int>(collected_.tables.size());
      progress_->entries = collected_.entries;
    }
    if (static_cast<int>(collected_.tables.size()) < collected_.traces.chunks) {
      OptimizationInput next_run = input_;
      next_run.carried = collected_;
      ctx_.ContinueAsNew(next_run);
    }
  }

  Task<std::vector<std::string>> RunAudits(AuditScope scope) {
    std::vector<std::string> kinds = input_.audits;
    if (kinds.empty()) kinds.assign(std::begin(kAuditKinds), std::end(kAuditKinds));
    std::vector<sdk::Future<RunAuditResult>> running;
    for (const std::string& kind : kinds) {
      const RunAuditInput audit{.kind = kind, .scope = scope};
      running.push_back(
          ctx_.StartActivity(kRunAudit, audit, {.start_to_close = 30min, .heartbeat = 1min, .retry = Retries()}));
    }
    std::vector<std::string> sections;
    for (const sdk::Future<RunAuditResult>& audit : running) {
      const RunAuditResult done = co_await audit;
      sections.push_back(done.section);
    }
    co_return sections;
  }

  AuditScope Scope() const {
    AuditScope scope;
    scope.tables = collected_.tables;
    scope.workflow_types = input_.workflow_types;
    scope.min_runs = input_.min_runs;
    scope.window_from = input_.from;
    scope.window_to = input_.to;
    if (!input_.period.empty() || due_) {
      const Instant to = input_.to.empty() ? due_.value_or(ctx_.Now()) : *ParseIso8601(input_.to);
      scope.window_to = FormatIso8601Millis(to);
      if (!input_.period.empty())
        scope.window_from = FormatIso8601Millis(WindowBegin(to, input_.period, input_.timezone));
    }
    return scope;
  }

  /// Of the due time where there is one, so that the reports of a schedule are in the order of its periods.
  std::string ReportId() const {
    const std::string& run_id = ctx_.info().run_id;
    // The first digits of a run id are its time, which runs share.
    std::string id = FormatIso8601Millis(due_.value_or(ctx_.Now())).substr(0, 19) + "Z-" +
                     run_id.substr(run_id.size() - std::min<size_t>(run_id.size(), 4));
    std::replace(id.begin(), id.end(), ':', '-');
    return id;
  }

  std::string LateNote() const {
    if (!due_ || ctx_.Now() - *due_ <= kLate) return "";
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(ctx_.Now() - *due_).count();
    return "This report was due at " + FormatIso8601Millis(*due_) + " and ran " + std::to_string(minutes) +
           " minutes late.";
  }

  sdk::WorkflowContext& ctx_;
  OptimizationInput input_;
  std::shared_ptr<AuditProgress> progress_ = std::make_shared<AuditProgress>();
  std::optional<Instant> due_;
  Collected collected_;
};

}  // namespace

void to_json(nlohmann::json& json, const OptimizationResult& result) {
  json = result.report;
  json["decisions"] = result.decisions;
}

Task<OptimizationResult> Optimization(sdk::WorkflowContext& ctx, nlohmann::json from) {
  OptimizationInput input;
  try {
    input = from.get<OptimizationInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(std::string("the input of OptimizationWorkflow is not valid: ") + JsonErrorText(e),
                               "INVALID_INPUT", true);
  }
  Audit audit(ctx, std::move(input));
  OptimizationResult result;
  std::optional<sdk::ActivityFailure> fault;
  try {
    result = co_await audit.Run();
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  if (fault) throw sdk::WorkflowFailure(fault->activity_type() + ": " + fault->message(), fault->type(), true);
  co_return result;
}

void RegisterOptimization(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kOptimizationWorkflow), &Optimization);
}

}  // namespace wfe::workflows
