// report.json: four audits of one set of runs, put together (OP-5 to OP-11, OP-13, RP-1 to RP-4).
//
//   Overview(table)  ─┐
//   RunAudit(kind) ×4 ┼─► AssembleReport ─► report.json
//   ReportInput      ─┘
//
// The three parts are JSON and may be made by separate activities; BuildReport does all of it at once.  Every p-value
// of every section enters one Holm correction in AssembleReport: a finding is `significant` only after it.
// Everything is a pure function of its arguments: the same input gives the same bytes (OP-11).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/audits/audit_kinds.h"
#include "activities/analytics/audits/dataset.h"
#include "activities/analytics/ingest/parse_report.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::analytics {

/// After Holm.
inline constexpr double kSignificance = 0.05;

/// A draft that a person activated, to be measured (OP-13).
struct ActivatedProposal {
  std::string template_id;
  int64_t version = 0;
  int64_t parent_version = 0;  ///< 0: the one before.
  std::string activated_at;
  nlohmann::json predicted = nlohmann::json::object();  ///< {"measure", "rule_key", …}, shown as it is.
};
WFE_RECORD(ActivatedProposal, template_id, version, parent_version, activated_at, predicted);
constexpr RecordRules RulesOf(const ActivatedProposal*) { return {.required = "template_id version"}; }

/// What the rows do not tell.
struct ReportInput {
  std::string report_id;
  std::string generated_at;
  std::optional<std::string> window_from;  ///< As shown; the rows are chosen by AuditOptions.
  std::optional<std::string> window_to;
  nlohmann::json sources = nlohmann::json::array();  ///< {"kind", "location", "files", "entries"}
  ParseReport parse;                                 ///< Of reading the traces.
  /// Earlier reports or their digests, in any order.  The newest of the same scope (sources, workflow types, templates,
  /// length of the window, scripted or not) is the one to compare with; those of another scope are left alone (RW-D18).
  std::vector<nlohmann::json> earlier;
  /// A report or digest that a person wants to compare with, whatever its scope; null: none.
  nlohmann::json baseline;
  std::string note;  ///< For instance that the report runs late.
};

/// Header figures, summary, list of runs, and the effect of activated proposals.  The latter are measured over the
/// whole table, since the parent version's builds may lie before the window.  A dataset made once serves all parts.
nlohmann::json Overview(const TraceTable& table, const AuditOptions& options,
                        const std::vector<ActivatedProposal>& proposals = {});

nlohmann::json Overview(const Dataset& data, const AuditOptions& options,
                        const std::vector<ActivatedProposal>& proposals = {});

/// One audit.  INVALID_ARGUMENT for a kind that is none.
Result<nlohmann::json> RunAudit(std::string_view kind, const TraceTable& table, const AuditOptions& options);
Result<nlohmann::json> RunAudit(std::string_view kind, const Dataset& data, const AuditOptions& options);

/// The report from its parts; the sections in any order.
nlohmann::json AssembleReport(const nlohmann::json& overview, const std::vector<nlohmann::json>& sections,
                              const ReportInput& input);

/// All of the above.  `audits` empty: all four.  INVALID_ARGUMENT for a kind that is none.
Result<nlohmann::json> BuildReport(const TraceTable& table, const AuditOptions& options, const ReportInput& input,
                                   const std::vector<std::string>& audits = {},
                                   const std::vector<ActivatedProposal>& proposals = {});

/// What later reports need of this one: id, time, scope, summary, and whether it had enough builds.
nlohmann::json DigestReport(const nlohmann::json& report);

/// What is wrong with a report by schemas/audit_report.schema.json; empty: nothing.
std::vector<std::string> ReportProblems(const nlohmann::json& report);

}  // namespace wfe::analytics
