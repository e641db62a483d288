// The library that work leaves behind, and what keeping answers has saved (RP-8): artifacts and nodes as they are
// stored, and the savings of the context cache.  What a detector of patterns and a registry of tools store joins them
// here.
#include "activities/agent/cache/context_cache.h"
#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/learning/records/artifact_memory.h"
#include "activities/learning/records/node_registry.h"
#include "engine/base/record_schema.h"
#include "tools/site/answers.h"
#include "tools/site/site_context.h"

namespace wfe::site {
namespace {

using reports::Markup;

constexpr size_t kShownPatterns = 100;

struct LibraryDay {
  std::string day;
  int64_t added = 0;
  int64_t size = 0;  ///< At its end.
};
WFE_RECORD(LibraryDay, day, added, size);

struct PatternRow {
  std::string artifact_id;
  std::string name;
  std::string created_at;
  double quality_score = 0;
  std::vector<std::string> tags;
};
WFE_RECORD(PatternRow, artifact_id, name, created_at, quality_score, tags);

/// Artifacts once each, as their newest row says.
struct Library {
  std::string as_of;
  int64_t artifacts = 0;
  std::map<std::string, int64_t> artifacts_by_type;
  std::map<std::string, int64_t> nodes_by_status;
  std::vector<LibraryDay> growth;    ///< Days on which something was added, oldest first.
  std::vector<PatternRow> patterns;  ///< Of type PATTERN, newest first; at most 100.
  int64_t problems = 0;              ///< Rows that could not be read.
};
WFE_RECORD(Library, as_of, artifacts, artifacts_by_type, nodes_by_status, growth, patterns, problems);

Result<Library> ReadLibrary(const SiteContext& context) {
  Library library{.as_of = FormatIso8601Millis(SystemClock().Now())};
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
  std::ranges::sort(library.patterns, std::ranges::greater(), &PatternRow::created_at);
  if (library.patterns.size() > kShownPatterns) library.patterns.resize(kShownPatterns);
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const auto nodes, learning::NodeRegistry(context.records).List(problems));
  for (const learning::NodeState& node : nodes) ++library.nodes_by_status[node.status];
  library.problems += static_cast<int64_t>(problems.size());
  return library;
}

/// What `wfe cache stats --output json` gives.
struct Savings {
  std::string as_of;
  int64_t entries = 0;
  int64_t result_bytes = 0;
  int64_t hits = 0;
  int64_t misses = 0;
  std::optional<double> hit_rate;
  int64_t tokens_saved = 0;
  Money cost_saved_usd;
};
WFE_RECORD(Savings, as_of, entries, result_bytes, hits, misses, hit_rate, tokens_saved, cost_saved_usd);

Result<Savings> ReadSavings(const SiteContext& context) {
  // Shared by name only: the context outlives what asks it here.
  const std::shared_ptr<client::RecordsClient> records(&context.records, [](client::RecordsClient*) {});
  WFE_ASSIGN_OR_RETURN(const agent::CacheStatistics statistics,
                       agent::ContextCache(records, records, records, nullptr).Statistics());
  return Savings{.as_of = FormatIso8601Millis(SystemClock().Now()),
                 .entries = statistics.entries,
                 .result_bytes = statistics.result_bytes,
                 .hits = statistics.hits,
                 .misses = statistics.misses,
                 .hit_rate = statistics.HitRate(),
                 .tokens_saved = statistics.tokens_saved,
                 .cost_saved_usd = statistics.cost_saved_usd};
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
  out.Open("section", {{"id", "library"}, {"aria-labelledby", "library-h"}})
      .Leaf("h2", {{"id", "library-h"}}, "Library");
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
    WriteChart(out, chart, "growth-chart");
  }
  reports::Table table{.id = "patterns",
                       .title = "Patterns, newest first",
                       .query = "",
                       .columns = {{"", "Pattern", ""}, {"", "Made", ""}, {"", "Score", "score"}, {"", "Tags", ""}},
                       .rows = {}};
  for (const PatternRow& pattern : library.patterns) {
    table.rows.push_back(
        {.cells = {pattern.name, pattern.created_at, pattern.quality_score, pattern.tags}, .runs = {}});
  }
  table.whole_in = "`wfe artifacts list --type PATTERN`";
  if (!table.rows.empty()) WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteSavings(Markup& out, const Savings& savings) {
  out.Open("section", {{"id", "savings"}, {"aria-labelledby", "savings-h"}})
      .Leaf("h2", {{"id", "savings-h"}}, "Savings");
  out.Open("dl", {{"class", "cards n3"}});
  WriteCard(out, "Answers kept", Number(savings.entries), Number(savings.result_bytes) + " bytes");
  WriteCard(
      out, "Hits", Number(savings.hits),
      savings.hit_rate ? reports::FormatShort(*savings.hit_rate, "share") + " of look-ups" : "nobody has asked yet");
  WriteCard(out, "Saved", "$" + savings.cost_saved_usd.Rounded(4), Number(savings.tokens_saved) + " tokens");
  out.Close("dl").Close("section");
}

std::string PatternsPage(const Library& library, const Savings& savings) {
  Markup out;
  OpenFrame(out, {.title = "wfe patterns",
                  .skip = "Skip to the figures",
                  .sections = {{"library", "Library", ""}, {"savings", "Savings", ""}},
                  .site = SitePages("/patterns")});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Patterns and savings");
  out.Leaf("p", {{"class", "lead"}}, "As of " + reports::FormatInstant(library.as_of)).Close("header");
  WriteLibrary(out, library);
  WriteSavings(out, savings);
  CloseFrame(out, [&](Markup& foot) {
    foot.Text("As JSON: ").Leaf("a", {{"href", "/api/patterns"}}, "/api/patterns").Text(", ");
    foot.Leaf("a", {{"href", "/api/savings"}}, "/api/savings");
  });
  return out.Take();
}

http::Response PatternsPageAnswer(const SiteContext& context) {
  const auto library = ReadLibrary(context);
  if (!library) return http::ErrorResponse(library.error());
  const auto savings = ReadSavings(context);
  if (!savings) return http::ErrorResponse(savings.error());
  return PageAnswer(PatternsPage(*library, *savings));
}

}  // namespace

void AddPatterns(http::Router& router, const SiteContext& context, nlohmann::json& schemas) {
  http::Operation patterns = ReadOperation("/api/patterns", "getPatterns", "The library: artifacts, nodes and patterns",
                                           SchemaRef("Patterns"));
  patterns.handle = [&context](const http::Request&) {
    return context.kept.Get("patterns", [&context] {
      const auto library = ReadLibrary(context);
      return library ? JsonAnswer(nlohmann::json(*library)) : http::ErrorResponse(library.error());
    });
  };
  router.Add(std::move(patterns));
  http::Operation savings =
      ReadOperation("/api/savings", "getSavings", "What kept answers have saved", SchemaRef("Savings"));
  savings.handle = [&context](const http::Request&) {
    return context.kept.Get("savings", [&context] {
      const auto saved = ReadSavings(context);
      return saved ? JsonAnswer(nlohmann::json(*saved)) : http::ErrorResponse(saved.error());
    });
  };
  router.Add(std::move(savings));
  router.Add(PageOperation("/patterns", [&context](const http::Request&) {
    return context.kept.Get("patterns page", [&context] { return PatternsPageAnswer(context); });
  }));
  schemas["Patterns"] = RecordSchema<Library>();
  schemas["Patterns"]["required"] = {"as_of", "artifacts", "growth", "patterns"};
  schemas["Savings"] = RecordSchema<Savings>();
  schemas["Savings"]["required"] = {"as_of", "entries", "hits", "misses", "tokens_saved", "cost_saved_usd"};
}

}  // namespace wfe::site
