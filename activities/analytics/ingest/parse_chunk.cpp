// Reading one chunk.
#include <algorithm>
#include <utility>

#include "activities/analytics/ingest/collect.h"
#include "activities/analytics/ingest/entry_line.h"
#include "activities/analytics/ingest/history_entries.h"
#include "activities/analytics/ingest/line_chain.h"
#include "activities/trace/trace_file.h"
#include "workers/client/fetch_history.h"
#include "workers/client/records_client.h"

namespace wfe::analytics {
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
  void Flush(const std::string& run, TraceParser& parser, ParseReport& report) {
    if (lines_.empty()) return;
    const bool numbered = std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.seq >= 0; });
    std::stable_sort(lines_.begin(), lines_.end(), [&](const Line& a, const Line& b) {
      return numbered ? a.seq < b.seq : a.timestamp_ms < b.timestamp_ms;
    });
    const std::string name = "records:" + std::string(kTracesTable) + "/" + run;
    if (numbered) ChooseByChain(name, run, report);
    parser.BeginFile(name);
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

  /// Where several rows claim one place of a run (SEC-M7), the one that continues its chain is kept and the others are
  /// named.  Lines are in the order of their numbers.
  void ChooseByChain(const std::string& name, const std::string& run, ParseReport& report) {
    const auto same = [](const Line& a, const Line& b) { return a.seq == b.seq; };
    if (std::adjacent_find(lines_.begin(), lines_.end(), same) == lines_.end()) return;
    ChainEnd end;
    std::vector<Line> kept;
    for (auto group = lines_.begin(); group != lines_.end();) {
      const auto rest = std::find_if(group, lines_.end(), [&](const Line& line) { return !same(line, *group); });
      auto chosen = group;
      ChainEnd after = end;
      for (auto candidate = group; candidate != rest; ++candidate) {
        ChainEnd next = end;
        const bool continues = Follow(candidate->text, next);
        if (candidate == group || continues) chosen = candidate, after = next;
        if (continues) break;
      }
      if (rest - group > 1) {
        report.Add(name, static_cast<int64_t>(kept.size()) + 1, kProblemChain,
                   std::to_string(rest - group) + " rows claim the place " + std::to_string(group->seq) + " of run " +
                       run + ": all but one were written by somebody else");
      }
      end = after;
      kept.push_back(std::move(*chosen));
      group = rest;
    }
    lines_ = std::move(kept);
  }

  bool Follow(std::string text, ChainEnd& end) {
    const size_t size = text.size();
    text.append(EntryLineReader::kPadding, '\0');
    const std::string_view line = std::string_view(text).substr(0, size);
    return reader_.Read(line, no_table_) && FollowChain(line, reader_.link(), end).empty();
  }

  EntryLineReader reader_;
  TraceTable no_table_;
  std::vector<Line> lines_;
};

Status ParseRows(const std::string& prefix, const CollectContext& context, TraceParser& parser, ParseReport& report) {
  if (context.records == nullptr) return FailedPrecondition("no records service to read traces from");
  StoredLines lines;
  std::string run;
  WFE_RETURN_IF_ERROR(
      context.records->ScanRows(std::string(kTracesTable), prefix, [&](const std::string& key, std::string value) {
        const std::string of = key.substr(0, key.rfind('/'));
        if (of != run) {
          lines.Flush(run, parser, report);
          run = of;
        }
        lines.Add(std::move(value));
      }));
  lines.Flush(run, parser, report);
  return Ok();
}

Status ParseHistory(const TraceUnit& unit, const std::string& ns, const CollectContext& context, TraceParser& parser,
                    ParseReport& report) {
  if (context.service == nullptr) return FailedPrecondition("no workflow service to read histories from");
  const std::string name = "history:" + unit.location + "/" + unit.run_id;
  auto history = client::FetchHistory(*context.service, ns, unit.location, unit.run_id);
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
  int64_t number = 0;
  for (const trace::HistoryEntry& entry : *entries) {
    ++number;
    const Result<trace::LogEntry> complete = trace::CompleteEntry(entry.entry, entry.idempotency_token);
    if (!complete) {
      report.Add(name, number, kProblemSchema, complete.error().message);
    } else {
      parser.ParseLine(trace::SerializeLogEntry(*complete), number);
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
      WFE_RETURN_IF_ERROR(ParseRows(unit.location, context, parser, report));
    } else {
      WFE_RETURN_IF_ERROR(ParseHistory(unit, source.ns, context, parser, report));
    }
    parsed.result.entries_of_source[static_cast<size_t>(unit.source)] += report.entries + report.duplicates - before;
  }
  parsed.table.ShrinkToFit();
  return parsed;
}

}  // namespace wfe::analytics
