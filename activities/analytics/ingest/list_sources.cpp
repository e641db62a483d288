// Finding what there is to read.
#include <algorithm>
#include <utility>

#include "activities/analytics/ingest/collect.h"
#include "activities/analytics/ingest/find_files.h"
#include "activities/analytics/ingest/history_entries.h"
#include "workers/client/records_client.h"

namespace wfe::analytics {
namespace {

/// Rows of the central store under one prefix are read as one unit up to about this size.
constexpr int64_t kRowsUnitBytes = 4 << 20;
constexpr int64_t kRowsBetweenReports = 10'000;

struct StoredRun {
  std::string prefix;  // "<run id>/"
  int64_t bytes = 0;
};

/// Covers `runs` (sorted) with prefixes that have about kRowsUnitBytes each; they agree in their first `common` bytes.
void Cover(const StoredRun* begin, const StoredRun* end, size_t common, int source, std::vector<TraceUnit>& units) {
  int64_t bytes = 0;
  for (const StoredRun* run = begin; run != end; ++run) bytes += run->bytes;
  const bool one = end - begin == 1;
  if (one || (bytes <= kRowsUnitBytes && common > 0)) {
    units.push_back({source, one ? begin->prefix : begin->prefix.substr(0, common), {}, bytes});
    return;
  }
  while (begin != end) {
    const char next = begin->prefix[common];
    const StoredRun* const group =
        std::find_if(begin, end, [&](const StoredRun& run) { return run.prefix[common] != next; });
    Cover(begin, group, common + 1, source, units);
    begin = group;
  }
}

Status ListRows(const SourceSpec& spec, int source, const CollectContext& context, std::vector<TraceUnit>& units) {
  if (context.records == nullptr) return FailedPrecondition("no records service to read traces from");
  std::vector<StoredRun> runs;
  int64_t rows = 0;
  Status progress = Ok();
  WFE_RETURN_IF_ERROR(context.records->ScanRows(
      std::string(kTracesTable), spec.location, [&](const std::string& key, const std::string& value) {
        if (context.progress && ++rows % kRowsBetweenReports == 0 && progress) {
          progress = context.progress("rows of the central store: " + std::to_string(rows));
        }
        // Keys are "<run id>/<entry id>"; a key without a slash is a run by itself.
        const size_t slash = key.rfind('/');
        const std::string_view prefix =
            std::string_view(key).substr(0, slash == std::string::npos ? key.size() : slash + 1);
        if (runs.empty() || runs.back().prefix != prefix) runs.push_back({std::string(prefix), 0});
        runs.back().bytes += static_cast<int64_t>(value.size());
      }));
  WFE_RETURN_IF_ERROR(progress);
  if (!runs.empty()) Cover(runs.data(), runs.data() + runs.size(), 0, source, units);
  return Ok();
}

Status ListHistories(const SourceSpec& spec, int source, const CollectContext& context, std::vector<TraceUnit>& units) {
  if (context.service == nullptr) return FailedPrecondition("no workflow service to read histories from");
  const std::string query = spec.location.empty() ? std::string(kDefaultHistoryQuery) : spec.location;
  WFE_ASSIGN_OR_RETURN(std::vector<ListedRun> runs, ListRuns(*context.service, spec.ns, query, [&](size_t count) {
                         if (!context.progress) return Ok();
                         return context.progress("histories: " + std::to_string(count));
                       }));
  std::sort(runs.begin(), runs.end(), [](const ListedRun& a, const ListedRun& b) {
    return std::tie(a.workflow_id, a.run_id) < std::tie(b.workflow_id, b.run_id);
  });
  for (ListedRun& run : runs) {
    units.push_back({source, std::move(run.workflow_id), std::move(run.run_id), run.history_bytes});
  }
  return Ok();
}

Status ListFiles(const SourceSpec& spec, int source, const CollectContext& context, SourceListing& listing) {
  WFE_ASSIGN_OR_RETURN(std::vector<FoundFile> files, FindTraceFiles(spec.location, listing.report, context.progress));
  for (FoundFile& file : files) listing.units.push_back({source, std::move(file.path), {}, file.bytes});
  return Ok();
}

}  // namespace

Result<SourceListing> ListSources(const std::vector<SourceSpec>& sources, const CollectContext& context) {
  SourceListing listing;
  for (size_t i = 0; i < sources.size(); ++i) {
    const SourceSpec& spec = sources[i];
    const int source = static_cast<int>(i);
    const size_t before = listing.units.size();
    if (spec.kind == kSourceDirectory) {
      WFE_RETURN_IF_ERROR(ListFiles(spec, source, context, listing));
    } else if (spec.kind == kSourceRecords) {
      WFE_RETURN_IF_ERROR(ListRows(spec, source, context, listing.units));
    } else if (spec.kind == kSourceHistory) {
      WFE_RETURN_IF_ERROR(ListHistories(spec, source, context, listing.units));
    } else {
      return InvalidArgument("a trace source is a directory, records or history, not \"" + spec.kind + "\"");
    }
    listing.files_of_source.push_back(static_cast<int64_t>(listing.units.size() - before));
  }
  return listing;
}

std::vector<Chunk> Chunks(const std::vector<TraceUnit>& units, int64_t target_bytes) {
  std::vector<Chunk> chunks;
  for (const TraceUnit& unit : units) {
    if (chunks.empty() || (chunks.back().bytes > 0 && chunks.back().bytes + unit.bytes > target_bytes)) {
      chunks.push_back({static_cast<int64_t>(chunks.size()), {}, 0});
    }
    chunks.back().units.push_back(unit);
    // An empty file costs something, too.
    chunks.back().bytes += std::max<int64_t>(unit.bytes, 1);
  }
  return chunks;
}

}  // namespace wfe::analytics
