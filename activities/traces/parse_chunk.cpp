// Reading one chunk.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "activities/audit/trace_file.h"
#include "activities/traces/collect.h"
#include "activities/traces/entry_line.h"
#include "activities/traces/history_entries.h"
#include "workers/client/records_client.h"

namespace wfe::activities {
namespace {

/// The lines of one run as the central store has them, by entry id, brought into the run's order.
class StoredLines {
 public:
  void Add(std::string line) {
    const size_t size = line.size();
    line.append(EntryLineReader::kPadding, '\0');
    const bool is_entry = reader_.Read(std::string_view(line).substr(0, size), no_table_);
    const int64_t seq = is_entry ? reader_.entry().seq : -1;
    const int64_t time = is_entry ? reader_.entry().timestamp_ms : 0;
    line.resize(size);
    lines_.push_back({seq, time, std::move(line)});
  }

  /// Hands the lines to the parser as one file, numbered from 1.
  void Flush(const std::string& run, TraceParser& parser) {
    if (lines_.empty()) return;
    const bool numbered = std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.seq >= 0; });
    std::stable_sort(lines_.begin(), lines_.end(), [&](const Line& a, const Line& b) {
      return numbered ? a.seq < b.seq : a.timestamp_ms < b.timestamp_ms;
    });
    parser.BeginFile("records:" + std::string(kTracesTable) + "/" + run);
    int64_t number = 0;
    for (const Line& line : lines_) parser.ParseLine(line.text, ++number);
    lines_.clear();
  }

 private:
  struct Line {
    int64_t seq;
    int64_t timestamp_ms;
    std::string text;
  };
  EntryLineReader reader_;
  TraceTable no_table_;
  std::vector<Line> lines_;
};

Status ParseRows(const std::string& prefix, const CollectContext& context, TraceParser& parser) {
  if (context.records == nullptr) return FailedPrecondition("no records service to read traces from");
  StoredLines lines;
  std::string run;
  WFE_RETURN_IF_ERROR(
      context.records->ScanRows(std::string(kTracesTable), prefix, [&](const std::string& key, std::string value) {
        const std::string of = key.substr(0, key.rfind('/'));
        if (of != run) {
          lines.Flush(run, parser);
          run = of;
        }
        lines.Add(std::move(value));
      }));
  lines.Flush(run, parser);
  return Ok();
}

Status ParseHistory(const TraceUnit& unit, const std::string& ns, const CollectContext& context, TraceParser& parser,
                    ParseReport& report) {
  if (context.service == nullptr) return FailedPrecondition("no workflow service to read histories from");
  const std::string name = "history:" + unit.location + "/" + unit.run_id;
  auto history = FetchWholeHistory(*context.service, ns, unit.location, unit.run_id);
  if (!history) {
    // Its retention may have ended since it was listed.
    if (history.error().code != StatusCode::kNotFound) return history.error();
    report.Add(name, 0, kProblemMalformed, history.error().message);
    return Ok();
  }
  const auto entries = EntriesOfHistory(*history, unit.run_id);
  if (!entries) {
    report.Add(name, 0, kProblemMalformed, entries.error().message);
    return Ok();
  }
  parser.BeginFile(name);
  std::unordered_set<std::string> seen;  // a build that moved to another host logs its entries there once more
  int64_t number = 0;
  for (const HistoryEntry& entry : *entries) {
    ++number;
    const Result<LogEntry> complete = CompleteEntry(entry.entry, entry.idempotency_token);
    if (!complete) {
      report.Add(name, number, kProblemSchema, complete.error().message);
    } else if (std::string line = SerializeLogEntry(*complete); seen.insert(line).second) {
      parser.ParseLine(line, number);
    }
  }
  return Ok();
}

}  // namespace

Result<ParsedChunk> ParseChunk(const Chunk& chunk, const std::vector<SourceSpec>& sources, const ParseOptions& options,
                               const CollectContext& context) {
  ParsedChunk parsed;
  ParseReport& report = parsed.result.report;
  parsed.result.index = chunk.index;
  parsed.result.entries_of_source.resize(sources.size());
  TraceParser parser(parsed.table, report, options);
  for (size_t i = 0; i < chunk.units.size(); ++i) {
    const TraceUnit& unit = chunk.units[i];
    if (unit.source < 0 || static_cast<size_t>(unit.source) >= sources.size()) {
      return InvalidArgument("chunk " + std::to_string(chunk.index) + " names source " + std::to_string(unit.source) +
                             " of " + std::to_string(sources.size()));
    }
    if (context.progress) {
      WFE_RETURN_IF_ERROR(context.progress("chunk " + std::to_string(chunk.index) + ": " + std::to_string(i) + " of " +
                                           std::to_string(chunk.units.size()) + " read, " +
                                           std::to_string(report.entries) + " entries"));
    }
    const SourceSpec& source = sources[static_cast<size_t>(unit.source)];
    const int64_t before = report.entries + report.duplicates;
    if (source.kind == kSourceDirectory) {
      const Status read = parser.ParseFile(unit.location);
      if (!read) report.Add(unit.location, 0, kProblemMalformed, read.error().message);
    } else if (source.kind == kSourceRecords) {
      WFE_RETURN_IF_ERROR(ParseRows(unit.location, context, parser));
    } else {
      WFE_RETURN_IF_ERROR(ParseHistory(unit, source.ns, context, parser, report));
    }
    parsed.result.entries_of_source[static_cast<size_t>(unit.source)] += report.entries + report.duplicates - before;
  }
  parsed.table.ShrinkToFit();
  return parsed;
}

}  // namespace wfe::activities
