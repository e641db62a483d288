// Generations as the optimizer sees them: the first report of each run, and what became of the run (PO-2).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activities/learning/records/reports.h"
#include "activities/learning/records/rows.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

struct Generation {
  std::string run_id;
  std::string node_id;
  std::string report_id;
  std::string content_hash;
  std::string created_at;  ///< Of its first report: what the prompt brought about, before any escalation.
  std::string template_id;
  int template_version = 0;
  std::string model;
  double score = 0;
  int64_t auto_fixes = 0;
  std::map<std::string, int64_t> findings;  ///< Class -> how many.
  std::optional<bool> success;              ///< Absent: the run has not ended, or said nothing.
  std::string outcome;
  double duration_ms = 0;
  double cost_usd = 0;
};
WFE_RECORD(Generation, run_id, node_id, report_id, content_hash, created_at, template_id, template_version, model,
           score, auto_fixes, findings, success, outcome, duration_ms, cost_usd);

/// Saves a report; false: it was there.
Result<bool> SaveReport(client::RecordsClient& records, const GenerationReport& report);
Result<bool> SaveUsage(client::RecordsClient& records, const UsageRow& usage);

/// Runs that began on the days from `from` to `now`, by time.
Result<std::vector<UsageRow>> LoadUsage(client::RecordsClient& records, Instant from, Instant now,
                                        RowProblems& problems);

struct GenerationQuery {
  std::string template_id;       ///< Empty: of all templates.
  int64_t last_n = 0;            ///< The newest so many; 0: all since `since`.
  std::optional<Instant> since;  ///< Absent: as far back as it takes.
  Instant now;
};

/// Oldest first.
Result<std::vector<Generation>> LoadGenerations(client::RecordsClient& records, const GenerationQuery& query,
                                                RowProblems& problems);

/// Pure: the first report of each run, by time, with its run's usage.
std::vector<Generation> JoinGenerations(const std::vector<GenerationReport>& reports,
                                        const std::vector<UsageRow>& usages);

}  // namespace wfe::learning
