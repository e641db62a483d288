#include "activities/analytics/steps/aggregate.h"

#include "activities/analytics/ingest/collect.h"
#include "engine/base/parse_json.h"
#include "engine/base/read_time.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

/// The manifest: what collectTraces leaves for aggregateTraces.
struct Manifest {
  std::vector<SourceSpec> sources;
  std::vector<Chunk> chunks;
};

CollectContext Sources(const OptimizationConfig& config, sdk::ActivityContext& context) {
  return {.records = config.records.get(),
          .service = config.service,
          .progress = [&context](const std::string& what) -> Status {
            context.Heartbeat(what);
            if (context.IsCancelled()) return Cancelled("the activity was cancelled");
            return Ok();
          }};
}

template <class T>
sdk::ActivityResult<T> Outcome(sdk::ActivityContext& context, Result<T> result) {
  if (result) return *std::move(result);
  if (result.error().code == StatusCode::kCancelled && context.IsCancelled()) return sdk::ActivityCancelled{};
  return std::move(result).error();
}

Result<std::optional<int64_t>> Milliseconds(const std::string& text) {
  if (text.empty()) return std::optional<int64_t>();
  WFE_ASSIGN_OR_RETURN(const Instant at, ReadIso8601(text));
  return std::optional(std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count());
}

}  // namespace

Result<std::string> PutJson(const OptimizationConfig& config, const json& j) { return config.records->Put(j.dump()); }

Result<json> GetJson(const OptimizationConfig& config, const std::string& blob) {
  WFE_ASSIGN_OR_RETURN(const std::string bytes, config.records->Get(blob));
  json j = ParseJson(bytes, kMaxStoredJsonDepth);
  if (j.is_discarded()) return DataLoss("the blob " + blob + " is no JSON");
  return j;
}

Result<AuditOptions> OptionsOf(const AuditScope& scope) {
  AuditOptions options;
  options.min_runs = scope.min_runs;
  options.workflow_types = scope.workflow_types;
  WFE_ASSIGN_OR_RETURN(options.from_ms, Milliseconds(scope.window_from));
  WFE_ASSIGN_OR_RETURN(options.to_ms, Milliseconds(scope.window_to));
  return options;
}

Result<std::shared_ptr<const LoadedTables>> LoadTables(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                       const std::vector<std::string>& tables) {
  const auto alive = [&context](const std::string& detail) {
    context.Heartbeat(detail);
    return context.IsCancelled() ? Status(Cancelled("the activity was cancelled")) : Ok();
  };
  const auto load = [&]() -> Result<LoadedTables> {
    LoadedTables all;
    for (size_t i = 0; i < tables.size(); ++i) {
      WFE_ASSIGN_OR_RETURN(const std::string bytes, config.records->Get(tables[i]));
      WFE_ASSIGN_OR_RETURN(TraceTable table, DeserializeTable(bytes));
      if (i == 0) {
        all.table = std::move(table);
      } else {
        all.duplicates += static_cast<int64_t>(all.table.Append(table));
      }
      WFE_RETURN_IF_ERROR(alive("table " + std::to_string(i + 1) + " of " + std::to_string(tables.size())));
    }
    return all;
  };
  std::string key;
  for (const std::string& table : tables) key += table + " ";
  return config.tables->Get(key, load, [&alive] { return alive("waiting for the tables"); });
}

sdk::ActivityResult<CollectTracesResult> CollectTraces(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                       const CollectTracesInput& input) {
  const auto work = [&]() -> Result<CollectTracesResult> {
    WFE_ASSIGN_OR_RETURN(const SourceListing listing, ListSources(input.sources, Sources(config, context)));
    const std::vector<Chunk> chunks =
        Chunks(listing.units, input.chunk_bytes > 0 ? input.chunk_bytes : config.chunk_bytes);
    CollectTracesResult result;
    WFE_ASSIGN_OR_RETURN(result.manifest, PutJson(config, {{"sources", input.sources}, {"chunks", chunks}}));
    result.chunks = static_cast<int>(chunks.size());
    for (const Chunk& chunk : chunks) result.bytes += chunk.bytes;
    for (size_t i = 0; i < input.sources.size(); ++i) {
      const SourceSpec& source = input.sources[i];
      const int64_t files = i < listing.files_of_source.size() ? listing.files_of_source[i] : 0;
      result.files += files;
      result.sources.push_back({{"kind", source.kind}, {"location", source.location}, {"files", files}});
    }
    result.problems = listing.report;
    return result;
  };
  return Outcome(context, work());
}

sdk::ActivityResult<AggregateTracesResult> AggregateTraces(const OptimizationConfig& config,
                                                           sdk::ActivityContext& context,
                                                           const AggregateTracesInput& input) {
  const auto work = [&]() -> Result<AggregateTracesResult> {
    WFE_ASSIGN_OR_RETURN(const json stored, GetJson(config, input.manifest));
    const Manifest manifest{.sources = stored.at("sources"), .chunks = stored.at("chunks")};
    if (input.chunk < 0 || static_cast<size_t>(input.chunk) >= manifest.chunks.size()) {
      return InvalidArgument("the manifest has no chunk " + std::to_string(input.chunk));
    }
    Chunk chunk = manifest.chunks[static_cast<size_t>(input.chunk)];
    ParseReport refused;
    std::erase_if(chunk.units, [&](const TraceUnit& unit) {
      const auto source = static_cast<size_t>(unit.source);
      const bool file = source >= manifest.sources.size() || manifest.sources[source].kind == kSourceDirectory;
      // One that leads elsewhere by now loses nothing but itself, and trying again would not change it.
      const Status allowed = file && config.check_path ? config.check_path(unit.location) : Ok();
      if (!allowed) refused.Add(unit.location, 0, kProblemMalformed, allowed.error().message);
      return !allowed;
    });
    ParseOptions options;
    options.now = ParseIso8601(input.now);
    WFE_ASSIGN_OR_RETURN(ParsedChunk parsed, ParseChunk(chunk, manifest.sources, options, Sources(config, context)));
    parsed.result.report.Merge(refused);
    AggregateTracesResult result;
    WFE_ASSIGN_OR_RETURN(result.table, config.records->Put(SerializeTable(parsed.table)));
    parsed.result.table_blob_hash = result.table;
    WFE_ASSIGN_OR_RETURN(result.report, PutJson(config, parsed.result));
    result.entries = parsed.result.report.entries;
    result.problems = parsed.result.report.problem_count();
    return result;
  };
  return Outcome(context, work());
}

sdk::ActivityResult<RunAuditResult> RunOneAudit(const OptimizationConfig& config, sdk::ActivityContext& context,
                                                const RunAuditInput& input) {
  const auto work = [&]() -> Result<RunAuditResult> {
    WFE_ASSIGN_OR_RETURN(const auto loaded, LoadTables(config, context, input.scope.tables));
    WFE_ASSIGN_OR_RETURN(const AuditOptions options, OptionsOf(input.scope));
    WFE_ASSIGN_OR_RETURN(const json section, RunAudit(input.kind, loaded->table, options));
    RunAuditResult result;
    WFE_ASSIGN_OR_RETURN(result.section, PutJson(config, section));
    return result;
  };
  return Outcome(context, work());
}

void RegisterOptimizationActivities(sdk::ActivityRegistry& registry, OptimizationConfig config) {
  const auto shared = std::make_shared<const OptimizationConfig>(std::move(config));
  const auto bind = [&shared](auto function) {
    return [shared, function](sdk::ActivityContext& context, const auto& input) {
      return function(*shared, context, input);
    };
  };
  registry.Register(kCollectTraces, bind(&CollectTraces));
  registry.Register(kAggregateTraces, bind(&AggregateTraces));
  registry.Register(kRunAudit, bind(&RunOneAudit));
  registry.Register(kWriteReport, bind(&WriteReport));
  registry.Register(kActivateDraft, bind(&ActivateDraft));
}

}  // namespace wfe::analytics
