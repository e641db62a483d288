// OP-6: what makes a successful build expensive.
#include <algorithm>
#include <cmath>

#include "activities/analytics/audits/section.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

/// OP-6: rows a class needs to be named the most expensive.
constexpr int64_t kMinRowsOfClass = 5;

constexpr Query kByClass{.id = "token.by_class",
                         .title = "Repairs by the class of error being repaired",
                         .rows = "steps",
                         .filter = "phase = fix",
                         .group_by = "fixing",
                         .measures =
                             "count: count, mean: mean(tokens), median: median(tokens), p95: p95(tokens), "
                             "sum: sum(tokens), builds: distinct(run)"};
constexpr Query kPromptByStep{.id = "token.prompt_by_step",
                              .title = "What prompts are made of",
                              .rows = "steps",
                              .filter = "",
                              .group_by = "step",
                              .measures =
                                  "calls: count, turns: mean(turns), prompt: mean(prompt_tokens), context: "
                                  "mean(context_tokens), instruction: mean(instruction_tokens), ratio: "
                                  "ratio(context_tokens, instruction_tokens), context_share: "
                                  "ratio(context_in_prompt, prompt_with_context), context_all: "
                                  "mean(context_in_prompt), instruction_all: mean(instruction_in_prompt), rest: "
                                  "mean(rest_of_prompt)"};
constexpr Query kPerSuccess{.id = "token.per_success",
                            .title = "Tokens for each successful build",
                            .rows = "builds",
                            .filter = "",
                            .group_by = "",
                            .measures =
                                "builds: count, successes: sum(success), tokens: sum(tokens), per_success: "
                                "ratio(tokens, success), successful_only: mean(success_tokens)"};
constexpr Query kByStep{.id = "token.by_step",
                        .title = "Most expensive steps",
                        .rows = "steps",
                        .filter = "",
                        .group_by = "step",
                        .measures =
                            "calls: count, mean: mean(tokens), completion: mean(completion_tokens), sum: "
                            "sum(tokens)"};
constexpr Query kReworkOverTime{.id = "token.rework_over_time",
                                .title = "Rework over time",
                                .rows = "builds",
                                .filter = "",
                                .group_by = "bucket",
                                .measures = "builds: count, rework: ratio(rework_tokens, tokens)"};

std::vector<uint32_t> Clusters(const Dataset& data, const std::vector<uint32_t>& rows) {
  std::vector<uint32_t> builds;
  for (const uint32_t row : rows) builds.push_back(static_cast<uint32_t>(data.steps.Number("build", row)));
  return builds;
}

stats::Sample RepairTokens(const Dataset& data, const std::vector<uint32_t>& rows) {
  return stats::DescribeClusters(Pick(data.steps, "tokens", rows), Clusters(data, rows));
}

/// The finding rule: the class with the highest mean.  It describes; being the highest of several is no test.
void MostExpensiveClass(const Dataset& data, const QueryResult& classes, Section& section) {
  const Group* top = nullptr;
  for (const Group& group : classes.groups) {
    if (static_cast<int64_t>(group.rows.size()) < kMinRowsOfClass || std::isnan(classes.Value(group, "mean"))) continue;
    if (top == nullptr || classes.Value(group, "mean") > classes.Value(*top, "mean")) top = &group;
  }
  if (top == nullptr) return;
  const std::string& error = top->key[0];
  std::vector<uint32_t> others;
  for (const uint32_t row : Select(data.steps, "phase = fix and fixing present")) {
    if (data.steps.Word("fixing", row) != error) others.push_back(row);
  }
  const stats::Sample own = RepairTokens(data, top->rows);
  const stats::Sample rest = RepairTokens(data, others);
  const auto own_interval = stats::MeanInterval(own);
  if (!own_interval) return;

  Candidate finding;
  finding.hypothesis = "most expensive class of error";
  finding.always = true;
  finding.title = error + " is the most expensive error to repair";
  finding.n = static_cast<int64_t>(top->rows.size() + others.size());
  finding.groups = {{error, static_cast<int64_t>(top->rows.size()), own.mean}};
  finding.unit = "tokens";
  finding.statement = "A repair of " + error + " takes " + Count(own.mean) + " tokens on average (95% interval " +
                      Count(own_interval->lo) + " to " + Count(own_interval->hi) + ", " +
                      std::to_string(top->rows.size()) + " repairs in " + Count(static_cast<double>(own.n)) +
                      " builds)";
  double excess = own.mean;
  const auto difference = stats::CompareMeans(rest, own);
  if (difference) {
    finding.groups.push_back({"all other classes", static_cast<int64_t>(others.size()), rest.mean});
    finding.measure = "difference in mean tokens per repair from the other classes";
    finding.effect = difference->effect;
    finding.interval = difference->interval;
    finding.statement +=
        ", against " + Count(rest.mean) + " for all other classes: " + Difference(*difference, false) + " more.";
    excess = difference->effect;
  } else {
    finding.measure = "mean tokens per repair";
    finding.effect = own.mean;
    finding.interval = *own_interval;
    finding.statement += "; there is no other class to compare it with.";
  }
  const auto repairs = static_cast<double>(top->rows.size());
  finding.saving = SavingJson(
      data, excess * repairs, top->rows,
      difference ? "The " + std::to_string(top->rows.size()) +
                       " repairs of this class in the window at the mean of the other classes instead of their own."
                 : "All " + std::to_string(top->rows.size()) + " repairs of this class in the window not needed.");
  std::vector<uint32_t> dearest = top->rows;
  std::stable_sort(dearest.begin(), dearest.end(), [&](uint32_t a, uint32_t b) {
    return data.steps.Number("tokens", a) > data.steps.Number("tokens", b);
  });
  finding.examples = StepExamples(data, dearest);
  finding.section = std::string(kConstraintSection);
  finding.template_id = data.builds.Word("template_id", static_cast<size_t>(data.steps.Number("build", dearest[0])));
  finding.rule_key = error;
  finding.recommendation = "Add to " + std::string(kConstraintSection) + " a rule that prevents " + error +
                           ", worded as what to write instead.";
  section.candidates.push_back(std::move(finding));
}

json ClassTable(const Dataset& data, const QueryResult& classes) {
  return TableJson(
      data.steps, kByClass, classes,
      {{"fixing", "Class being repaired", "text"},
       {"count", "Repairs", "count"},
       {"builds", "Builds", "count"},
       {"mean", "Mean", "tokens"},
       {"median", "Median", "tokens"},
       {"p95", "95th percentile", "tokens"},
       {"sum", "Sum", "tokens"},
       {"rank_by_sum", "Rank by sum", "count"}},
      "mean", [&](const Group& group, json& row) {
        const double own = classes.Value(group, "sum");
        row["rank_by_sum"] = 1 + std::count_if(classes.groups.begin(), classes.groups.end(),
                                               [&](const Group& other) { return classes.Value(other, "sum") > own; });
      });
}

json StepTable(const Dataset& data, const QueryResult& steps) {
  double all_tokens = 0;
  for (const Group& group : steps.groups) all_tokens += steps.Value(group, "sum");
  return TableJson(data.steps, kByStep, steps,
                   {{"step", "Step", "text"},
                    {"calls", "Calls", "count"},
                    {"mean", "Mean", "tokens"},
                    {"completion", "Mean completion", "tokens"},
                    {"sum", "Sum", "tokens"},
                    {"share", "Share of all tokens", "share"}},
                   "sum", [&](const Group& group, json& row) {
                     if (all_tokens > 0) Put(row, "share", steps.Value(group, "sum") / all_tokens);
                   });
}

json ClassChart(const Dataset& data, const QueryResult& classes) {
  // The table orders by mean; the bars follow it.
  std::vector<const Group*> by_mean;
  for (const Group& group : classes.groups) by_mean.push_back(&group);
  std::stable_sort(by_mean.begin(), by_mean.end(), [&](const Group* a, const Group* b) {
    return classes.Value(*a, "mean") > classes.Value(*b, "mean");
  });
  json points = json::array();
  for (const Group* group : by_mean) {
    if (std::isnan(classes.Value(*group, "mean"))) continue;
    const auto interval = stats::MeanInterval(RepairTokens(data, group->rows));
    points.push_back(
        Point(group->key[0], classes.Value(*group, "mean"), interval, "n = " + std::to_string(group->rows.size())));
  }
  return ChartJson({"tokens-per-class", "Tokens per repair, by class of error", "bar", "Class of error",
                    "Mean tokens per repair", "tokens"},
                   json::array({{{"name", "Mean tokens per repair"}, {"points", points}}}));
}

json StepChart(const QueryResult& prompts, const QueryResult& steps) {
  json context = json::array();
  json instruction = json::array();
  json rest = json::array();
  json completion = json::array();
  for (const Group& group : prompts.groups) {
    if (std::isnan(prompts.Value(group, "context"))) continue;
    context.push_back(Point(group.key[0], prompts.Value(group, "context_all")));
    instruction.push_back(Point(group.key[0], prompts.Value(group, "instruction_all")));
    rest.push_back(Point(group.key[0], prompts.Value(group, "rest")));
    const auto same = std::find_if(steps.groups.begin(), steps.groups.end(),
                                   [&](const Group& other) { return other.key == group.key; });
    completion.push_back(Point(group.key[0], steps.Value(*same, "completion")));
  }
  return ChartJson(
      {"tokens-per-step", "Where the tokens of a step go", "stacked_bar", "Step", "Mean tokens per step", "tokens"},
      json::array({{{"name", "Context"}, {"points", context}},
                   {{"name", "Instruction"}, {"points", instruction}},
                   {{"name", "Rest of the prompt"}, {"points", rest}},
                   {{"name", "Completion"}, {"points", completion}}}));
}

json ReworkChart(const Dataset& data, const QueryResult& rework) {
  json shares = json::array();
  for (const Group& group : rework.groups) {
    if (std::isnan(rework.Value(group, "rework"))) continue;
    shares.push_back(
        Point(group.key[0], rework.Value(group, "rework"), {}, "n = " + std::to_string(group.rows.size())));
  }
  return ChartJson({"rework-share", "Share of tokens spent on rework", "line",
                    "Builds started in the " + data.bucket_name + " of", "Rework share", "share"},
                   json::array({{{"name", "Rework share"}, {"points", shares}}}));
}

}  // namespace

Section AuditTokenEfficiency(const Dataset& data, const AuditOptions& options) {
  Section section{
      .kind = "token_efficiency", .title = "Token efficiency", .goal = "Fewer tokens per successful build."};
  const QueryResult classes = section.Run(data, kByClass);
  section.tables.push_back(ClassTable(data, classes));
  const QueryResult prompts = section.Run(data, kPromptByStep);
  section.tables.push_back(TableJson(data.steps, kPromptByStep, prompts,
                                     {{"step", "Step", "text"},
                                      {"calls", "Steps", "count"},
                                      {"turns", "Mean model calls", "ratio"},
                                      {"prompt", "Mean prompt", "tokens"},
                                      {"context", "Mean context", "tokens"},
                                      {"instruction", "Mean instruction", "tokens"},
                                      {"ratio", "Context to instruction", "ratio"},
                                      {"context_share", "Context share of the prompt", "share"}}));
  section.tables.push_back(TableJson(data.builds, kPerSuccess, section.Run(data, kPerSuccess),
                                     {{"builds", "Builds", "count"},
                                      {"successes", "Successful", "count"},
                                      {"tokens", "Tokens of all builds", "tokens"},
                                      {"per_success", "All tokens per successful build", "tokens"},
                                      {"successful_only", "Tokens of a successful build", "tokens"}}));
  const QueryResult steps = section.Run(data, kByStep);
  section.tables.push_back(StepTable(data, steps));
  section.charts.push_back(ClassChart(data, classes));
  section.charts.push_back(StepChart(prompts, steps));
  section.charts.push_back(ReworkChart(data, section.Run(data, kReworkOverTime)));
  if (data.build_count() >= options.min_runs) MostExpensiveClass(data, classes, section);
  return section;
}

}  // namespace wfe::analytics
