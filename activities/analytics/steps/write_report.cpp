// writeReport: puts the sections together, drafts changes, and stores the report as a blob, as files and as a row.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "activities/analytics/reports/reports.h"
#include "activities/analytics/steps/aggregate.h"
#include "activities/prompts/drafts.h"
#include "engine/base/parse_json.h"

namespace wfe::analytics {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Rows of earlier reports are what a trend needs; of one with the same id (a retry) and later ones nothing is taken.
Result<std::vector<json>> EarlierReports(const OptimizationConfig& config, const std::string& report_id) {
  std::vector<json> earlier;
  WFE_RETURN_IF_ERROR(
      config.records->ScanRows(std::string(kReportsTable), "", [&](const std::string& key, const std::string& value) {
        const json row = ParseJson(value);
        if (key < report_id && row.is_object() && row.contains("digest")) earlier.push_back(row["digest"]);
      }));
  return earlier;
}

/// The digest of the report that `baseline` names, or the one that it is.
Result<json> Baseline(const OptimizationConfig& config, const json& baseline) {
  if (baseline.is_null()) return json();
  if (baseline.is_object()) {
    for (const char* key : {"report_id", "generated_at", "summary"}) {
      if (!baseline.contains(key)) return InvalidArgument(std::string("the baseline is no report: it has no ") + key);
    }
    return DigestReport(baseline);
  }
  const std::string id = baseline.is_string() ? baseline.get<std::string>() : std::string();
  json found;
  WFE_RETURN_IF_ERROR(
      config.records->ScanRows(std::string(kReportsTable), id, [&](const std::string& key, const std::string& value) {
        const json row = ParseJson(value);
        if (key == id && row.is_object() && row.contains("digest")) found = row["digest"];
      }));
  if (found.is_null()) return InvalidArgument("there is no report " + id + " to be the baseline");
  return found;
}

Result<std::vector<ActivatedProposal>> EarlierProposals(const OptimizationConfig& config) {
  std::vector<ActivatedProposal> proposals;
  if (!config.templates) return proposals;
  WFE_ASSIGN_OR_RETURN(const auto drafts, prompts::ActivatedDrafts(*config.templates));
  for (const prompts::ActivatedDraft& draft : drafts) {
    proposals.push_back({.template_id = draft.template_id,
                         .version = draft.version,
                         .parent_version = draft.parent_version,
                         .activated_at = draft.activated_at,
                         .predicted = draft.predicted});
  }
  return proposals;
}

/// A reason to change a template: a claim that its test supports, or a finding that ranks or counts and so has no test,
/// over enough builds.  What was tested and not confirmed is none.
bool IsReason(const json& finding, bool sufficient) {
  return sufficient && (finding.value("significant", false) || !finding.contains("p_value"));
}

/// Puts a proposal into each finding that has a prepared change, and the names of the drafts that were stored into
/// `result`.
Status Propose(const OptimizationConfig& config, json& report, WriteReportResult& result) {
  if (!config.templates) return Ok();
  const bool sufficient = report.at("header").at("sufficiency").value("sufficient", false);
  const std::string report_id = report.at("report_id");
  for (json& finding : report.at("findings")) {
    if (!IsReason(finding, sufficient)) continue;
    Result<prompts::Draft> draft = prompts::DraftAndStore(*config.templates, report_id, finding);
    if (!draft) {
      if (draft.error().code == StatusCode::kUnavailable) return std::move(draft).error();
      finding["proposal_note"] = draft.error().message;  // say, a template that this worker does not have
      continue;
    }
    if (!draft->note.empty()) finding["proposal_note"] = draft->note;
    if (!draft->proposal) continue;
    finding["proposal"] = *draft->proposal;
    if (draft->proposal->contains("draft_version")) {
      const std::string name = draft->proposal->at("template_id").get<std::string>() + "@" +
                               std::to_string(draft->proposal->at("draft_version").get<int64_t>());
      // Two findings may lead to the same words.
      const auto add = [&name](std::vector<std::string>& names) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      };
      add(result.drafts);
      if (finding.value("significant", false)) add(result.claimed_drafts);
    }
  }
  return Ok();
}

/// Said instead of drafts (RW-D19).
constexpr std::string_view kNoScriptedDrafts =
    "No draft was stored: every answer behind this report was scripted, so it says nothing of a model; "
    "--allow-scripted stores drafts all the same.";

void AddNote(json& report, const std::string& sentence) {
  json& header = report.at("header");
  const std::string before = header.value("note", "");
  header["note"] = before.empty() ? sentence : before + " " + sentence;
}

/// "stays frequent although …" is only said where the template has a rule against the class, and then quotes it (RW-D26).
/// Which template a worker has decides nothing else, so one that cannot be read leaves the finding as it is.
void NameRulesThatStand(const OptimizationConfig& config, json& report) {
  if (!config.templates) return;
  for (json& finding : report.at("findings")) {
    const std::string title = finding.value("title", "");
    const std::string section = finding.value("section", "");
    if (!title.ends_with(" stays frequent")) continue;
    const Result<prompts::ContextTemplate> source = config.templates->Load(finding.value("template_id", ""), 0);
    if (!source) continue;
    const std::string rule = prompts::RuleAgainst(finding.value("rule_key", ""), section, source->text);
    if (rule.empty()) continue;
    finding["title"] = title + " although " + section + " has a rule against it";
    finding["statement"] = finding.value("statement", "") + " Version " + std::to_string(source->version) + " of " +
                           source->id + " says: \u201c" + rule + "\u201d";
    finding["recommendation"] = "Reword that rule of " + section + ", with one example of what to write instead.";
  }
}

Status WriteFile(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return ResourceExhausted("cannot write " + path.string());
  return Ok();
}

/// The three files appear together, under their final name, and then `latest` points there.
Status WriteFiles(const fs::path& directory, const json& report) {
  WFE_ASSIGN_OR_RETURN(const std::string markdown, RenderMarkdown(report));
  WFE_ASSIGN_OR_RETURN(const std::string html, RenderHtml(report));
  std::error_code error;
  const fs::path parent = directory.parent_path();
  const fs::path fresh = parent / ("." + directory.filename().string() + ".new");
  fs::remove_all(fresh, error);
  fs::create_directories(fresh, error);
  if (error) return Unavailable("cannot make the directory " + fresh.string() + ": " + error.message());
  WFE_RETURN_IF_ERROR(WriteFile(fresh / "report.json", report.dump(2) + "\n"));
  WFE_RETURN_IF_ERROR(WriteFile(fresh / "report.md", markdown));
  WFE_RETURN_IF_ERROR(WriteFile(fresh / "report.html", html));
  fs::remove_all(directory, error);  // of an attempt of this very report that was not acknowledged
  fs::rename(fresh, directory, error);
  if (error) return Unavailable("cannot make the directory " + directory.string() + ": " + error.message());
  const fs::path link = parent / ".latest.new";
  fs::remove(link, error);
  fs::create_directory_symlink(directory.filename(), link, error);
  if (!error) fs::rename(link, parent / "latest", error);
  if (error) return Unavailable("cannot point " + (parent / "latest").string() + " at the report: " + error.message());
  return Ok();
}

std::string Headline(const json& report) {
  const json& header = report.at("header");
  const int64_t builds = header.value("builds", int64_t{0});
  std::string text = std::to_string(builds) + (builds == 1 ? " build" : " builds");
  for (const json& figure : report.at("summary")) {
    if (figure.value("key", "") != "first_pass_rate") continue;
    char share[32];
    std::snprintf(share, sizeof share, "%.0f%%", figure.at("value").get<double>() * 100);
    text += ", " + std::string(share) + " passed first time";
  }
  int significant = 0;
  for (const json& finding : report.at("findings")) significant += finding.value("significant", false) ? 1 : 0;
  if (!header.at("sufficiency").value("sufficient", false)) return text + "; too few for claims";
  text += "; " + std::to_string(significant) + (significant == 1 ? " claim" : " claims") + " with evidence";
  for (const json& finding : report.at("findings")) {
    if (finding.value("significant", false)) return text + ", first: " + finding.value("title", "");
  }
  return text;
}

}  // namespace

json ReportRow(const json& report, const std::string& blob, const std::string& directory) {
  int significant = 0;
  for (const json& finding : report.at("findings")) significant += finding.value("significant", false) ? 1 : 0;
  json row = {{"report_id", report.at("report_id")},
              {"generated_at", report.at("generated_at")},
              {"runs", report.at("header").value("runs", int64_t{0})},
              {"findings", report.at("findings").size()},
              {"significant", significant},
              {"headline", Headline(report)},
              {"directory", directory},
              {"digest", DigestReport(report)}};
  if (!blob.empty()) row["report"] = blob;
  return row;
}

sdk::ActivityResult<WriteReportResult> WriteReport(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                   const WriteReportInput& input) {
  const auto work = [&]() -> Result<WriteReportResult> {
    WFE_ASSIGN_OR_RETURN(const auto loaded, LoadTables(config, context, input.scope.tables));
    WFE_ASSIGN_OR_RETURN(const AuditOptions options, OptionsOf(input.scope));
    ReportInput about;
    about.report_id = input.report_id;
    about.generated_at = input.generated_at;
    if (!input.scope.window_from.empty()) about.window_from = input.scope.window_from;
    if (!input.scope.window_to.empty()) about.window_to = input.scope.window_to;
    about.note = input.late_note;
    about.parse = input.problems.get<ParseReport>();
    about.parse.duplicates += loaded->duplicates;
    about.sources = input.sources;
    std::vector<int64_t> entries(about.sources.size());
    for (const std::string& blob : input.reports) {
      WFE_ASSIGN_OR_RETURN(const json parsed, GetJson(config, blob));
      const auto chunk = parsed.get<ChunkResult>();
      about.parse.Merge(chunk.report);
      for (size_t i = 0; i < std::min(entries.size(), chunk.entries_of_source.size()); ++i) {
        entries[i] += chunk.entries_of_source[i];
      }
    }
    for (size_t i = 0; i < entries.size(); ++i) about.sources[i]["entries"] = entries[i];
    WFE_ASSIGN_OR_RETURN(about.earlier, EarlierReports(config, input.report_id));
    std::vector<json> sections;
    for (const std::string& blob : input.sections) {
      WFE_ASSIGN_OR_RETURN(json section, GetJson(config, blob));
      sections.push_back(std::move(section));
    }
    WFE_ASSIGN_OR_RETURN(const std::vector<ActivatedProposal> proposals, EarlierProposals(config));
    WFE_ASSIGN_OR_RETURN(about.baseline, Baseline(config, input.baseline));
    json report = AssembleReport(Overview(loaded->table, options, proposals), sections, about);
    context.Heartbeat("assembled");
    WriteReportResult result;
    NameRulesThatStand(config, report);
    if (input.propose && report.at("scripted_only").get<bool>() && !input.allow_scripted) {
      AddNote(report, std::string(kNoScriptedDrafts));
    } else if (input.propose) {
      WFE_RETURN_IF_ERROR(Propose(config, report, result));
    }
    if (const auto problems = ReportProblems(report); !problems.empty()) {
      return Internal("the report does not keep its schema: " + problems.front());
    }
    const fs::path parent =
        input.output_dir.empty() ? fs::path(config.work_root) / "reports" : fs::path(input.output_dir);
    const fs::path directory = parent / input.report_id;
    WFE_RETURN_IF_ERROR(WriteFiles(directory, report));
    WFE_ASSIGN_OR_RETURN(result.report, PutJson(config, report));
    const json row = ReportRow(report, result.report, directory.string());
    WFE_ASSIGN_OR_RETURN(const bool first,
                         config.records->AppendRow(std::string(kReportsTable), input.report_id, row.dump()));
    std::ignore = first;  // a retry finds its row
    result.report_id = input.report_id;
    result.directory = directory.string();
    result.runs = row.at("runs");
    result.entries = report.at("header").value("entries", int64_t{0});
    result.problems = about.parse.problem_count();
    result.findings = row.at("findings");
    result.significant = row.at("significant");
    result.headline = row.at("headline");
    return result;
  };
  Result<WriteReportResult> result = work();
  if (result) return *std::move(result);
  const bool wrong_input = result.error().code == StatusCode::kInvalidArgument;
  if (result.error().code == StatusCode::kInternal || wrong_input) {
    // The same input gives the same report, so another attempt would be refused like this one.
    return sdk::ApplicationFailure{.message = result.error().message,
                                   .type = wrong_input ? "INVALID_INPUT" : "INVALID_REPORT",
                                   .non_retryable = true,
                                   .next_retry_delay = std::nullopt,
                                   .details = nullptr};
  }
  return std::move(result).error();
}

}  // namespace wfe::analytics
