#include "activities/analytics/ingest/trace_parser.h"

#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "activities/analytics/ingest/entry_line.h"
#include "activities/analytics/ingest/line_chain.h"
#include "activities/trace/trace_file.h"
#include "engine/base/unique_fd.h"

namespace wfe::analytics {
namespace {

constexpr size_t kBlockBytes = 1u << 20;
/// Clocks of hosts differ a little without anybody being wrong.
constexpr int64_t kClockSlackMs = 60'000;

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// What the next entry of a run in the same file is compared with.
struct RunState {
  ChainEnd chain;
  int64_t last_timestamp_ms = 0;
};

}  // namespace

struct TraceParser::Impl {
  TraceTable& table;
  ParseReport& report;
  ParseOptions options;
  EntryLineReader reader;
  std::string file;
  std::string scratch;  // a line from outside, with the padding that the reader needs
  std::unordered_map<std::string, RunState, TextHash, std::equal_to<>> runs;  // of this file
  std::pair<const std::string, RunState>* last_run = nullptr;

  Impl(TraceTable& t, ParseReport& r, ParseOptions o) : table(t), report(r), options(std::move(o)) {}

  void Problem(int64_t line, const char* kind, std::string message) {
    report.Add(file, line, kind, std::move(message));
  }

  RunState& StateOf(std::string_view run) {
    if (last_run != nullptr && last_run->first == run) return last_run->second;
    auto found = runs.find(run);
    if (found == runs.end()) found = runs.emplace(std::string(run), RunState()).first;
    last_run = &*found;
    return last_run->second;
  }

  void CheckClock(const TraceEntry& entry, int64_t number, RunState& run) {
    if (entry.timestamp_ms < run.last_timestamp_ms) {
      Problem(number, kProblemClock,
              "timestamp goes back by " + std::to_string(run.last_timestamp_ms - entry.timestamp_ms) +
                  " ms within run " + std::string(entry.run));
    }
    run.last_timestamp_ms = entry.timestamp_ms;
    if (!options.now) return;
    const int64_t now_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(options.now->time_since_epoch()).count();
    if (entry.timestamp_ms > now_ms + kClockSlackMs) {
      Problem(number, kProblemClock,
              "timestamp lies " + std::to_string((entry.timestamp_ms - now_ms) / 1000) + " s in the future");
    }
  }

  /// `line` is followed by at least EntryLineReader::kPadding bytes that may be read.
  void Line(std::string_view line, int64_t number) {
    ++report.lines;
    const bool is_entry = reader.Read(line, table);
    for (LineProblem& problem : reader.problems()) Problem(number, problem.kind, std::move(problem.message));
    if (!is_entry) {
      ++report.rejected;
      return;
    }
    TraceEntry& entry = reader.entry();
    entry.source_file = file;
    entry.source_line = number;
    ++report.schema_versions[reader.schema_version()];
    if (const int version = reader.schema_version(); version != 0 && version != trace::kLogEntrySchemaVersion) {
      Problem(number, kProblemSchemaVersion,
              "ext.schema_version is " + std::to_string(version) + ", this program knows " +
                  std::to_string(trace::kLogEntrySchemaVersion));
    }
    RunState& run = StateOf(entry.run);
    CheckClock(entry, number, run);
    if (options.verify_chain) {
      if (std::string problem = FollowChain(line, reader.link(), run.chain); !problem.empty()) {
        Problem(number, kProblemChain, std::move(problem));
        entry.chain_broken = true;
      }
    }
    entry.chained = !reader.link().entry_hash.empty();
    if (!reader.sections().empty()) table.SetSections(entry.context_hash, reader.sections());
    if (table.Add(entry)) {
      ++report.entries;
    } else {
      ++report.duplicates;
    }
  }

  Status ReadPart(const std::string& path);

  void TooLong(int64_t number) {
    ++report.lines;
    ++report.rejected;
    Problem(number, kProblemMalformed,
            "the line is longer than " + std::to_string(trace::kMaxTraceLineBytes) + " bytes");
  }
};

TraceParser::TraceParser(TraceTable& table, ParseReport& report, ParseOptions options)
    : impl_(std::make_unique<Impl>(table, report, std::move(options))) {}
TraceParser::~TraceParser() = default;

void TraceParser::BeginFile(std::string name) {
  impl_->file = std::move(name);
  impl_->last_run = nullptr;
  impl_->runs.clear();
  ++impl_->report.files;
}

void TraceParser::ParseLine(std::string_view line, int64_t number) {
  impl_->report.bytes += static_cast<int64_t>(line.size()) + 1;
  if (line.size() > trace::kMaxTraceLineBytes) return impl_->TooLong(number);
  impl_->scratch.assign(line);
  impl_->scratch.append(EntryLineReader::kPadding, '\0');
  impl_->Line(std::string_view(impl_->scratch).substr(0, line.size()), number);
}

Status TraceParser::ParseFile(const std::string& path) {
  BeginFile(path);
  for (const std::string& part : trace::TraceParts(path)) {
    // Chain and clock of a run go on from one part to the next.
    impl_->file = part;
    WFE_RETURN_IF_ERROR(impl_->ReadPart(part));
  }
  return Ok();
}

Status TraceParser::Impl::ReadPart(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    const std::string message = "cannot open " + path + ": " + std::strerror(errno);
    return errno == ENOENT ? NotFound(message) : Unavailable(message);
  }
  std::vector<char> buffer(2 * kBlockBytes + EntryLineReader::kPadding);
  size_t begin = 0;  // of the first line that is not done
  size_t end = 0;    // of what was read
  int64_t number = 0;
  bool skipping = false;  // inside a line that is too long
  while (true) {
    if (begin > 0) {
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= begin;
      begin = 0;
    }
    if (end + kBlockBytes + EntryLineReader::kPadding > buffer.size()) {
      buffer.resize(end + kBlockBytes + EntryLineReader::kPadding);
    }
    ssize_t got = 0;
    do {
      got = read(fd.get(), buffer.data() + end, kBlockBytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return Unavailable("cannot read " + path + ": " + std::strerror(errno));
    if (got == 0) break;
    report.bytes += got;
    size_t searched = end;  // what was there before holds no newline
    end += static_cast<size_t>(got);
    while (const void* newline = std::memchr(buffer.data() + searched, '\n', end - searched)) {
      const size_t at = static_cast<size_t>(static_cast<const char*>(newline) - buffer.data());
      ++number;
      if (skipping || at - begin > trace::kMaxTraceLineBytes) {
        TooLong(number);
        skipping = false;
      } else {
        Line(std::string_view(buffer.data() + begin, at - begin), number);
      }
      begin = searched = at + 1;
    }
    if (end - begin > trace::kMaxTraceLineBytes) {
      skipping = true;
      begin = end;
    }
  }
  if (skipping) {
    TooLong(number + 1);
  } else if (end > begin) {
    ++report.lines;
    ++report.rejected;
    Problem(number + 1, kProblemMalformed, "the last line is torn: it does not end with a newline");
  }
  return Ok();
}

Status ParseTraceFile(const std::string& path, TraceTable& table, ParseReport& report, const ParseOptions& options) {
  TraceParser parser(table, report, options);
  return parser.ParseFile(path);
}

}  // namespace wfe::analytics
