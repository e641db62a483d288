#include "activities/analytics/ingest/fold.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace wfe::analytics {
namespace {

constexpr std::string_view kInitialVerification = "initial_verification";
constexpr std::string_view kFixPrefix = "fix_attempt_";

/// The rows of each run in the run's own order, runs by first timestamp and id.
struct RunRows {
  DictId run = 0;
  std::vector<uint32_t> rows;
  int64_t first_timestamp_ms = 0;
};

std::vector<RunRows> RowsByRun(const TraceTable& table) {
  std::vector<RunRows> runs(table.run_count());
  for (size_t row = 0; row < table.size(); ++row) runs[table.run(row)].rows.push_back(static_cast<uint32_t>(row));
  std::erase_if(runs, [](const RunRows& run) { return run.rows.empty(); });
  for (RunRows& run : runs) {
    run.run = table.run(run.rows.front());
    // One order for the whole run: a comparison that mixed seq and time would not be transitive.
    const bool numbered = std::all_of(run.rows.begin(), run.rows.end(), [&](uint32_t r) { return table.seq(r) >= 0; });
    std::stable_sort(run.rows.begin(), run.rows.end(), [&](uint32_t a, uint32_t b) {
      if (numbered && table.seq(a) != table.seq(b)) return table.seq(a) < table.seq(b);
      return table.timestamp_ms(a) < table.timestamp_ms(b);
    });
    run.first_timestamp_ms = table.timestamp_ms(run.rows.front());
    for (const uint32_t row : run.rows)
      run.first_timestamp_ms = std::min(run.first_timestamp_ms, table.timestamp_ms(row));
  }
  std::sort(runs.begin(), runs.end(), [&](const RunRows& a, const RunRows& b) {
    if (a.first_timestamp_ms != b.first_timestamp_ms) return a.first_timestamp_ms < b.first_timestamp_ms;
    return table.RunText(a.run) < table.RunText(b.run);
  });
  return runs;
}

int FixAttempt(std::string_view step) {
  if (!step.starts_with(kFixPrefix)) return 0;
  int number = 0;
  const char* const end = step.data() + step.size();
  const auto [stop, error] = std::from_chars(step.data() + kFixPrefix.size(), end, number);
  return error == std::errc() && stop == end && number > 0 ? number : 0;
}

StepKind KindOf(std::string_view step) {
  if (step == "scaffold") return StepKind::kScaffold;
  if (step.starts_with("implement_")) return StepKind::kImplement;
  return FixAttempt(step) > 0 ? StepKind::kFix : StepKind::kOther;
}

/// The entry that verified the agent's step at `position`: the next verification of its name before the same step runs
/// again.  What implements is verified by initial_verification (LG-16).
size_t VerificationOf(const TraceTable& table, const RunRows& run, size_t position) {
  const DictId step = table.step(run.rows[position]);
  const bool implements = KindOf(table.StepText(step)) == StepKind::kImplement;
  for (size_t i = position + 1; i < run.rows.size(); ++i) {
    const size_t row = run.rows[i];
    if (table.kind(row) == EntryKind::kAgent) {
      if (table.step(row) == step) return kNoRow;
    } else if (table.kind(row) == EntryKind::kVerification) {
      if (table.step(row) == step || (implements && table.StepText(table.step(row)) == kInitialVerification))
        return row;
    }
  }
  return kNoRow;
}

StepRow FoldStep(const TraceTable& table, const RunRows& run, size_t position) {
  StepRow folded;
  folded.agent_row = run.rows[position];
  folded.run = run.run;
  folded.step = table.step(folded.agent_row);
  folded.kind = KindOf(table.StepText(folded.step));
  folded.fix_attempt = FixAttempt(table.StepText(folded.step));
  folded.agent_failed = table.status(folded.agent_row) == EntryStatus::kFail;
  if (folded.kind == StepKind::kFix) folded.fixing_error_type = table.error_type(folded.agent_row);
  folded.verification_row = VerificationOf(table, run, position);
  if (folded.verification_row != kNoRow) {
    folded.outcome_status = table.status(folded.verification_row);
    folded.outcome_error_type = table.error_type(folded.verification_row);
  }
  return folded;
}

void AddAgentCall(const TraceTable& table, size_t row, BuildRow& build) {
  const StepKind kind = KindOf(table.StepText(table.step(row)));
  ++build.agent_calls;
  if (kind == StepKind::kFix) {
    ++build.fix_attempts;
    build.rework_tokens += std::max<int64_t>(table.total_tokens(row), 0);
  }
  if (kind == StepKind::kFix || kind == StepKind::kImplement) ++build.attempts;
  build.prompt_tokens += std::max<int64_t>(table.prompt_tokens(row), 0);
  build.completion_tokens += std::max<int64_t>(table.completion_tokens(row), 0);
  const double cost = table.cost_usd(row);
  if (std::isnan(cost)) {
    build.cost_complete = false;
  } else {
    build.cost_usd = std::isnan(build.cost_usd) ? cost : build.cost_usd + cost;
  }
  if (table.token_source(row) == TokenSource::kScripted) build.scripted = true;
}

BuildRow FoldBuild(const TraceTable& table, const RunRows& run) {
  BuildRow build;
  build.run = run.run;
  build.workflow_id = table.workflow_id(run.run);
  build.workflow_type = table.workflow_type(run.run);
  build.first_row = run.rows.front();
  build.entries = run.rows.size();
  build.first_timestamp_ms = run.first_timestamp_ms;
  build.last_timestamp_ms = run.first_timestamp_ms;
  build.cost_complete = true;
  build.chained = true;
  build.beginning_missing = table.seq(run.rows.front()) > 1;
  EntryStatus last_verification = EntryStatus::kNotApplicable;
  const auto first = [](DictId& into, DictId id) {
    if (into == kNoId) into = id;
  };
  for (const size_t row : run.rows) {
    build.last_timestamp_ms = std::max(build.last_timestamp_ms, table.timestamp_ms(row));
    build.chained = build.chained && table.chained(row);
    build.chain_broken = build.chain_broken || table.chain_broken(row);
    first(build.context_hash, table.context_hash(row));
    first(build.template_name, table.template_name(row));
    first(build.experiment_arm, table.experiment_arm(row));
    const std::string_view step = table.StepText(table.step(row));
    switch (table.kind(row)) {
      case EntryKind::kAgent:
        AddAgentCall(table, row, build);
        break;
      case EntryKind::kVerification:
        last_verification = table.status(row);
        if (step == kInitialVerification && !build.verified) {
          build.verified = true;
          build.first_pass = last_verification == EntryStatus::kPass;
          if (!build.first_pass) build.first_error_type = table.error_type(row);
        }
        break;
      case EntryKind::kWorkflowEvent:
        if (step == "workflow_completed") build.end = BuildEnd::kCompleted;
        if (step == "workflow_failed") build.end = BuildEnd::kFailed;
        if (step == "workflow_cancelled") build.end = BuildEnd::kCancelled;
        if (table.end_status(row) != kNoId) build.end_status = table.end_status(row);
        break;
    }
  }
  if (build.agent_calls == 0) build.cost_complete = false;
  if (build.end == BuildEnd::kCompleted) {
    build.success = build.end_status != kNoId ? table.EndStatusText(build.end_status) == "passed"
                                              : last_verification == EntryStatus::kPass;
  }
  return build;
}

}  // namespace

std::string_view StepKindName(StepKind kind) {
  switch (kind) {
    case StepKind::kScaffold:
      return "scaffold";
    case StepKind::kImplement:
      return "implement";
    case StepKind::kFix:
      return "fix";
    case StepKind::kOther:
      return "other";
  }
  return "";
}

std::string_view BuildEndName(BuildEnd end) {
  switch (end) {
    case BuildEnd::kOpen:
      return "open";
    case BuildEnd::kCompleted:
      return "completed";
    case BuildEnd::kFailed:
      return "failed";
    case BuildEnd::kCancelled:
      return "cancelled";
  }
  return "";
}

std::vector<StepRow> FoldSteps(const TraceTable& table) {
  std::vector<StepRow> steps;
  for (const RunRows& run : RowsByRun(table)) {
    for (size_t i = 0; i < run.rows.size(); ++i) {
      if (table.kind(run.rows[i]) == EntryKind::kAgent) steps.push_back(FoldStep(table, run, i));
    }
  }
  return steps;
}

std::vector<BuildRow> Builds(const TraceTable& table) {
  std::vector<BuildRow> builds;
  for (const RunRows& run : RowsByRun(table)) builds.push_back(FoldBuild(table, run));
  return builds;
}

}  // namespace wfe::analytics
