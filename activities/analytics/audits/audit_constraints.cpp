// OP-7: do the strict rules prevent the errors they target?
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "activities/analytics/audits/section.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

/// A class "stays frequent" when at least this share of builds has it, with 95 % confidence, and in this many builds.
constexpr double kFrequentShare = 0.10;
constexpr int64_t kFrequentBuilds = 5;
constexpr size_t kMaxFrequentClasses = 3;
/// Classes that fewer builds have, on both sides of a change together, cannot show a difference and are not tested.
/// The sum of both sides says nothing about their difference, so this choice does not look at the outcome.
constexpr int64_t kMinAffectedOfBoth = 10;

constexpr Query kFrequency{.id = "constraint.frequency",
                           .title = "How often each class of error was found",
                           .rows = "steps",
                           .filter = "outcome = fail",
                           .group_by = "error",
                           .measures = "failures: count, builds: distinct(run)"};
constexpr Query kByCohort{.id = "constraint.by_cohort",
                          .title = "Classes of error before and after each change of the constraints",
                          .rows = "steps",
                          .filter = "outcome = fail and constraints present",
                          .group_by = "constraints, error",
                          .measures = "failures: count, builds: distinct(run)"};

/// For each class, the builds that had it.
std::map<std::string, std::set<uint32_t>> AffectedBuilds(const Dataset& data) {
  std::map<std::string, std::set<uint32_t>> affected;
  for (const uint32_t row : Select(data.steps, "outcome = fail and error present")) {
    affected[data.steps.Word("error", row)].insert(static_cast<uint32_t>(data.steps.Number("build", row)));
  }
  return affected;
}

std::vector<uint32_t> Those(const std::vector<uint32_t>& builds, const std::set<uint32_t>& affected) {
  std::vector<uint32_t> rows;
  for (const uint32_t build : builds) {
    if (affected.contains(build)) rows.push_back(build);
  }
  return rows;
}

stats::Share ShareAffected(const std::vector<uint32_t>& builds, const std::set<uint32_t>& affected) {
  return {static_cast<int64_t>(Those(builds, affected).size()), static_cast<int64_t>(builds.size())};
}

/// The steps of these builds where the class was found.
std::vector<uint32_t> FailingSteps(const Dataset& data, const std::string& error, const std::vector<uint32_t>& builds) {
  std::vector<uint32_t> steps;
  for (const uint32_t row : Select(data.steps, "outcome = fail and error = " + error)) {
    if (std::binary_search(builds.begin(), builds.end(), static_cast<uint32_t>(data.steps.Number("build", row)))) {
      steps.push_back(row);
    }
  }
  return steps;
}

std::vector<uint32_t> RepairsOf(const Dataset& data, const std::string& error, const std::vector<uint32_t>& builds) {
  std::vector<uint32_t> steps;
  for (const uint32_t row : Select(data.steps, "phase = fix and fixing = " + error)) {
    if (std::binary_search(builds.begin(), builds.end(), static_cast<uint32_t>(data.steps.Number("build", row)))) {
      steps.push_back(row);
    }
  }
  return steps;
}

double SumOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::isnan(value) ? 0 : value;
  return sum;
}

void TestChange(const Dataset& data, const Change& change, const std::string& error, const std::set<uint32_t>& affected,
                Section& section) {
  const stats::Share before = ShareAffected(change.before.builds, affected);
  const stats::Share after = ShareAffected(change.after.builds, affected);
  if (before.hits + after.hits < kMinAffectedOfBoth) return;
  const auto comparison = stats::CompareShares(before, after);
  if (!comparison) return;
  const std::string when = IsoTime(change.after.first_ms).substr(0, 10);
  const bool better = comparison->effect < 0;
  Candidate finding;
  finding.Take(*comparison);
  finding.hypothesis = error + " after context " + ShortHash(change.after.context);
  finding.title = error + (better ? " became rarer" : " became more frequent") + " after the context change of " + when;
  finding.statement = "Since " + SectionList(change) + " changed on " + when + ", " + Percent(after.rate()) + " of " +
                      std::to_string(after.n) + " builds had " + error + ", before it " + Percent(before.rate()) +
                      " of " + std::to_string(before.n) + ": " + Difference(*comparison, true) + ".";
  finding.n = before.n + after.n;
  finding.groups = {{SideName(change, false), before.n, before.rate()},
                    {SideName(change, true), after.n, after.rate()}};
  finding.measure = "difference in share of builds with " + error;
  finding.unit = "share";
  std::vector<uint32_t> both = change.before.builds;
  both.insert(both.end(), change.after.builds.begin(), change.after.builds.end());
  std::sort(both.begin(), both.end());
  const std::vector<uint32_t> repairs = RepairsOf(data, error, both);
  const double per_build = SumOf(Pick(data.steps, "tokens", repairs)) / static_cast<double>(before.hits + after.hits);
  finding.saving = SavingJson(data, std::abs(comparison->effect) * static_cast<double>(after.n) * per_build, repairs,
                              std::string(better ? "Saved since the change: " : "Lost since the change: ") +
                                  std::to_string(after.n) +
                                  " builds times the difference in share times the mean tokens spent on repairing " +
                                  error + " in a build that had it.");
  const std::vector<uint32_t> shown = better ? change.before.builds : change.after.builds;
  finding.examples = StepExamples(data, FailingSteps(data, error, shown), true);
  finding.template_id = change.after.template_id;
  // What helped is about the change; what harmed is about the class, which a rule may prevent in the new wording too.
  if (better) {
    finding.section = change.sections.empty() ? std::string(kConstraintSection) : change.sections.front();
    finding.rule_key = "context:" + change.after.context;
  } else {
    finding.section = SectionForError(error);
    finding.rule_key = error;
  }
  finding.recommendation =
      better ? "Keep this wording of " + SectionList(change) + "."
             : "Go back to the earlier wording of " + SectionList(change) + ", or add a rule against " + error + ".";
  section.candidates.push_back(std::move(finding));
}

/// The finding rule: what stays frequent although a rule targets it, under the constraints in force.  It describes.
void FrequentClasses(const Dataset& data, const std::vector<Cohort>& cohorts,
                     const std::map<std::string, std::set<uint32_t>>& affected, Section& section) {
  // The last constraints with enough builds are those in force; without any, all builds together.
  std::vector<uint32_t> builds;
  std::string scope = "all builds";
  int64_t latest = -1;
  for (const Cohort& cohort : cohorts) {
    if (static_cast<int64_t>(cohort.builds.size()) < kMinRowsPerSide || cohort.first_ms <= latest) continue;
    latest = cohort.first_ms;
    builds = cohort.builds;
    scope = "builds since " + IsoTime(cohort.first_ms).substr(0, 10);
  }
  if (builds.empty()) {
    for (uint32_t row = 0; row < data.builds.rows(); ++row) builds.push_back(row);
  }
  struct Frequent {
    std::string error;
    stats::Share share;
  };
  std::vector<Frequent> frequent;
  for (const auto& [error, with_error] : affected) {
    const stats::Share share = ShareAffected(builds, with_error);
    if (share.hits < kFrequentBuilds || stats::WilsonInterval(share).lo < kFrequentShare) continue;
    frequent.push_back({error, share});
  }
  std::stable_sort(frequent.begin(), frequent.end(),
                   [](const Frequent& a, const Frequent& b) { return a.share.hits > b.share.hits; });
  if (frequent.size() > kMaxFrequentClasses) frequent.resize(kMaxFrequentClasses);
  for (const auto& [error, share] : frequent) {
    const stats::Interval interval = stats::WilsonInterval(share);
    const std::string target(SectionForError(error));
    Candidate finding;
    finding.always = true;
    finding.hypothesis = error + " stays frequent";
    // Whether a rule stands against it, only the template's text tells (RW-D26); whoever writes the report has it.
    finding.title = error + " stays frequent";
    finding.statement = Percent(share.rate()) + " of " + std::to_string(share.n) + " " + scope + " had " + error +
                        " (95% interval " + Percent(interval.lo) + " to " + Percent(interval.hi) + ").";
    finding.n = share.n;
    finding.groups = {{scope, share.n, share.rate()}};
    finding.measure = "share of builds with " + error;
    finding.unit = "share";
    finding.effect = share.rate();
    finding.interval = interval;
    const std::vector<uint32_t> repairs = RepairsOf(data, error, builds);
    finding.saving = SavingJson(data, SumOf(Pick(data.steps, "tokens", repairs)), repairs,
                                "At most: all " + std::to_string(repairs.size()) +
                                    " repairs of this class in these builds, if a rule prevented every one.");
    finding.examples = StepExamples(data, FailingSteps(data, error, builds), true);
    finding.section = target;
    finding.template_id = data.builds.Word("template_id", builds.back());
    finding.rule_key = error;
    finding.recommendation =
        target == "VERIFICATION PROTOCOL"
            ? "Say in VERIFICATION PROTOCOL how tests are to be structured, what they must cover and what to mock."
            : "Say in " + target + " what to write instead of what gives " + error + ", with one example.";
    section.candidates.push_back(std::move(finding));
  }
}

}  // namespace

Section AuditConstraints(const Dataset& data, const AuditOptions& options) {
  Section section{.kind = "constraint_effectiveness",
                  .title = "Constraint effectiveness",
                  .goal = "Strict rules that prevent the errors they target."};
  const QueryResult frequency = section.Run(data, kFrequency);
  const auto affected = AffectedBuilds(data);
  const auto all_builds = static_cast<double>(data.build_count());
  section.tables.push_back(TableJson(data.steps, kFrequency, frequency,
                                     {{"error", "Class of error", "text"},
                                      {"failures", "Failures", "count"},
                                      {"builds", "Builds affected", "count"},
                                      {"share", "Share of builds", "share"},
                                      {"per_build", "Failures per build", "ratio"},
                                      {"section", "Section for rules about it", "text"}},
                                     "builds", [&](const Group& group, json& row) {
                                       Put(row, "share", frequency.Value(group, "builds") / all_builds);
                                       Put(row, "per_build", frequency.Value(group, "failures") / all_builds);
                                       row["section"] = SectionForError(group.key[0]);
                                     }));
  const std::vector<Cohort> cohorts = CohortsBy(data, "constraints");
  std::map<std::string, double> builds_of;  // cohort to builds, all templates together
  for (uint32_t row = 0; row < data.builds.rows(); ++row) ++builds_of[data.builds.Word("constraints_name", row)];
  const QueryResult by_cohort = section.Run(data, kByCohort);
  section.tables.push_back(TableJson(data.steps, kByCohort, by_cohort,
                                     {{"constraints", "First context with these constraints", "text"},
                                      {"error", "Class of error", "text"},
                                      {"failures", "Failures", "count"},
                                      {"builds", "Builds affected", "count"},
                                      {"cohort_builds", "Builds under these constraints", "count"},
                                      {"share", "Share of builds", "share"}},
                                     {}, [&](const Group& group, json& row) {
                                       row["constraints"] = ShortHash(group.key[0]);
                                       Put(row, "cohort_builds", builds_of[group.key[0]]);
                                       Put(row, "share", by_cohort.Value(group, "builds") / builds_of[group.key[0]]);
                                     }));

  std::vector<std::pair<int64_t, std::string>> order;  // most frequent first
  for (const auto& [error, builds] : affected) order.emplace_back(-static_cast<int64_t>(builds.size()), error);
  std::sort(order.begin(), order.end());
  json shares = json::array();
  for (const auto& [count, error] : order) {
    const stats::Share share{-count, data.build_count()};
    shares.push_back(Point(error, share.rate(), stats::WilsonInterval(share), std::to_string(-count) + " builds"));
  }
  section.charts.push_back(ChartJson({"error-frequency", "Share of builds with each class of error", "bar",
                                      "Class of error", "Share of builds", "share"},
                                     json::array({{{"name", "Share of builds"}, {"points", shares}}})));
  json series = json::array();
  for (const Cohort& cohort : cohorts) {
    if (static_cast<int64_t>(cohort.builds.size()) < kMinRowsPerSide) continue;
    json points = json::array();
    for (const auto& [count, error] : order) {
      const stats::Share share = ShareAffected(cohort.builds, affected.at(error));
      points.push_back(Point(error, share.rate(), stats::WilsonInterval(share)));
    }
    series.push_back(
        {{"name", "Since " + IsoTime(cohort.first_ms).substr(0, 10) + " (" + ShortHash(cohort.context) + ")"},
         {"points", points}});
  }
  if (series.size() > 1) {
    section.charts.push_back(
        ChartJson({"errors-by-constraints", "Classes of error under each wording of the constraints", "bar",
                   "Class of error", "Share of builds", "share"},
                  std::move(series)));
  }
  if (data.build_count() < options.min_runs) return section;
  for (const Change& change : ChangesBetween(data, cohorts)) {
    for (const auto& [error, builds] : affected) TestChange(data, change, error, builds, section);
  }
  FrequentClasses(data, cohorts, affected, section);
  return section;
}

}  // namespace wfe::analytics
