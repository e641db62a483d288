// OP-8: does phrasing change first-pass success or the cost of rework?
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "activities/analytics/audits/section.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

constexpr Query kImplement{.id = "prompts.implement",
                           .title = "First implementation, by instruction version",
                           .rows = "steps",
                           .filter = "phase = implement",
                           .group_by = "version",
                           .measures = "count: count, completion: mean(completion_tokens), pass_rate: share(passed)"};
constexpr Query kFix{.id = "prompts.fix",
                     .title = "Repairs, by fix-prompt version",
                     .rows = "steps",
                     .filter = "phase = fix",
                     .group_by = "version",
                     .measures =
                         "count: count, rework: mean(rework_factor), completion: mean(completion_tokens), "
                         "repair_rate: share(passed)"};

struct Version {
  std::string name;  ///< "<id>@<version>"
  std::string id;
  int64_t number = -1;  ///< -1: no number, ordered by first use.
  std::vector<uint32_t> rows;
};

constexpr Query kByInstruction{.id = "prompts.instruction",
                               .title = "Steps, by version of the instruction or fix prompt",
                               .rows = "steps",
                               .filter = "instruction present",
                               .group_by = "instruction",
                               .measures =
                                   "count: count, completion: mean(completion_tokens), rework: mean(rework_factor), "
                                   "pass_rate: share(passed)"};

/// The first step of a phase in each build, by version: one row a build, so that rows are independent.  `column` is
/// "version" (of the context) or "instruction" (of what the step was told).
std::vector<Version> Versions(const Dataset& data, std::string_view phase, std::string_view column) {
  std::map<std::string, Version> found;
  std::vector<bool> seen(data.builds.rows());
  for (const uint32_t row : Select(data.steps, "phase = " + std::string(phase))) {
    const auto build = static_cast<size_t>(data.steps.Number("build", row));
    const std::string& name = data.steps.Word(column, row);
    if (seen[build] || name.empty()) continue;
    seen[build] = true;
    Version& version = found[name];
    if (version.rows.empty()) {
      version.name = name;
      const size_t at = name.find('@');
      version.id = name.substr(0, at);
      if (at != std::string::npos) {
        const char* begin = name.data() + at + 1;
        const char* end = name.data() + name.size();
        if (std::from_chars(begin, end, version.number).ptr != end) version.number = -1;
      }
    }
    version.rows.push_back(row);
  }
  std::vector<Version> versions;
  for (auto& [name, version] : found) {
    if (static_cast<int64_t>(version.rows.size()) >= kMinRowsPerSide) versions.push_back(std::move(version));
  }
  std::sort(versions.begin(), versions.end(), [](const Version& a, const Version& b) {
    return std::tie(a.id, a.number, a.rows[0]) < std::tie(b.id, b.number, b.rows[0]);
  });
  return versions;
}

/// One thing that a version may change.
struct Outcome {
  std::string_view column;
  std::string_view name;  ///< "first-pass rate"
  std::string_view of;    ///< "first implementations"
  bool is_share = false;
  bool more_is_better = false;
  std::string_view unit;
};
constexpr Outcome kFirstPass{"passed", "first-pass rate", "builds", true, true, "share"};
constexpr Outcome kImplementTokens{
    "completion_tokens", "completion tokens of the first implementation", "builds", false, false, "tokens"};
constexpr Outcome kRepairRate{"passed", "repair rate of the first fix", "first fixes", true, true, "share"};
constexpr Outcome kRework{"rework_factor", "rework cost factor of the first fix", "first fixes", false, false, "ratio"};

/// Tokens that one unit of the outcome is worth, for each row of the newer version.
double TokensPerUnit(const Dataset& data, const Outcome& outcome, const std::vector<uint32_t>& rows) {
  if (outcome.unit == "tokens") return 1;
  if (outcome.column == "rework_factor") return stats::Describe(Pick(data.steps, "error_chars", rows)).mean;
  if (outcome.column == kRepairRate.column && outcome.name == kRepairRate.name) {
    return stats::Describe(Pick(data.steps, "tokens", rows)).mean;  // One more fix.
  }
  std::vector<double> rework;  // What a build spends that does not pass at once.
  for (uint32_t build = 0; build < data.builds.rows(); ++build) {
    if (data.builds.Number("first_pass", build) == 0) rework.push_back(data.builds.Number("rework_tokens", build));
  }
  return stats::Describe(rework).mean;
}

void Compare(const Dataset& data, const Version& before, const Version& after, const Outcome& outcome,
             Section& section) {
  Candidate finding;
  Candidate::Side one{before.name, 0, 0};
  Candidate::Side two{after.name, 0, 0};
  std::optional<stats::Comparison> comparison;
  if (outcome.is_share) {
    const stats::Share a = ShareOf(data.steps, outcome.column, before.rows);
    const stats::Share b = ShareOf(data.steps, outcome.column, after.rows);
    one.n = a.n, one.value = a.rate(), two.n = b.n, two.value = b.rate();
    comparison = stats::CompareShares(a, b);
  } else {
    const stats::Sample a = stats::Describe(Pick(data.steps, outcome.column, before.rows));
    const stats::Sample b = stats::Describe(Pick(data.steps, outcome.column, after.rows));
    one.n = a.n, one.value = a.mean, two.n = b.n, two.value = b.mean;
    comparison = stats::CompareMeans(a, b);
  }
  if (!comparison || std::min(one.n, two.n) < kMinRowsPerSide) return;  // Rows without the value do not count.
  finding.Take(*comparison);
  const bool better = (comparison->effect > 0) == outcome.more_is_better;
  const auto show = [&](double value) { return outcome.is_share ? Percent(value) : Count(value); };
  finding.hypothesis = std::string(outcome.name) + ", " + after.name + " against " + before.name;
  finding.title =
      after.name + " has a " + (better ? "better " : "worse ") + std::string(outcome.name) + " than " + before.name;
  finding.statement = "The " + std::string(outcome.name) + " is " + show(two.value) + " with " + after.name + " (" +
                      std::to_string(two.n) + " " + std::string(outcome.of) + ") and " + show(one.value) + " with " +
                      before.name + " (" + std::to_string(one.n) + "): " + Difference(*comparison, outcome.is_share) +
                      ".";
  finding.n = one.n + two.n;
  finding.groups = {one, two};
  finding.measure = "difference in " + std::string(outcome.name);
  finding.unit = std::string(outcome.unit);
  const double worth = TokensPerUnit(data, outcome, after.rows);
  finding.saving = SavingJson(data, std::abs(comparison->effect) * worth * static_cast<double>(two.n), after.rows,
                              std::string(better ? "Saved by " : "Lost to ") + after.name + " in " +
                                  std::to_string(two.n) + " " + std::string(outcome.of) +
                                  (outcome.unit == "tokens" ? ": the difference in tokens of each."
                                                            : ": the difference times " + Count(worth) +
                                                                  (outcome.column == "rework_factor"
                                                                       ? " characters of error log, the mean of each."
                                                                       : " tokens, the mean cost of a failure.")));
  std::vector<uint32_t> shown = after.rows;
  if (outcome.is_share) {
    std::erase_if(shown, [&](uint32_t row) { return (data.steps.Number(outcome.column, row) == 1) != better; });
  }
  finding.examples = StepExamples(data, shown, outcome.is_share);
  finding.section = std::string(kTaskSection);
  finding.template_id = after.id;
  finding.rule_key = "prompt:" + after.name;
  finding.recommendation = better ? "Keep " + after.name + "; watch whether the next reports agree."
                                  : "Go back to the phrasing of " + before.name +
                                        ", or make it shorter and more directive (\"return only the fixed code\"), and "
                                        "watch what the next reports say.";
  section.candidates.push_back(std::move(finding));
}

/// The rows of two instruction versions under the one context version that both have the most builds of: what a change
/// of GEMINI.md did is not put down to the instruction.  Empty sides: there is none with enough builds.
std::pair<Version, Version> UnderOneContext(const Dataset& data, const Version& before, const Version& after) {
  const auto by_context = [&](const Version& version) {
    std::map<std::string, std::vector<uint32_t>> rows;
    for (const uint32_t row : version.rows) rows[data.steps.Word("version", row)].push_back(row);
    return rows;
  };
  const auto one = by_context(before);
  const auto two = by_context(after);
  std::pair<Version, Version> best = {before, after};
  best.first.rows.clear();
  best.second.rows.clear();
  for (const auto& [context, rows] : one) {
    const auto same = two.find(context);
    if (same == two.end()) continue;
    if (std::min(rows.size(), same->second.size()) <= std::min(best.first.rows.size(), best.second.rows.size())) continue;
    best.first.rows = rows;
    best.second.rows = same->second;
  }
  return best;
}

json VersionPoints(const Dataset& data, const std::vector<Version>& versions, std::string_view column, bool is_share) {
  json points = json::array();
  for (const Version& version : versions) {
    if (is_share) {
      const stats::Share share = ShareOf(data.steps, column, version.rows);
      if (share.n > 0)
        points.push_back(
            Point(version.name, share.rate(), stats::WilsonInterval(share), "n = " + std::to_string(share.n)));
    } else {
      const stats::Sample sample = stats::Describe(Pick(data.steps, column, version.rows));
      if (sample.n > 0)
        points.push_back(
            Point(version.name, sample.mean, stats::MeanInterval(sample), "n = " + std::to_string(sample.n)));
    }
  }
  return points;
}

}  // namespace

Section AuditPrompts(const Dataset& data, const AuditOptions& options) {
  Section section{.kind = "prompt_refinement",
                  .title = "Prompt refinement",
                  .goal = "Phrasing that passes at once and repairs cheaply."};
  section.tables.push_back(TableJson(data.steps, kImplement, section.Run(data, kImplement),
                                     {{"version", "Version", "text"},
                                      {"count", "Builds", "count"},
                                      {"completion", "Mean completion", "tokens"},
                                      {"pass_rate", "First-pass rate", "share"}}));
  section.tables.push_back(TableJson(data.steps, kFix, section.Run(data, kFix),
                                     {{"version", "Version", "text"},
                                      {"count", "Repairs", "count"},
                                      {"rework", "Mean rework cost factor", "ratio"},
                                      {"completion", "Mean completion", "tokens"},
                                      {"repair_rate", "Repair rate", "share"}}));
  const QueryResult instructions = RunQuery(data.steps, kByInstruction);
  if (!instructions.groups.empty()) {
    section.tables.push_back(TableJson(data.steps, kByInstruction, section.Run(data, kByInstruction),
                                       {{"instruction", "Instruction", "text"},
                                        {"count", "Steps", "count"},
                                        {"completion", "Mean completion", "tokens"},
                                        {"rework", "Mean rework cost factor", "ratio"},
                                        {"pass_rate", "Passed after it", "share"}}));
  }
  const std::vector<Version> implement = Versions(data, "implement", "version");
  const std::vector<Version> fix = Versions(data, "fix", "version");
  section.charts.push_back(ChartJson(
      {"first-pass-by-version", "First-pass rate by instruction version", "bar", "Version", "First-pass rate", "share"},
      json::array({{{"name", "First-pass rate"}, {"points", VersionPoints(data, implement, "passed", true)}}})));
  section.charts.push_back(ChartJson(
      {"rework-by-version", "Cost of the first fix by prompt version", "bar", "Version",
       "Completion tokens per character of error log", "ratio"},
      json::array({{{"name", "Rework cost factor"}, {"points", VersionPoints(data, fix, "rework_factor", false)}}})));
  if (data.build_count() < options.min_runs) return section;
  const auto compare_neighbours = [&](const std::vector<Version>& versions, const Outcome& a, const Outcome& b) {
    for (size_t i = 1; i < versions.size(); ++i) {
      if (versions[i].id != versions[i - 1].id) continue;
      Compare(data, versions[i - 1], versions[i], a, section);
      Compare(data, versions[i - 1], versions[i], b, section);
    }
  };
  compare_neighbours(implement, kFirstPass, kImplementTokens);
  compare_neighbours(fix, kRepairRate, kRework);
  const auto compare_instructions = [&](std::string_view phase, const Outcome& a, const Outcome& b) {
    const std::vector<Version> versions = Versions(data, phase, "instruction");
    for (size_t i = 1; i < versions.size(); ++i) {
      if (versions[i].id != versions[i - 1].id) continue;
      const auto [before, after] = UnderOneContext(data, versions[i - 1], versions[i]);
      if (before.rows.empty()) continue;
      Compare(data, before, after, a, section);
      Compare(data, before, after, b, section);
    }
  };
  compare_instructions("implement", kFirstPass, kImplementTokens);
  compare_instructions("fix", kRepairRate, kRework);
  return section;
}

}  // namespace wfe::analytics
