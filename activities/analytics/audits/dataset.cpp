#include "activities/analytics/audits/dataset.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "activities/analytics/audits/cohorts.h"
#include "engine/base/time.h"

namespace wfe::analytics {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;

double OrAbsent(int64_t value) { return value < 0 ? kNotANumber : static_cast<double>(value); }

std::string_view IdOfTemplate(std::string_view name) { return name.substr(0, name.find('@')); }

bool Wanted(const TraceTable& table, const BuildRow& build, const AuditOptions& options) {
  if (options.from_ms && build.last_timestamp_ms < *options.from_ms) return false;
  if (options.to_ms && build.last_timestamp_ms >= *options.to_ms) return false;
  if (options.workflow_types.empty()) return true;
  const std::string_view type = table.WorkflowTypeText(build.workflow_type);
  return std::find(options.workflow_types.begin(), options.workflow_types.end(), type) != options.workflow_types.end();
}

/// The start of the bucket as "2026-11-21" or "2026-11-21T05:00".
std::string BucketStart(int64_t time_ms, int64_t bucket_ms) {
  // Weeks begin on Mondays; 1970-01-05 was one.
  const int64_t offset = bucket_ms == 7 * kDayMs ? 4 * kDayMs : 0;
  int64_t start = (time_ms - offset) / bucket_ms * bucket_ms + offset;
  if (start > time_ms) start -= bucket_ms;
  const std::string text = FormatIso8601Millis(Instant(std::chrono::milliseconds(start)));
  return text.substr(0, bucket_ms < kDayMs ? 16 : 10);
}

/// The cost of a call, where the counts are the model's own and a price was known.
double KnownCost(const TraceTable& table, size_t row) {
  return table.token_source(row) == TokenSource::kReported ? table.cost_usd(row) : kNotANumber;
}

void FillBuilds(Dataset& data, int64_t bucket_ms, const std::vector<double>& cost) {
  const TraceTable& table = *data.table;
  Frame& frame = data.builds = Frame(data.build_rows.size());
  WordWriter run(frame.AddWords("run"));
  WordWriter status(frame.AddWords("status"));
  WordWriter context(frame.AddWords("context"));
  WordWriter name(frame.AddWords("template"));
  WordWriter template_id(frame.AddWords("template_id"));
  WordWriter bucket(frame.AddWords("bucket"));
  auto& success = frame.AddNumbers("success").numbers;
  auto& first_pass = frame.AddNumbers("first_pass").numbers;
  auto& attempts = frame.AddNumbers("attempts").numbers;
  auto& tokens = frame.AddNumbers("tokens").numbers;
  auto& success_tokens = frame.AddNumbers("success_tokens").numbers;
  auto& rework_tokens = frame.AddNumbers("rework_tokens").numbers;
  auto& rework_share = frame.AddNumbers("rework_share").numbers;
  auto& duration = frame.AddNumbers("duration_ms").numbers;
  auto& started = frame.AddNumbers("started_ms").numbers;
  frame.AddNumbers("cost_usd").numbers = cost;
  for (size_t i = 0; i < data.build_rows.size(); ++i) {
    const BuildRow& build = data.build_rows[i];
    run.Set(i, table.RunText(build.run));
    const std::string_view end_status = table.EndStatusText(build.end_status);
    status.Set(i, build.end == BuildEnd::kCompleted && !end_status.empty() ? end_status : BuildEndName(build.end));
    if (build.context_hash != kNoId) context.Set(i, table.ContextHashText(build.context_hash));
    name.Set(i, table.TemplateText(build.template_name));
    template_id.Set(i, IdOfTemplate(table.TemplateText(build.template_name)));
    bucket.Set(i, BucketStart(build.first_timestamp_ms, bucket_ms));
    success[i] = build.success ? 1 : 0;
    if (build.verified) first_pass[i] = build.first_pass ? 1 : 0;
    attempts[i] = build.attempts;
    tokens[i] = static_cast<double>(build.total_tokens());
    if (build.success) success_tokens[i] = tokens[i];
    rework_tokens[i] = static_cast<double>(build.rework_tokens);
    if (build.total_tokens() > 0) rework_share[i] = build.rework_share();
    duration[i] = static_cast<double>(build.duration_ms());
    started[i] = static_cast<double>(build.first_timestamp_ms);
  }
}

void FillSections(Dataset& data) {
  const TraceTable& table = *data.table;
  std::vector<std::map<std::string, std::string>> sections;
  std::map<DictId, std::map<std::string, std::string>> known;
  size_t rows = 0;
  for (const BuildRow& build : data.build_rows) {
    std::map<std::string, std::string> own;
    if (build.context_hash != kNoId) {
      const auto [found, added] = known.try_emplace(build.context_hash);
      if (added) found->second = table.Sections(build.context_hash);
      own = found->second;
    }
    rows += own.size();
    sections.push_back(std::move(own));
  }
  Frame& frame = data.sections = Frame(rows);
  WordWriter run(frame.AddWords("run"));
  WordWriter section(frame.AddWords("section"));
  WordWriter hash(frame.AddWords("hash"));
  auto& build = frame.AddNumbers("build").numbers;
  auto& changed = frame.AddNumbers("changed").numbers;
  auto& since_change = frame.AddNumbers("since_change").numbers;
  auto& first_pass = frame.AddNumbers("first_pass").numbers;
  struct Last {
    std::string hash;
    double since_change = kNotANumber;
  };
  std::map<std::pair<std::string, std::string>, Last> last_of;  // by template and section
  size_t row = 0;
  for (size_t i = 0; i < sections.size(); ++i) {
    for (const auto& [name, text_hash] : sections[i]) {
      run.Set(row, data.builds.Word("run", i));
      section.Set(row, name);
      hash.Set(row, text_hash);
      build[row] = static_cast<double>(i);
      first_pass[row] = data.builds.Number("first_pass", i);
      Last& last = last_of[{data.builds.Word("template_id", i), name}];
      if (!last.hash.empty()) changed[row] = last.hash == text_hash ? 0 : 1;
      last.since_change = changed[row] == 1 ? 0 : last.since_change + 1;  // Absent stays absent.
      since_change[row] = last.since_change;
      last.hash = text_hash;
      ++row;
    }
  }

  // Contexts that differ only in volatile sections are one cohort: compared by the texts that a person edits.
  std::set<std::string> ignored;
  for (const SectionHistory& history : SectionHistories(frame)) {
    if (history.is_volatile()) ignored.insert(history.name);
  }
  WordWriter cohort(data.builds.AddWords("context_cohort"));
  WordWriter constraints(data.builds.AddWords("constraints"));
  for (size_t i = 0; i < sections.size(); ++i) {
    const std::string& context = data.builds.Word("context", i);
    if (context.empty()) continue;
    std::string key;
    for (const auto& [name, text_hash] : sections[i]) {
      if (!ignored.contains(name)) key += name + "=" + text_hash + ";";
    }
    if (sections[i].empty()) key = context;
    cohort.Set(i, key);
    const auto rules = sections[i].find(std::string(kConstraintSection));
    constraints.Set(i, rules == sections[i].end() ? key : rules->second);
  }
}

/// Readable words for the cohorts: the hash of the first context of each.
void NameCohorts(Dataset& data, std::string_view column, std::string_view named) {
  std::map<std::string, std::string> first;
  WordWriter words(data.builds.AddWords(named));
  for (size_t i = 0; i < data.build_rows.size(); ++i) {
    const std::string& key = data.builds.Word(column, i);
    if (key.empty()) continue;
    words.Set(i, first.try_emplace(key, data.builds.Word("context", i)).first->second);
  }
}

void FillSteps(Dataset& data, const std::vector<uint32_t>& build_of_step) {
  const TraceTable& table = *data.table;
  Frame& frame = data.steps = Frame(data.step_rows.size());
  WordWriter run(frame.AddWords("run"));
  WordWriter step(frame.AddWords("step"));
  WordWriter phase(frame.AddWords("phase"));
  WordWriter outcome(frame.AddWords("outcome"));
  WordWriter error(frame.AddWords("error"));
  WordWriter fixing(frame.AddWords("fixing"));
  WordWriter version(frame.AddWords("version"));
  WordWriter instruction(frame.AddWords("instruction"));
  WordWriter source(frame.AddWords("token_source"));
  WordWriter context(frame.AddWords("context"));
  WordWriter constraints(frame.AddWords("constraints"));
  auto& build = frame.AddNumbers("build").numbers;
  auto& attempt = frame.AddNumbers("attempt").numbers;
  auto& prompt = frame.AddNumbers("prompt_tokens").numbers;
  auto& completion = frame.AddNumbers("completion_tokens").numbers;
  auto& tokens = frame.AddNumbers("tokens").numbers;
  auto& context_tokens = frame.AddNumbers("context_tokens").numbers;
  auto& instruction_tokens = frame.AddNumbers("instruction_tokens").numbers;
  auto& prompt_with_context = frame.AddNumbers("prompt_with_context").numbers;
  auto& turns = frame.AddNumbers("turns").numbers;
  auto& context_in_prompt = frame.AddNumbers("context_in_prompt").numbers;
  auto& instruction_in_prompt = frame.AddNumbers("instruction_in_prompt").numbers;
  auto& rest_of_prompt = frame.AddNumbers("rest_of_prompt").numbers;
  auto& passed = frame.AddNumbers("passed").numbers;
  auto& rework = frame.AddNumbers("rework_factor").numbers;
  auto& error_chars = frame.AddNumbers("error_chars").numbers;
  auto& cost = frame.AddNumbers("cost_usd").numbers;
  for (size_t i = 0; i < data.step_rows.size(); ++i) {
    const StepRow& row = data.step_rows[i];
    const size_t at = row.agent_row;
    build[i] = build_of_step[i];
    run.Set(i, table.RunText(row.run));
    step.Set(i, table.StepText(row.step));
    phase.Set(i, StepKindName(row.kind));
    if (row.outcome_status != EntryStatus::kNotApplicable) {
      outcome.Set(i, EntryStatusName(row.outcome_status));
      passed[i] = row.outcome_status == EntryStatus::kPass ? 1 : 0;
    }
    if (row.outcome_status == EntryStatus::kFail) error.Set(i, table.ErrorTypeText(row.outcome_error_type));
    fixing.Set(i, table.ErrorTypeText(row.fixing_error_type));
    context.Set(i, data.builds.Word("context_name", build_of_step[i]));
    constraints.Set(i, data.builds.Word("constraints_name", build_of_step[i]));
    const std::string_view name = table.TemplateText(table.template_name(at));
    if (!name.empty()) {
      version.Set(i, name);
    } else if (table.instruction_hash(at) != kNoId) {
      version.Set(i, "instruction@" + table.InstructionHashText(table.instruction_hash(at)).substr(0, 12));
    }
    source.Set(i, TokenSourceName(table.token_source(at)));
    attempt[i] = row.fix_attempt;
    prompt[i] = OrAbsent(table.prompt_tokens(at));
    completion[i] = OrAbsent(table.completion_tokens(at));
    tokens[i] = OrAbsent(table.total_tokens(at));
    if (table.context_tokens(at) >= 0 && table.instruction_tokens(at) >= 0) {
      context_tokens[i] = OrAbsent(table.context_tokens(at));
      instruction_tokens[i] = OrAbsent(table.instruction_tokens(at));
      prompt_with_context[i] = prompt[i];
      // A step of n turns sends its context n times; a trace that does not state the turns is taken to have had one.
      const double times = table.turns(at) > 0 ? static_cast<double>(table.turns(at)) : 1;
      context_in_prompt[i] = context_tokens[i] * times;
      instruction_in_prompt[i] = instruction_tokens[i] * times;
      if (!std::isnan(prompt[i])) {
        rest_of_prompt[i] = std::max(0.0, prompt[i] - context_in_prompt[i] - instruction_in_prompt[i]);
      }
    }
    if (table.turns(at) >= 0) turns[i] = static_cast<double>(table.turns(at));
    instruction.Set(i, table.TemplateText(table.instruction_template(at)));
    rework[i] = table.rework_cost_factor(at);
    error_chars[i] = OrAbsent(table.error_chars(at));
    if (!data.scripted_only) cost[i] = KnownCost(table, at);
  }
}

}  // namespace

Dataset MakeDataset(const TraceTable& table, const AuditOptions& options) {
  Dataset data;
  data.table = &table;
  std::vector<BuildRow> completed;
  for (const BuildRow& build : Builds(table)) {
    if (!Wanted(table, build, options)) continue;
    ++data.runs;
    if (build.beginning_missing) {
      ++data.beginning_missing_runs;
      continue;
    }
    if (build.chain_broken) {
      ++data.broken_chain_runs;
    } else if (!build.chained) {
      ++data.unchained_runs;
      data.unchained_entries += static_cast<int64_t>(build.entries);
    }
    if (build.completed()) {
      completed.push_back(build);
    } else {
      ++data.incomplete_runs;
    }
  }
  // A run that ended before its first agent call does not speak for either side.
  const auto scripted = [](const BuildRow& build) { return build.scripted; };
  const auto real = [](const BuildRow& build) { return build.agent_calls > 0 && !build.scripted; };
  data.scripted_only = std::any_of(completed.begin(), completed.end(), scripted) &&
                       std::none_of(completed.begin(), completed.end(), real);
  std::vector<uint32_t> index_of_run(table.run_count(), kNoId);
  for (const BuildRow& build : completed) {
    if (build.scripted && !data.scripted_only) {
      ++data.scripted_runs_left_out;
      continue;
    }
    index_of_run[build.run] = static_cast<uint32_t>(data.build_rows.size());
    data.build_rows.push_back(build);
  }

  std::vector<uint32_t> build_of_step;
  std::vector<double> cost(data.build_rows.size(), 0);
  std::map<std::string, int64_t> source_tokens;
  int64_t all_tokens = 0;
  for (const StepRow& step : FoldSteps(table)) {
    const uint32_t build = index_of_run[step.run];
    if (build == kNoId) continue;
    const int64_t tokens = std::max<int64_t>(0, table.total_tokens(step.agent_row));
    const std::string_view source = TokenSourceName(table.token_source(step.agent_row));
    source_tokens[source.empty() ? "unstated" : std::string(source)] += tokens;
    all_tokens += tokens;
    data.step_rows.push_back(step);
    build_of_step.push_back(build);
    cost[build] += data.scripted_only ? kNotANumber : KnownCost(table, step.agent_row);
  }
  for (const auto& [source, tokens] : source_tokens) {
    if (all_tokens > 0) {
      data.token_source_share[source] = static_cast<double>(tokens) / static_cast<double>(all_tokens);
    }
  }
  // A build without an agent call cost nothing, but that nothing is not a price.
  for (size_t i = 0; i < cost.size(); ++i) {
    if (data.build_rows[i].agent_calls == 0) cost[i] = kNotANumber;
  }

  int64_t span = 0;
  if (!data.build_rows.empty()) {
    span = data.build_rows.back().first_timestamp_ms - data.build_rows.front().first_timestamp_ms;
  }
  const int64_t bucket_ms = span <= 2 * kDayMs ? kHourMs : span <= 92 * kDayMs ? kDayMs : 7 * kDayMs;
  data.bucket_name = bucket_ms == kHourMs ? "hour" : bucket_ms == kDayMs ? "day" : "week";
  FillBuilds(data, bucket_ms, cost);
  FillSections(data);
  NameCohorts(data, "context_cohort", "context_name");
  NameCohorts(data, "constraints", "constraints_name");
  FillSteps(data, build_of_step);
  return data;
}

}  // namespace wfe::analytics
