// Where traces come from (OP-2): directory trees, the central store, workflow histories; listed, cut into chunks,
// parsed chunk by chunk.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/ingest/parse_report.h"
#include "activities/analytics/ingest/trace_parser.h"
#include "activities/analytics/ingest/trace_table.h"
#include "engine/base/record.h"
#include "engine/base/result.h"

namespace wfe::client {
class RecordsClient;
class ServiceClient;
}  // namespace wfe::client

namespace wfe::analytics {

inline constexpr std::string_view kSourceDirectory = "directory";
inline constexpr std::string_view kSourceRecords = "records";
inline constexpr std::string_view kSourceHistory = "history";

/// The table of the records service that logAuditEntry also writes to (TR-7).
inline constexpr std::string_view kTracesTable = "traces";

/// Closed audited builds: what a history source reads when it names no query.
inline constexpr std::string_view kDefaultHistoryQuery =
    "WorkflowType = 'AuditedBuildWorkflow' AND ExecutionStatus != 'Running'";

struct SourceSpec {
  std::string kind;  ///< kSourceDirectory, kSourceRecords or kSourceHistory.
  /// directory: the root of a tree searched for audit_trace.jsonl, or one file of any name.
  /// records: a prefix of run ids, empty for all.  history: a visibility query, empty for kDefaultHistoryQuery.
  std::string location;
  std::string ns = "default";  ///< history: the namespace.
  friend bool operator==(const SourceSpec&, const SourceSpec&) = default;
};
void to_json(nlohmann::json& json, const SourceSpec& spec);
/// Throws nlohmann::json::exception for an unknown kind.
void from_json(const nlohmann::json& json, SourceSpec& spec);

/// The smallest thing that is read as one: a file, the rows under a key prefix, a history.
struct TraceUnit {
  int source = 0;        ///< Index of its SourceSpec.
  std::string location;  ///< Path, key prefix or workflow id.
  std::string run_id;    ///< history only.
  int64_t bytes = 0;     ///< About how much there is to read.
  friend bool operator==(const TraceUnit&, const TraceUnit&) = default;
};
WFE_RECORD(TraceUnit, source, location, run_id, bytes);
constexpr RecordRules RulesOf(const TraceUnit*) { return {.whole = true, .seldom = "run_id"}; }

struct SourceListing {
  std::vector<TraceUnit> units;
  std::vector<int64_t> files_of_source;  ///< Units, by source.
  ParseReport report;                    ///< Directories that cannot be read.
};
WFE_RECORD(SourceListing, units, files_of_source, report);
constexpr RecordRules RulesOf(const SourceListing*) { return {.whole = true}; }

/// What one activity reads.
struct Chunk {
  int64_t index = 0;
  std::vector<TraceUnit> units;
  int64_t bytes = 0;
  friend bool operator==(const Chunk&, const Chunk&) = default;
};
WFE_RECORD(Chunk, index, units, bytes);
constexpr RecordRules RulesOf(const Chunk*) { return {.whole = true}; }

/// What an activity answers; the table itself goes into the blob store.
struct ChunkResult {
  int64_t index = 0;
  std::string table_blob_hash;             ///< Set by whoever stores SerializeTable's bytes.
  std::vector<int64_t> entries_of_source;  ///< Entries read, with duplicates, by source.
  ParseReport report;
  friend bool operator==(const ChunkResult&, const ChunkResult&) = default;
};
WFE_RECORD(ChunkResult, index, table_blob_hash, entries_of_source, report);
constexpr RecordRules RulesOf(const ChunkResult*) { return {.whole = true}; }

/// Told now and then what is being done; an error ends the work with it (a cancelled activity).
using CollectProgress = std::function<Status(const std::string& what)>;

/// What the sources need; a null client makes a source of its kind FAILED_PRECONDITION.  Calls block: for activity
/// threads.
struct CollectContext {
  client::RecordsClient* records = nullptr;
  client::ServiceClient* service = nullptr;
  CollectProgress progress;  ///< May be empty.
};

/// Finds what there is to read, in a fixed order.  A directory that cannot be read is a problem in the report and loses
/// nothing else; a file reached over two paths is listed once; .git and node_modules are not searched.
/// Errors are those of the services, and FAILED_PRECONDITION.
Result<SourceListing> ListSources(const std::vector<SourceSpec>& sources, const CollectContext& context);

/// Cuts units, in their order, into chunks of about `target_bytes`; a larger unit is a chunk of its own.
std::vector<Chunk> Chunks(const std::vector<TraceUnit>& units, int64_t target_bytes);

struct ParsedChunk {
  TraceTable table;
  ChunkResult result;
};
/// Reads a chunk.  A file that has gone is a problem in the report.  Errors are those of the services.
Result<ParsedChunk> ParseChunk(const Chunk& chunk, const std::vector<SourceSpec>& sources, const ParseOptions& options,
                               const CollectContext& context);

}  // namespace wfe::analytics
