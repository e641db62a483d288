#include "activities/learning/records/generations.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

#include "activities/learning/records/timed_rows.h"

namespace wfe::learning {
namespace {

/// A run is asked for up to this long before its report: its usage row has the time of its start.
constexpr auto kLongestRun = std::chrono::days(1);

template <class T>
RowVisit Into(std::string_view table, std::vector<T>& rows, RowProblems& problems) {
  return [table, &rows, &problems](const std::string& key, const std::string& value) {
    Result<T> row = ReadRow<T>(table, key, value);
    if (row) {
      rows.push_back(*std::move(row));
    } else {
      problems.push_back(row.error().message);
    }
  };
}

Generation FromReport(const GenerationReport& report) {
  Generation generation;
  generation.run_id = report.workflow_run_id;
  generation.node_id = report.node_id;
  generation.report_id = report.report_id;
  generation.content_hash = report.content_hash;
  generation.created_at = report.created_at;
  generation.template_id = report.template_id;
  generation.template_version = report.template_version;
  generation.model = report.model;
  generation.score = report.overall_score;
  generation.auto_fixes = report.auto_fixes_applied;
  for (const CheckOutcome& check : report.checks) {
    if (IsFinding(check)) ++generation.findings[check.name];
  }
  return generation;
}

Status LoadReports(client::RecordsClient& records, const GenerationQuery& query, std::vector<GenerationReport>& reports,
                   RowProblems& problems) {
  const RowVisit visit = Into(kReportsTable, reports, problems);
  if (query.since) {
    return ScanDays(records, kReportsTable, *query.since, query.now + std::chrono::days(1), visit);
  }
  std::set<std::string> runs;
  size_t seen = 0;
  return ScanDaysBack(records, kReportsTable, query.now, visit, [&] {
    for (; seen < reports.size(); ++seen) {
      const GenerationReport& report = reports[seen];
      if (query.template_id.empty() || report.template_id == query.template_id) runs.insert(report.workflow_run_id);
    }
    // One more: the first report of a run may be of the day before.
    return query.last_n > 0 && static_cast<int64_t>(runs.size()) > query.last_n;
  });
}

}  // namespace

Result<bool> SaveReport(client::RecordsClient& records, const GenerationReport& report) {
  WFE_ASSIGN_OR_RETURN(const std::string key, TimedKey(report.created_at, report.report_id));
  return records.AppendRow(std::string(kReportsTable), key, RowText(report));
}

Result<bool> SaveUsage(client::RecordsClient& records, const UsageRow& usage) {
  WFE_ASSIGN_OR_RETURN(const std::string key, TimedKey(usage.created_at, usage.workflow_run_id));
  return records.AppendRow(std::string(kUsageTable), key, RowText(usage));
}

std::vector<Generation> JoinGenerations(const std::vector<GenerationReport>& reports,
                                        const std::vector<UsageRow>& usages) {
  std::map<std::string_view, const UsageRow*> usage_of;
  for (const UsageRow& usage : usages) usage_of.try_emplace(usage.workflow_run_id, &usage);
  std::vector<const GenerationReport*> in_order;
  in_order.reserve(reports.size());
  for (const GenerationReport& report : reports) in_order.push_back(&report);
  std::ranges::sort(in_order, {},
                    [](const GenerationReport* report) { return std::tie(report->created_at, report->report_id); });
  std::vector<Generation> generations;
  std::set<std::string_view> runs;
  for (const GenerationReport* report : in_order) {
    if (!runs.insert(report->workflow_run_id).second) continue;
    Generation generation = FromReport(*report);
    if (const auto usage = usage_of.find(report->workflow_run_id); usage != usage_of.end()) {
      generation.success = usage->second->success;
      generation.outcome = usage->second->outcome;
      generation.duration_ms = static_cast<double>(usage->second->duration_ms);
      generation.cost_usd = usage->second->cost_usd.usd();
    }
    generations.push_back(std::move(generation));
  }
  return generations;
}

Result<std::vector<UsageRow>> LoadUsage(client::RecordsClient& records, Instant from, Instant now,
                                        RowProblems& problems) {
  std::vector<UsageRow> usages;
  WFE_RETURN_IF_ERROR(
      ScanDays(records, kUsageTable, from, now + std::chrono::days(1), Into(kUsageTable, usages, problems)));
  return usages;
}

Result<std::vector<Generation>> LoadGenerations(client::RecordsClient& records, const GenerationQuery& query,
                                                RowProblems& problems) {
  std::vector<GenerationReport> reports;
  WFE_RETURN_IF_ERROR(LoadReports(records, query, reports, problems));
  std::vector<UsageRow> usages;
  if (!reports.empty()) {
    const auto oldest = std::ranges::min_element(reports, {}, &GenerationReport::created_at);
    const Instant from = ParseIso8601(oldest->created_at).value_or(query.now) - kLongestRun;
    WFE_ASSIGN_OR_RETURN(usages, LoadUsage(records, from, query.now, problems));
  }
  std::vector<Generation> generations = JoinGenerations(reports, usages);
  std::erase_if(generations, [&](const Generation& generation) {
    if (!query.template_id.empty() && generation.template_id != query.template_id) return true;
    return query.since && ParseIso8601(generation.created_at).value_or(query.now) < *query.since;
  });
  if (query.last_n > 0 && static_cast<int64_t>(generations.size()) > query.last_n) {
    generations.erase(generations.begin(), generations.end() - query.last_n);
  }
  return generations;
}

}  // namespace wfe::learning
