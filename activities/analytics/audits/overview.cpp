// Header, summary and runs of a report (RP-1, RP-2, RP-4), and what became of proposals (OP-13).
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "activities/analytics/audits/report.h"
#include "activities/analytics/audits/section.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

constexpr Query kSummary{.id = "summary.builds",
                         .title = "Summary of all builds",
                         .rows = "builds",
                         .filter = "",
                         .group_by = "",
                         .measures =
                             "builds: count, successes: sum(success), success_rate: share(success), "
                             "first_pass_rate: share(first_pass), mean_attempts: mean(attempts), "
                             "tokens_per_success: ratio(tokens, success), rework_share: ratio(rework_tokens, "
                             "tokens)"};
constexpr Query kSummaryCost{.id = "summary.cost",
                             .title = "Money, over builds where every call has reported counts and a price",
                             .rows = "builds",
                             .filter = "cost_usd present",
                             .group_by = "",
                             .measures =
                                 "builds: count, successes: sum(success), cost_per_success: ratio(cost_usd, "
                                 "success)"};

json SummaryRow(const char* key, const char* label, const char* unit, double value, double n) {
  return {{"key", key}, {"label", label}, {"unit", unit}, {"value", Number(value)}, {"n", Number(n)}};
}

json Summary(const Dataset& data) {
  const QueryResult all = RunQuery(data.builds, kSummary);
  if (all.groups.empty()) return json::array({SummaryRow("builds", "Builds", "count", 0, 0)});
  const Group& group = all.groups[0];
  const double builds = all.Value(group, "builds");
  json rows = json::array({SummaryRow("builds", "Builds", "count", builds, builds)});
  const auto add = [&](const char* key, const char* label, const char* unit, double n) {
    const double value = all.Value(group, key);
    if (!std::isnan(value)) rows.push_back(SummaryRow(key, label, unit, value, n));
  };
  add("success_rate", "Success rate", "share", builds);
  add("first_pass_rate", "First-pass success rate", "share",
      static_cast<double>(Select(data.builds, "first_pass present").size()));
  add("mean_attempts", "Mean attempts", "ratio", builds);
  add("tokens_per_success", "Tokens per successful build", "tokens", builds);
  const QueryResult priced = RunQuery(data.builds, kSummaryCost);
  if (!priced.groups.empty() && !std::isnan(priced.Value(priced.groups[0], "cost_per_success"))) {
    rows.push_back(SummaryRow("cost_per_success", "Cost per successful build", "usd",
                              priced.Value(priced.groups[0], "cost_per_success"),
                              priced.Value(priced.groups[0], "builds")));
  }
  add("rework_share", "Rework share of tokens", "share", builds);
  return rows;
}

json Runs(const Dataset& data) {
  json runs = json::array();
  for (size_t i = 0; i < data.build_rows.size(); ++i) {
    const BuildRow& build = data.build_rows[i];
    json run = {{"run_id", data.builds.Word("run", i)},
                {"workflow_id", data.table->WorkflowIdText(build.workflow_id)},
                {"status", data.builds.Word("status", i)},
                {"first_pass", build.first_pass},
                {"attempts", build.attempts},
                {"tokens", build.total_tokens()},
                {"duration_ms", build.duration_ms()},
                {"context_hash", data.builds.Word("context", i)},
                {"template", data.builds.Word("template", i)},
                {"started_at", IsoTime(build.first_timestamp_ms)},
                {"file", data.table->SourceFile(build.first_row)}};
    Put(run, "rework_share", data.builds.Number("rework_share", i));
    Put(run, "cost_usd", data.builds.Number("cost_usd", i));
    runs.push_back(std::move(run));
  }
  return runs;
}

/// The 0/1 or number that a proposal was meant to change, for one build; NaN when the build does not have it.
struct Effect {
  std::string measure;
  std::string unit;
  std::vector<double> of_build;
};

Effect EffectOf(const Dataset& data, const json& predicted) {
  const auto text = [](const json& object, const char* key) {
    return object.contains(key) && object.at(key).is_string() ? object.at(key).get<std::string>() : std::string();
  };
  std::string rule = text(predicted, "rule_key");
  std::string measure = text(predicted, "measure");
  if (predicted.contains("effect") && predicted.at("effect").is_object())
    measure = text(predicted.at("effect"), "measure");
  // A finding about a change of the context may still speak of one class of error.
  const std::string_view of_class = "share of builds with ";
  if (const size_t at = measure.find(of_class); at != std::string::npos) rule = measure.substr(at + of_class.size());
  if (!rule.empty() && rule.find(':') == std::string::npos) {
    std::vector<double> affected(data.builds.rows(), 0);
    for (const uint32_t row : Select(data.steps, "outcome = fail and error = " + rule)) {
      affected[static_cast<size_t>(data.steps.Number("build", row))] = 1;
    }
    return {"difference in share of builds with " + rule, "share", std::move(affected)};
  }
  if (measure.find("rework") != std::string::npos) {
    return {"difference in rework share", "share", data.builds.At("rework_share").numbers};
  }
  if (measure.find("tokens") != std::string::npos) {
    return {"difference in tokens per build", "tokens", data.builds.At("tokens").numbers};
  }
  return {"difference in first-pass rate", "share", data.builds.At("first_pass").numbers};
}

/// Builds under the proposed version against builds under its parent.  It describes; the interval says how surely.
json Measured(const Dataset& data, const ActivatedProposal& proposal) {
  const int64_t parent = proposal.parent_version > 0 ? proposal.parent_version : proposal.version - 1;
  const std::string own_name = proposal.template_id + "@" + std::to_string(proposal.version);
  const std::string parent_name = proposal.template_id + "@" + std::to_string(parent);
  const Effect effect = EffectOf(data, proposal.predicted);
  std::vector<double> own;
  std::vector<double> before;
  bool zero_or_one = true;
  for (size_t i = 0; i < data.builds.rows(); ++i) {
    const double value = effect.of_build[i];
    const std::string& name = data.builds.Word("template", i);
    if (std::isnan(value) || (name != own_name && name != parent_name)) continue;
    zero_or_one = zero_or_one && (value == 0 || value == 1);
    (name == own_name ? own : before).push_back(value);
  }
  const auto own_n = static_cast<int64_t>(own.size());
  const auto before_n = static_cast<int64_t>(before.size());
  if (own_n < kMinRowsPerSide || before_n < kMinRowsPerSide) {
    return "not yet measurable: " + std::to_string(own_n) + " builds with version " + std::to_string(proposal.version) +
           " and " + std::to_string(before_n) + " with version " + std::to_string(parent) + ", " +
           std::to_string(kMinRowsPerSide) + " of each are needed";
  }
  const auto share = [](const std::vector<double>& values) {
    stats::Share counted{0, static_cast<int64_t>(values.size())};
    for (const double value : values) counted.hits += value == 1 ? 1 : 0;
    return counted;
  };
  const auto comparison = zero_or_one ? stats::CompareShares(share(before), share(own))
                                      : stats::CompareMeans(stats::Describe(before), stats::Describe(own));
  return {{"measure", effect.measure},
          {"unit", effect.unit},
          {"value", Number(comparison->effect)},
          {"interval", IntervalJson(comparison->interval)},
          {"n", own_n + before_n},
          {"groups",
           {{{"name", parent_name}, {"n", before_n}, {"value", Number(stats::Describe(before).mean)}},
            {{"name", own_name}, {"n", own_n}, {"value", Number(stats::Describe(own).mean)}}}}};
}

}  // namespace

json Overview(const TraceTable& table, const AuditOptions& options, const std::vector<ActivatedProposal>& proposals) {
  return Overview(MakeDataset(table, options), options, proposals);
}

json Overview(const Dataset& data, const AuditOptions& options, const std::vector<ActivatedProposal>& proposals) {
  const int64_t builds = data.build_count();
  const bool sufficient = builds >= options.min_runs;
  json sufficiency = {{"sufficient", sufficient}, {"min_runs", options.min_runs}, {"runs", builds}};
  const std::string counted = std::to_string(builds) + (builds == 1 ? " build" : " builds") + ", at least " +
                              std::to_string(options.min_runs) + " are needed";
  sufficiency["statement"] = sufficient ? counted + " for statistical statements."
                                        : "Insufficient data: " + counted + ". Statistical statements are withheld.";
  json token_sources = json::object();
  for (const auto& [source, share] : data.token_source_share) token_sources[source] = Number(share);
  std::string note;
  if (data.scripted_only) note = "No model was called: every answer was scripted.";
  if (data.scripted_runs_left_out > 0) {
    note = std::to_string(data.scripted_runs_left_out) + " runs with scripted answers were left out.";
  }
  json measured = json::array();
  if (!proposals.empty()) {
    AuditOptions whole = options;
    whole.from_ms.reset();
    whole.to_ms.reset();
    const Dataset all = MakeDataset(*data.table, whole);
    for (const ActivatedProposal& proposal : proposals) {
      json entry = proposal;
      entry.erase("parent_version");
      entry["measured"] = Measured(all, proposal);
      measured.push_back(std::move(entry));
    }
  }
  std::set<std::string> templates;
  for (size_t i = 0; i < data.build_rows.size(); ++i) {
    if (const std::string& id = data.builds.Word("template_id", i); !id.empty()) templates.insert(id);
  }
  std::vector<std::string> types = options.workflow_types;
  std::sort(types.begin(), types.end());
  return {{"scripted_only", data.scripted_only},
          {"scope", {{"workflow_types", types}, {"templates", templates}}},
          {"header",
           {{"runs", data.runs},
            {"completed_runs", data.runs - data.incomplete_runs - data.beginning_missing_runs},
            {"incomplete_runs", data.incomplete_runs},
            {"beginning_missing_runs", data.beginning_missing_runs},
            {"unchained_runs", data.unchained_runs},
            {"unchained_entries", data.unchained_entries},
            {"broken_chain_runs", data.broken_chain_runs},
            {"builds", builds},
            {"entries", data.table->size()},
            {"token_sources", token_sources},
            {"sufficiency", sufficiency}}},
          {"note", note},
          {"min_runs", options.min_runs},
          {"summary", Summary(data)},
          {"queries", json::array({QueryJson(kSummary), QueryJson(kSummaryCost)})},
          {"runs", Runs(data)},
          {"proposals", measured}};
}

}  // namespace wfe::analytics
