// The activities of OptimizationWorkflow (AC-6): collect traces, aggregate them, run the audits, write the report.
// What passes between them are hashes of blobs and counts: a history stays small however many traces there are.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/ingest/collect.h"
#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::analytics {

struct CollectTracesInput {
  std::vector<SourceSpec> sources;
  int64_t chunk_bytes = 0;  ///< Of trace text in one chunk; 0: the worker's default, 32 MiB.
};
WFE_RECORD(CollectTracesInput, sources, chunk_bytes);
constexpr RecordRules RulesOf(const CollectTracesInput*) { return {.required = "sources"}; }

struct CollectTracesResult {
  std::string manifest;  ///< Blob: the list of chunks.
  int chunks = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  nlohmann::json sources = nlohmann::json::array();  ///< As the report's header lists them, without entries.
  nlohmann::json problems;                           ///< ParseReport of what could not be listed.
};
WFE_RECORD(CollectTracesResult, manifest, chunks, files, bytes, sources, problems);
constexpr RecordRules RulesOf(const CollectTracesResult*) { return {.whole = true}; }

struct AggregateTracesInput {
  std::string manifest;
  int chunk = 0;    ///< Index in the manifest.
  std::string now;  ///< ISO 8601; entries after it are reported as clock problems.
};
WFE_RECORD(AggregateTracesInput, manifest, chunk, now);
constexpr RecordRules RulesOf(const AggregateTracesInput*) { return {.whole = true}; }

struct AggregateTracesResult {
  std::string table;   ///< Blob: the chunk's entries as columns.
  std::string report;  ///< Blob: its ChunkResult.
  int64_t entries = 0;
  int64_t problems = 0;
};
WFE_RECORD(AggregateTracesResult, table, report, entries, problems);
constexpr RecordRules RulesOf(const AggregateTracesResult*) { return {.whole = true}; }

/// What every audit of one report sees.
struct AuditScope {
  std::vector<std::string> tables;  ///< Blobs of aggregateTraces.
  std::string window_from;          ///< ISO 8601; empty: unbounded.  Runs that ended in [from, to) count.
  std::string window_to;
  std::vector<std::string> workflow_types;  ///< Empty: all.
  int min_runs = 24;                        ///< OP-5
};
WFE_RECORD(AuditScope, tables, window_from, window_to, workflow_types, min_runs);
constexpr RecordRules RulesOf(const AuditScope*) { return {.whole = true, .seldom = "window_from window_to"}; }

struct RunAuditInput {
  std::string kind;  ///< token_efficiency, constraint_effectiveness, prompt_refinement or context_volatility
  AuditScope scope;
};
WFE_RECORD(RunAuditInput, kind, scope);
constexpr RecordRules RulesOf(const RunAuditInput*) { return {.whole = true}; }

struct RunAuditResult {
  std::string section;  ///< Blob: the audit's section, with unadjusted p-values.
};
WFE_RECORD(RunAuditResult, section);
constexpr RecordRules RulesOf(const RunAuditResult*) { return {.whole = true}; }

struct WriteReportInput {
  std::string report_id;
  std::string generated_at;  ///< ISO 8601
  std::string late_note;     ///< A sentence for the header when a scheduled report runs late; empty otherwise.
  std::string output_dir;    ///< Absolute; empty: <work root>/reports.
  AuditScope scope;
  std::vector<std::string> sections;                 ///< Blobs of runAudit, in the order of the report.
  std::vector<std::string> reports;                  ///< Blobs of ChunkResults.
  nlohmann::json sources = nlohmann::json::array();  ///< As collectTraces gave them.
  nlohmann::json problems;
  bool propose = false;  ///< OP-12: store a draft version for each finding that has a prepared change.
  /// Also where every answer behind the report was scripted: the drafts then stand on no model's behaviour (RW-D19).
  bool allow_scripted = false;
  /// The id of an earlier report, or a report or its digest: compared with whatever its scope is.  null: the newest of
  /// the same scope.
  nlohmann::json baseline;
};
WFE_RECORD(WriteReportInput, report_id, generated_at, late_note, output_dir, scope, sections, reports, sources,
           problems, propose, allow_scripted, baseline);
constexpr RecordRules RulesOf(const WriteReportInput*) {
  return {.whole = true, .seldom = "late_note output_dir allow_scripted baseline"};
}

struct WriteReportResult {
  std::string report_id;
  std::string report;     ///< Blob: report.json.
  std::string directory;  ///< Holds report.json, report.md and report.html, on the worker's host.
  int64_t runs = 0;
  int64_t entries = 0;
  int64_t problems = 0;
  int findings = 0;
  int significant = 0;
  std::vector<std::string> drafts;          ///< "<template>@<version>" of the drafts that were stored.
  std::vector<std::string> claimed_drafts;  ///< Those of them whose finding is a claim with a test.
  std::string headline;                     ///< One sentence for people.
};
WFE_RECORD(WriteReportResult, report_id, report, directory, runs, entries, problems, findings, significant, drafts,
           claimed_drafts, headline);
constexpr RecordRules RulesOf(const WriteReportResult*) { return {.whole = true}; }

struct ActivateDraftInput {
  std::string template_id;
  int version = 0;
  std::string author;  ///< Who decided.
  std::string reason;
};
WFE_RECORD(ActivateDraftInput, template_id, version, author, reason);
constexpr RecordRules RulesOf(const ActivateDraftInput*) { return {.whole = true}; }

struct ActivateDraftResult {
  int version = 0;           ///< The one that builds use now.
  int previous_version = 0;  ///< The one before.
};
WFE_RECORD(ActivateDraftResult, version, previous_version);
constexpr RecordRules RulesOf(const ActivateDraftResult*) { return {.whole = true}; }

inline constexpr sdk::ActivityType<CollectTracesInput, CollectTracesResult> kCollectTraces{"collectTraces"};
inline constexpr sdk::ActivityType<AggregateTracesInput, AggregateTracesResult> kAggregateTraces{"aggregateTraces"};
inline constexpr sdk::ActivityType<RunAuditInput, RunAuditResult> kRunAudit{"runAudit"};
inline constexpr sdk::ActivityType<WriteReportInput, WriteReportResult> kWriteReport{"writeReport"};
/// Makes a version of a template the active one; once it is, another attempt changes nothing.
inline constexpr sdk::ActivityType<ActivateDraftInput, ActivateDraftResult> kActivateDraft{"activateDraft"};

/// Rows of the records service that tell of every report: key report_id, value JSON with its blob and headline.
inline constexpr std::string_view kReportsTable = "audit_reports";

}  // namespace wfe::analytics
