#include "activities/optimization/optimization.h"

namespace wfe::activities {

using nlohmann::json;

void to_json(json& j, const CollectTracesInput& i) { j = {{"sources", i.sources}, {"chunk_bytes", i.chunk_bytes}}; }
void from_json(const json& j, CollectTracesInput& i) {
  j.at("sources").get_to(i.sources);
  i.chunk_bytes = j.value("chunk_bytes", int64_t{0});
}

void to_json(json& j, const CollectTracesResult& r) {
  j = {{"manifest", r.manifest}, {"chunks", r.chunks},   {"files", r.files},
       {"bytes", r.bytes},       {"sources", r.sources}, {"problems", r.problems}};
}
void from_json(const json& j, CollectTracesResult& r) {
  j.at("manifest").get_to(r.manifest);
  j.at("chunks").get_to(r.chunks);
  j.at("files").get_to(r.files);
  j.at("bytes").get_to(r.bytes);
  r.sources = j.at("sources");
  r.problems = j.at("problems");
}

void to_json(json& j, const AggregateTracesInput& i) {
  j = {{"manifest", i.manifest}, {"chunk", i.chunk}, {"now", i.now}};
}
void from_json(const json& j, AggregateTracesInput& i) {
  j.at("manifest").get_to(i.manifest);
  j.at("chunk").get_to(i.chunk);
  j.at("now").get_to(i.now);
}

void to_json(json& j, const AggregateTracesResult& r) {
  j = {{"table", r.table}, {"report", r.report}, {"entries", r.entries}, {"problems", r.problems}};
}
void from_json(const json& j, AggregateTracesResult& r) {
  j.at("table").get_to(r.table);
  j.at("report").get_to(r.report);
  j.at("entries").get_to(r.entries);
  j.at("problems").get_to(r.problems);
}

void to_json(json& j, const AuditScope& s) {
  j = {{"tables", s.tables}, {"workflow_types", s.workflow_types}, {"min_runs", s.min_runs}};
  if (!s.window_from.empty()) j["window_from"] = s.window_from;
  if (!s.window_to.empty()) j["window_to"] = s.window_to;
}
void from_json(const json& j, AuditScope& s) {
  j.at("tables").get_to(s.tables);
  j.at("workflow_types").get_to(s.workflow_types);
  j.at("min_runs").get_to(s.min_runs);
  s.window_from = j.value("window_from", "");
  s.window_to = j.value("window_to", "");
}

void to_json(json& j, const RunAuditInput& i) { j = {{"kind", i.kind}, {"scope", i.scope}}; }
void from_json(const json& j, RunAuditInput& i) {
  j.at("kind").get_to(i.kind);
  j.at("scope").get_to(i.scope);
}

void to_json(json& j, const RunAuditResult& r) { j = {{"section", r.section}}; }
void from_json(const json& j, RunAuditResult& r) { j.at("section").get_to(r.section); }

void to_json(json& j, const WriteReportInput& i) {
  j = {{"report_id", i.report_id}, {"generated_at", i.generated_at}, {"scope", i.scope},       {"sections", i.sections},
       {"reports", i.reports},     {"sources", i.sources},           {"problems", i.problems}, {"propose", i.propose}};
  if (!i.late_note.empty()) j["late_note"] = i.late_note;
  if (!i.output_dir.empty()) j["output_dir"] = i.output_dir;
  if (i.allow_scripted) j["allow_scripted"] = true;
  if (!i.baseline.is_null()) j["baseline"] = i.baseline;
}
void from_json(const json& j, WriteReportInput& i) {
  j.at("report_id").get_to(i.report_id);
  j.at("generated_at").get_to(i.generated_at);
  j.at("scope").get_to(i.scope);
  j.at("sections").get_to(i.sections);
  j.at("reports").get_to(i.reports);
  i.sources = j.at("sources");
  i.problems = j.at("problems");
  j.at("propose").get_to(i.propose);
  i.late_note = j.value("late_note", "");
  i.output_dir = j.value("output_dir", "");
  i.allow_scripted = j.value("allow_scripted", false);
  i.baseline = j.value("baseline", json());
}

void to_json(json& j, const WriteReportResult& r) {
  j = {{"report_id", r.report_id}, {"report", r.report},
       {"directory", r.directory}, {"runs", r.runs},
       {"entries", r.entries},     {"problems", r.problems},
       {"findings", r.findings},   {"significant", r.significant},
       {"drafts", r.drafts},       {"claimed_drafts", r.claimed_drafts},
       {"headline", r.headline}};
}
void from_json(const json& j, WriteReportResult& r) {
  j.at("report_id").get_to(r.report_id);
  j.at("report").get_to(r.report);
  j.at("directory").get_to(r.directory);
  j.at("runs").get_to(r.runs);
  j.at("entries").get_to(r.entries);
  j.at("problems").get_to(r.problems);
  j.at("findings").get_to(r.findings);
  j.at("significant").get_to(r.significant);
  j.at("drafts").get_to(r.drafts);
  j.at("claimed_drafts").get_to(r.claimed_drafts);
  j.at("headline").get_to(r.headline);
}

void to_json(json& j, const ActivateDraftInput& i) {
  j = {{"template_id", i.template_id}, {"version", i.version}, {"author", i.author}, {"reason", i.reason}};
}
void from_json(const json& j, ActivateDraftInput& i) {
  j.at("template_id").get_to(i.template_id);
  j.at("version").get_to(i.version);
  j.at("author").get_to(i.author);
  j.at("reason").get_to(i.reason);
}

void to_json(json& j, const ActivateDraftResult& r) {
  j = {{"version", r.version}, {"previous_version", r.previous_version}};
}
void from_json(const json& j, ActivateDraftResult& r) {
  j.at("version").get_to(r.version);
  j.at("previous_version").get_to(r.previous_version);
}

}  // namespace wfe::activities
