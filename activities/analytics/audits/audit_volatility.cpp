// OP-9: how do changes of the context affect behaviour and cost?
#include <algorithm>
#include <cmath>
#include <map>

#include "activities/analytics/audits/section.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

/// With more contexts than this the timeline shows those with enough builds to be compared.
constexpr size_t kMaxTimelinePoints = 60;

constexpr Query kContexts{.id = "volatility.contexts",
                          .title = "Outcome under each context, by first use",
                          .rows = "builds",
                          .filter = "",
                          .group_by = "context_name",
                          .measures =
                              "builds: count, hashes: distinct(context), first: min(started_ms), last: "
                              "max(started_ms), success_rate: share(success), first_pass: share(first_pass), "
                              "tokens: mean(tokens), rework: ratio(rework_tokens, tokens)"};
constexpr Query kErrors{.id = "volatility.errors",
                        .title = "Error mix under each context",
                        .rows = "steps",
                        .filter = "outcome = fail",
                        .group_by = "context, error",
                        .measures = "failures: count, builds: distinct(run)"};
constexpr Query kSections{.id = "volatility.sections",
                          .title = "How often each section changed",
                          .rows = "sections",
                          .filter = "",
                          .group_by = "section",
                          .measures = "builds: count, versions: distinct(hash), changes: sum(changed)"};
constexpr Query kOverTime{.id = "volatility.over_time",
                          .title = "First-pass rate over time",
                          .rows = "builds",
                          .filter = "first_pass present",
                          .group_by = "bucket",
                          .measures = "builds: count, first_pass: share(first_pass)"};

void CompareChange(const Dataset& data, const Change& change, bool tokens, Section& section) {
  Candidate finding;
  const std::string when = IsoTime(change.after.first_ms).substr(0, 10);
  Candidate::Side before{SideName(change, false), 0, 0};
  Candidate::Side after{SideName(change, true), 0, 0};
  std::optional<stats::Comparison> comparison;
  if (tokens) {
    const stats::Sample a = stats::Describe(Pick(data.builds, "tokens", change.before.builds));
    const stats::Sample b = stats::Describe(Pick(data.builds, "tokens", change.after.builds));
    before.n = a.n, before.value = a.mean, after.n = b.n, after.value = b.mean;
    comparison = stats::CompareMeans(a, b);
  } else {
    const stats::Share a = ShareOf(data.builds, "first_pass", change.before.builds);
    const stats::Share b = ShareOf(data.builds, "first_pass", change.after.builds);
    before.n = a.n, before.value = a.rate(), after.n = b.n, after.value = b.rate();
    comparison = stats::CompareShares(a, b);
  }
  if (!comparison || std::min(before.n, after.n) < kMinRowsPerSide) return;
  finding.Take(*comparison);
  const bool better = (comparison->effect > 0) != tokens;
  const std::string name = tokens ? "tokens per build" : "first-pass rate";
  const auto show = [&](double value) { return tokens ? Count(value) : Percent(value); };
  finding.hypothesis = name + " after context " + ShortHash(change.after.context);
  finding.title = "The context change of " + when + (better ? " improved the " : " worsened the ") + name;
  finding.statement = "Since " + SectionList(change) + " changed on " + when + " the " + name + " is " +
                      show(after.value) + " (" + std::to_string(after.n) + " builds), before it " + show(before.value) +
                      " (" + std::to_string(before.n) + "): " + Difference(*comparison, !tokens) + ".";
  finding.n = before.n + after.n;
  finding.groups = {before, after};
  finding.measure = "difference in " + name;
  finding.unit = tokens ? "tokens" : "share";
  double worth = 1;
  if (!tokens) {
    std::vector<double> rework;
    for (const Cohort* cohort : {&change.before, &change.after}) {
      for (const uint32_t build : cohort->builds) {
        if (data.builds.Number("first_pass", build) == 0) rework.push_back(data.builds.Number("rework_tokens", build));
      }
    }
    worth = stats::Describe(rework).mean;
  }
  std::vector<uint32_t> steps;
  for (uint32_t row = 0; row < data.steps.rows(); ++row) {
    const auto build = static_cast<uint32_t>(data.steps.Number("build", row));
    if (std::binary_search(change.after.builds.begin(), change.after.builds.end(), build)) steps.push_back(row);
  }
  finding.saving = SavingJson(
      data, std::abs(comparison->effect) * worth * static_cast<double>(after.n), steps,
      std::string(better ? "Saved since the change: " : "Lost since the change: ") + std::to_string(after.n) +
          " builds times the difference" +
          (tokens ? "."
                  : " times " + Count(worth) + " tokens, the mean rework of a build that does not pass at once."));
  finding.examples = BuildExamples(data, change.after.builds);
  if (!change.sections.empty()) finding.section = change.sections.front();
  finding.template_id = change.after.template_id;
  finding.rule_key = "context:" + change.after.context;
  finding.recommendation = better ? "Keep this wording of " + SectionList(change) + "."
                                  : "Go back to the earlier wording of " + SectionList(change) + ".";
  section.candidates.push_back(std::move(finding));
}

/// A section that changes often: do builds soon after a change fare differently from the others?
void ChurningSection(const Dataset& data, const SectionHistory& history, Section& section) {
  // "Soon" is half the time that a version lasts, and at most the builds that a claim needs.
  const double soon = std::clamp(std::floor(history.stretch() / 2), 1.0, static_cast<double>(kMinRowsPerSide));
  std::vector<uint32_t> recent;
  std::vector<uint32_t> settled;
  for (const uint32_t row : Select(data.sections, "section = " + history.name)) {
    (data.sections.Number("since_change", row) < soon ? recent : settled).push_back(row);
  }
  const stats::Share same = ShareOf(data.sections, "first_pass", settled);
  const stats::Share other = ShareOf(data.sections, "first_pass", recent);
  const auto comparison = stats::CompareShares(same, other);
  if (!comparison || std::min(same.n, other.n) < kMinRowsPerSide) return;
  const std::string within = soon == 1 ? "the first build" : "the first " + Count(soon) + " builds";
  Candidate finding;
  finding.Take(*comparison);
  finding.always = true;
  finding.otherwise = "No effect of these changes was found.";
  finding.hypothesis = "first-pass rate soon after a change of " + history.name;
  finding.title = history.name + " changes often: every " + Count(history.stretch()) + " builds";
  finding.statement = history.name + " changed " + std::to_string(history.changes) + " times in " +
                      std::to_string(history.builds) + " builds (" + std::to_string(history.versions) +
                      " versions). Of the builds soon after a change (" + within + ") " + Percent(other.rate()) +
                      " of " + std::to_string(other.n) + " passed at once, of the others " + Percent(same.rate()) +
                      " of " + std::to_string(same.n) + ": " + Difference(*comparison, true) + ".";
  finding.n = same.n + other.n;
  finding.groups = {{"other builds", same.n, same.rate()}, {"soon after a change", other.n, other.rate()}};
  finding.measure = "difference in first-pass rate";
  finding.unit = "share";
  std::vector<uint32_t> builds;
  for (const uint32_t row : recent) {
    if (data.sections.Number("since_change", row) == 0) {
      builds.push_back(static_cast<uint32_t>(data.sections.Number("build", row)));
    }
  }
  finding.examples = BuildExamples(data, builds);
  finding.section = history.name;
  finding.template_id = data.builds.Word("template_id", builds.front());
  finding.rule_key = "churn:" + history.name;
  finding.recommendation =
      "Keep in " + history.name +
      " only what is stable and needed by every build, and give the rest to the step that needs it.";
  section.candidates.push_back(std::move(finding));
}

json Timeline(const Dataset& data, const std::vector<Cohort>& cohorts, const std::vector<Change>& changes) {
  json points = json::array();
  std::vector<const Cohort*> by_time;
  for (const Cohort& cohort : cohorts) {
    if (cohorts.size() <= kMaxTimelinePoints || static_cast<int64_t>(cohort.builds.size()) >= kMinRowsPerSide) {
      by_time.push_back(&cohort);
    }
  }
  std::stable_sort(by_time.begin(), by_time.end(),
                   [](const Cohort* a, const Cohort* b) { return a->first_ms < b->first_ms; });
  for (const Cohort* cohort : by_time) {
    const stats::Share share = ShareOf(data.builds, "first_pass", cohort->builds);
    if (share.n == 0) continue;
    std::string note =
        "context " + ShortHash(cohort->context) + ", " + std::to_string(cohort->builds.size()) + " builds";
    for (const Change& change : changes) {
      if (change.after.context == cohort->context && change.after.template_id == cohort->template_id) {
        note += "; changed: " + SectionList(change);
      }
    }
    points.push_back(Point(IsoTime(cohort->first_ms), share.rate(), stats::WilsonInterval(share), note));
  }
  return points;
}

}  // namespace

Section AuditVolatility(const Dataset& data, const AuditOptions& options) {
  Section section{.kind = "context_volatility",
                  .title = "Context volatility",
                  .goal = "Contexts that change for a reason, with a known effect."};
  const std::vector<Cohort> cohorts = CohortsBy(data, "context_cohort");
  const std::vector<Change> changes = ChangesBetween(data, cohorts);
  const QueryResult contexts = section.Run(data, kContexts);
  json table = TableJson(data.builds, kContexts, contexts,
                         {{"context", "First context hash", "text"},
                          {"first", "First used", "time"},
                          {"last", "Last used", "time"},
                          {"builds", "Builds", "count"},
                          {"hashes", "Context hashes", "count"},
                          {"success_rate", "Success rate", "share"},
                          {"first_pass", "First-pass rate", "share"},
                          {"tokens", "Mean tokens per build", "tokens"},
                          {"rework", "Rework share", "share"},
                          {"changed", "Sections changed", "text"}},
                         {}, [&](const Group& group, json& row) {
                           row.erase("context_name");
                           row["context"] = ShortHash(group.key[0]);
                           for (const char* time : {"first", "last"}) {
                             row[time] = IsoTime(static_cast<int64_t>(contexts.Value(group, time)));
                           }
                           for (const Change& change : changes) {
                             if (change.after.context == group.key[0]) row["changed"] = SectionList(change);
                           }
                         });
  std::stable_sort(table["rows"].begin(), table["rows"].end(),
                   [](const json& a, const json& b) { return a["first"] < b["first"]; });
  section.tables.push_back(std::move(table));
  section.tables.push_back(TableJson(data.steps, kErrors, section.Run(data, kErrors),
                                     {{"context", "First context hash", "text"},
                                      {"error", "Class of error", "text"},
                                      {"failures", "Failures", "count"},
                                      {"builds", "Builds affected", "count"}},
                                     {},
                                     [](const Group& group, json& row) { row["context"] = ShortHash(group.key[0]); }));

  const std::vector<SectionHistory> histories = SectionHistories(data.sections);
  section.tables.push_back(TableJson(data.sections, kSections, section.Run(data, kSections),
                                     {{"section", "Section", "text"},
                                      {"builds", "Builds", "count"},
                                      {"versions", "Versions", "count"},
                                      {"changes", "Changes", "count"},
                                      {"stretch", "Builds between changes", "count"},
                                      {"often", "Changes often", "text"}},
                                     "changes", [&](const Group& group, json& row) {
                                       for (const SectionHistory& history : histories) {
                                         if (history.name != group.key[0]) continue;
                                         Put(row, "stretch", history.stretch());
                                         row["often"] = !history.changes_often()       ? "no"
                                                        : history.name == kTaskSection ? "yes: it holds the task"
                                                                                       : "yes";
                                       }
                                     }));
  const QueryResult over_time = section.Run(data, kOverTime);
  json rates = json::array();
  for (const Group& group : over_time.groups) {
    const stats::Share share = ShareOf(data.builds, "first_pass", group.rows);
    rates.push_back(
        Point(group.key[0], share.rate(), stats::WilsonInterval(share), std::to_string(share.n) + " builds"));
  }
  section.charts.push_back(ChartJson({"first-pass-over-time", "First-pass rate over time", "line",
                                      "Builds started in the " + data.bucket_name + " of", "First-pass rate", "share"},
                                     json::array({{{"name", "First-pass rate"}, {"points", rates}}})));
  section.charts.push_back(
      ChartJson({"context-timeline", "Contexts in use and their first-pass rate", "timeline", "First used",
                 "First-pass rate", "share"},
                json::array({{{"name", "Context"}, {"points", Timeline(data, cohorts, changes)}}})));
  if (data.build_count() < options.min_runs) return section;
  for (const Change& change : changes) {
    CompareChange(data, change, false, section);
    CompareChange(data, change, true, section);
  }
  for (const SectionHistory& history : histories) {
    if (history.changes_often() && history.name != kTaskSection) ChurningSection(data, history, section);
  }
  return section;
}

}  // namespace wfe::analytics
