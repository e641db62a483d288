// Operations that recur, the tools that do them and what that saves (RP-8), as `wfe patterns report` has them; beside
// them the library of artifacts that work leaves behind, and what the context cache has saved.
#include "activities/agent/cache/context_cache.h"
#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/learning/records/artifact_memory.h"
#include "activities/learning/records/node_registry.h"
#include "activities/patterns/steps/pattern_report.h"
#include "engine/base/record_schema.h"
#include "tools/site/answers.h"
#include "tools/site/site_context.h"
#include "tools/wfe/patterns_page.h"
#include "tools/wfe/worker_patterns.h"

namespace wfe::site {
namespace {

using reports::Markup;

constexpr size_t kShownArtifacts = 100;

struct LibraryDay {
  std::string day;
  int64_t added = 0;
  int64_t size = 0;  ///< At its end.
};
WFE_RECORD(LibraryDay, day, added, size);

struct PatternArtifact {
  std::string artifact_id;
  std::string name;
  std::string created_at;
  double quality_score = 0;
  std::vector<std::string> tags;
};
WFE_RECORD(PatternArtifact, artifact_id, name, created_at, quality_score, tags);

/// Artifacts once each, as their newest row says.
struct Library {
  int64_t artifacts = 0;
  std::map<std::string, int64_t> artifacts_by_type;
  std::map<std::string, int64_t> nodes_by_status;
  std::vector<LibraryDay> growth;         ///< Days on which something was added, oldest first.
  std::vector<PatternArtifact> patterns;  ///< Of type PATTERN, newest first; at most 100.
  int64_t problems = 0;                   ///< Rows that could not be read.
};
WFE_RECORD(Library, artifacts, artifacts_by_type, nodes_by_status, growth, patterns, problems);

Result<Library> ReadLibrary(const SiteContext& context) {
  Library library;
  std::map<std::string, learning::Artifact> artifacts;
  std::map<std::string, std::string> first_day;
  WFE_RETURN_IF_ERROR(context.records.ScanRows(
      std::string(learning::kArtifactsTable), "", [&](const std::string& key, const std::string& value) {
        auto row = learning::ReadRow<learning::Artifact>(learning::kArtifactsTable, key, value);
        if (!row) {
          ++library.problems;
          return;
        }
        first_day.try_emplace(row->artifact_id, row->created_at.substr(0, 10));
        artifacts[row->artifact_id] = *std::move(row);
      }));
  library.artifacts = static_cast<int64_t>(artifacts.size());
  std::map<std::string, int64_t> added;
  for (const auto& [id, day] : first_day) ++added[day];
  int64_t size = 0;
  for (const auto& [day, count] : added) {
    size += count;
    library.growth.push_back({.day = day, .added = count, .size = size});
  }
  for (const auto& [id, artifact] : artifacts) {
    ++library.artifacts_by_type[artifact.artifact_type];
    if (artifact.artifact_type != "PATTERN") continue;
    library.patterns.push_back({.artifact_id = id,
                                .name = artifact.name,
                                .created_at = artifact.created_at,
                                .quality_score = artifact.quality_score,
                                .tags = artifact.tags});
  }
  std::ranges::sort(library.patterns, std::ranges::greater(), &PatternArtifact::created_at);
  if (library.patterns.size() > kShownArtifacts) library.patterns.resize(kShownArtifacts);
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const auto nodes, learning::NodeRegistry(context.records).List(problems));
  for (const learning::NodeState& node : nodes) ++library.nodes_by_status[node.status];
  library.problems += static_cast<int64_t>(problems.size());
  return library;
}

/// What `wfe cache stats --output json` gives.
struct CacheSavings {
  int64_t entries = 0;
  int64_t result_bytes = 0;
  int64_t hits = 0;
  int64_t misses = 0;
  std::optional<double> hit_rate;
  int64_t tokens_saved = 0;
  Money cost_saved_usd;
};
WFE_RECORD(CacheSavings, entries, result_bytes, hits, misses, hit_rate, tokens_saved, cost_saved_usd);

Result<CacheSavings> ReadCacheSavings(const SiteContext& context) {
  // Shared by name only: the context outlives what asks it here.
  const std::shared_ptr<client::RecordsClient> records(&context.records, [](client::RecordsClient*) {});
  WFE_ASSIGN_OR_RETURN(const agent::CacheStatistics statistics,
                       agent::ContextCache(records, records, records, nullptr).Statistics());
  return CacheSavings{.entries = statistics.entries,
                      .result_bytes = statistics.result_bytes,
                      .hits = statistics.hits,
                      .misses = statistics.misses,
                      .hit_rate = statistics.HitRate(),
                      .tokens_saved = statistics.tokens_saved,
                      .cost_saved_usd = statistics.cost_saved_usd};
}

/// `report`: what `wfe patterns report --output json` gives.
struct PatternsAnswer {
  std::string as_of;
  patterns::PatternReport report;
  Library artifacts;
};
WFE_RECORD(PatternsAnswer, as_of, report, artifacts);

/// What `wfe savings --output json` gives, and the cache.
struct SavingsAnswer {
  std::string as_of;
  std::vector<patterns::SavedByType> saved_7_days;
  patterns::SavedByType saved_30_days;
  CacheSavings cache;
};
WFE_RECORD(SavingsAnswer, as_of, saved_7_days, saved_30_days, cache);

Result<patterns::PatternReport> ReadPatterns(const SiteContext& context) {
  WFE_ASSIGN_OR_RETURN(const patterns::PatternRules rules, cli::LoadPatternRules(context.config));
  return patterns::ReadPatternReport(context.records, rules, SystemClock().Now());
}

Result<PatternsAnswer> ReadPatternsAnswer(const SiteContext& context) {
  WFE_ASSIGN_OR_RETURN(patterns::PatternReport report, ReadPatterns(context));
  WFE_ASSIGN_OR_RETURN(Library artifacts, ReadLibrary(context));
  return PatternsAnswer{.as_of = report.as_of, .report = std::move(report), .artifacts = std::move(artifacts)};
}

Result<SavingsAnswer> ReadSavingsAnswer(const SiteContext& context) {
  WFE_ASSIGN_OR_RETURN(patterns::PatternReport report, ReadPatterns(context));
  WFE_ASSIGN_OR_RETURN(CacheSavings cache, ReadCacheSavings(context));
  return SavingsAnswer{.as_of = report.as_of,
                       .saved_7_days = std::move(report.saved_7_days),
                       .saved_30_days = std::move(report.saved_30_days),
                       .cache = std::move(cache)};
}

void WriteCard(Markup& out, std::string_view label, const std::string& value, const std::string& note) {
  out.Open("div", {{"class", "card"}}).Leaf("dt", label).Leaf("dd", {{"class", "value"}}, value);
  out.Open("dd", {{"class", "change"}}).Leaf("span", {{"class", "soft"}}, note).Close("dd").Close("div");
}

std::string CountsText(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  return text.empty() ? "none" : text;
}

std::string Number(int64_t value) { return reports::FormatFixed(static_cast<double>(value), 0); }

void WriteLibrary(Markup& out, const Library& library) {
  out.Open("section", {{"id", "artifacts"}, {"aria-labelledby", "artifacts-h"}})
      .Leaf("h2", {{"id", "artifacts-h"}}, "Artifacts");
  out.Open("dl", {{"class", "cards n2"}});
  WriteCard(out, "Artifacts", Number(library.artifacts), CountsText(library.artifacts_by_type));
  int64_t nodes = 0;
  for (const auto& [status, count] : library.nodes_by_status) nodes += count;
  WriteCard(out, "Nodes", Number(nodes), CountsText(library.nodes_by_status));
  out.Close("dl");
  if (library.growth.size() > 1) {
    reports::Chart chart{.id = "",
                         .title = "Artifacts in the library",
                         .x_label = "",
                         .y_label = "",
                         .unit = "count",
                         .type = reports::ChartType::kLine,
                         .series = {{.name = "Artifacts", .points = {}}}};
    for (const LibraryDay& day : library.growth) {
      chart.series[0].points.push_back(
          {.x = day.day, .y = static_cast<double>(day.size), .band = {}, .note = Number(day.added) + " new"});
    }
    WriteChart(out, chart, "artifact-chart");
  }
  reports::Table table{.id = "artifact-rows",
                       .title = "Artifacts that are patterns, newest first",
                       .query = "",
                       .columns = {{"", "Pattern", ""}, {"", "Made", ""}, {"", "Score", "score"}, {"", "Tags", ""}},
                       .rows = {}};
  for (const PatternArtifact& pattern : library.patterns) {
    table.rows.push_back(
        {.cells = {pattern.name, pattern.created_at, pattern.quality_score, pattern.tags}, .runs = {}});
  }
  table.whole_in = "`wfe artifacts list --type PATTERN`";
  if (!table.rows.empty()) WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteCache(Markup& out, const CacheSavings& savings) {
  out.Open("section", {{"id", "kept"}, {"aria-labelledby", "kept-h"}})
      .Leaf("h2", {{"id", "kept-h"}}, "Answers kept");
  out.Open("dl", {{"class", "cards n3"}});
  WriteCard(out, "Answers kept", Number(savings.entries), Number(savings.result_bytes) + " bytes");
  WriteCard(
      out, "Hits", Number(savings.hits),
      savings.hit_rate ? reports::FormatShort(*savings.hit_rate, "share") + " of look-ups" : "nobody has asked yet");
  WriteCard(out, "Saved", "$" + savings.cost_saved_usd.Rounded(4), Number(savings.tokens_saved) + " tokens");
  out.Close("dl").Close("section");
}

std::string PatternsPage(const PatternsAnswer& figures, const CacheSavings& cache) {
  std::vector<reports::RailEntry> rail = cli::PatternReportRail(figures.report);
  rail.push_back({.anchor = "artifacts", .text = "Artifacts", .note = ""});
  rail.push_back({.anchor = "kept", .text = "Answers kept", .note = ""});
  Markup out;
  OpenFrame(out, {.title = "wfe patterns",
                  .skip = "Skip to the figures",
                  .sections = std::move(rail),
                  .site = SitePages("/patterns")});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Patterns and savings");
  out.Leaf("p", {{"class", "lead"}}, cli::PatternReportLead(figures.report)).Close("header");
  cli::WritePatternReport(out, figures.report);
  WriteLibrary(out, figures.artifacts);
  WriteCache(out, cache);
  CloseFrame(out, [&](Markup& foot) {
    foot.Text("As of " + reports::FormatInstant(figures.as_of) + ". As JSON: ").Leaf("a", {{"href", "/api/patterns"}}, "/api/patterns").Text(", ");
    foot.Leaf("a", {{"href", "/api/savings"}}, "/api/savings");
  });
  return out.Take();
}

http::Response PatternsPageAnswer(const SiteContext& context) {
  const auto figures = ReadPatternsAnswer(context);
  if (!figures) return http::ErrorResponse(figures.error());
  const auto cache = ReadCacheSavings(context);
  if (!cache) return http::ErrorResponse(cache.error());
  return PageAnswer(PatternsPage(*figures, *cache));
}

}  // namespace

void AddPatterns(http::Router& router, const SiteContext& context, nlohmann::json& schemas) {
  http::Operation patterns = ReadOperation("/api/patterns", "getPatterns", "Patterns, tools, what they save, and the library of artifacts",
                                           SchemaRef("Patterns"));
  patterns.handle = [&context](const http::Request&) {
    return context.kept.Get("patterns", [&context] {
      const auto figures = ReadPatternsAnswer(context);
      return figures ? JsonAnswer(nlohmann::json(*figures)) : http::ErrorResponse(figures.error());
    });
  };
  router.Add(std::move(patterns));
  http::Operation savings =
      ReadOperation("/api/savings", "getSavings", "What tools, the cache and the like have saved", SchemaRef("Savings"));
  savings.handle = [&context](const http::Request&) {
    return context.kept.Get("savings", [&context] {
      const auto saved = ReadSavingsAnswer(context);
      return saved ? JsonAnswer(nlohmann::json(*saved)) : http::ErrorResponse(saved.error());
    });
  };
  router.Add(std::move(savings));
  router.Add(PageOperation("/patterns", [&context](const http::Request&) {
    return context.kept.Get("patterns page", [&context] { return PatternsPageAnswer(context); });
  }));
  schemas["Patterns"] = RecordSchema<PatternsAnswer>();
  schemas["Patterns"]["required"] = {"as_of", "report", "artifacts"};
  schemas["Savings"] = RecordSchema<SavingsAnswer>();
  schemas["Savings"]["required"] = {"as_of", "saved_7_days", "saved_30_days", "cache"};
}

}  // namespace wfe::site
