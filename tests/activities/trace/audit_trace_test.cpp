// audit_trace.jsonl: appending, tolerating, judging, rebuilding (TR-1 to TR-9, AC-4).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <set>

#include "activities/trace/audit.h"
#include "activities/trace/trace_file.h"
#include "activities/trace/trace_rebuild.h"
#include "activities/trace/trace_validator.h"
#include "tests/activities/agent/agent_test_support.h"

namespace wfe::trace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Instant kNow = *ParseIso8601("2026-11-21T05:15:02.123Z");

LogEntry Entry(const std::string& step, const std::string& run = "run-1") {
  LogEntry entry;
  entry.workflow_run_id = run;
  entry.step_name = step;
  entry.timestamp = "2026-11-21T05:15:00.000Z";
  entry.validation_status = "N/A";
  return entry;
}

/// A small sealed run: start, agent, failing verification, fix, completion.
std::vector<LogEntry> SealedRun(const std::string& run = "run-1") {
  std::vector<LogEntry> entries = {Entry("workflow_started", run), Entry("implement_v1", run),
                                   Entry("initial_verification", run), Entry("fix_attempt_1", run),
                                   Entry("workflow_completed", run)};
  SetTokenCounts(entries[1], 1500, 200);
  entries[1].files_touched = {"src/a.ts"};
  entries[2].validation_status = "fail";
  entries[2].validation_error_type = "TSC_ERROR";
  entries[2].error_log_size_chars = 200;
  entries[2].error_full = "src/a.ts:1:1 TSC_ERROR_TS2322 \"x\"";
  entries[3].error_log_size_chars = 200;
  SetTokenCounts(entries[3], 1000, 200);
  SetReworkCostFactor(entries[3]);  // 1.0: the number whose bytes can change without its value (1e0)
  TraceChain chain;
  for (LogEntry& entry : entries) SealEntry(entry, chain);
  return entries;
}

std::string WriteRun(const TempDir& dir, const std::vector<LogEntry>& entries) {
  for (const LogEntry& entry : entries) {
    const Result<AppendOutcome> appended = AppendEntry(dir.path(), entry, kNow);
    EXPECT_TRUE(appended.has_value() && *appended == AppendOutcome::kAppended);
  }
  return dir / "audit_trace.jsonl";
}

TEST(AuditTrace, AppendedTwiceUnderOneIdStandsOnce) {  // TR-3
  const TempDir dir;
  const LogEntry entry = *CompleteEntry(Entry("scaffold"), "run-1/7");
  EXPECT_EQ(*AppendEntry(dir.path(), entry, kNow), AppendOutcome::kAppended);
  EXPECT_EQ(*AppendEntry(dir.path(), entry, kNow + std::chrono::seconds(5)), AppendOutcome::kAlreadyThere);
  const std::string file = ReadAll(dir / "audit_trace.jsonl");
  EXPECT_EQ(std::count(file.begin(), file.end(), '\n'), 1);
  EXPECT_THAT(file, HasSubstr("2026-11-21T05:15:02.123Z"));
}

TEST(AuditTrace, EntryIdQuotedInsideAnotherEntryDoesNotCount) {
  const TempDir dir;
  const LogEntry entry = *CompleteEntry(Entry("scaffold"), "run-1/7");
  LogEntry quoting = *CompleteEntry(Entry("other"), "run-1/8");
  quoting.error_full = SerializeLogEntry(entry);
  quoting.unknown["copy"] = entry.ext;
  ASSERT_TRUE(AppendEntry(dir.path(), quoting, kNow).has_value());
  EXPECT_EQ(*AppendEntry(dir.path(), entry, kNow), AppendOutcome::kAppended);
}

TEST(AuditTrace, TornTailIsCutBeforeAppending) {  // TR-2
  const TempDir dir;
  const std::string first = SerializeLogEntry(*CompleteEntry(Entry("a"), "1")) + "\n";
  WriteAll(dir / "audit_trace.jsonl", first + "{\"workflow_run_id\":\"run-1\",\"error_full\":\"xxxx");
  ASSERT_TRUE(AppendEntry(dir.path(), *CompleteEntry(Entry("b"), "2"), kNow).has_value());
  const std::string file = ReadAll(dir / "audit_trace.jsonl");
  EXPECT_TRUE(file.starts_with(first));
  EXPECT_EQ(std::count(file.begin(), file.end(), '\n'), 2);
  EXPECT_EQ(ReadTrace(dir / "audit_trace.jsonl", [](int64_t, LogEntry) {})->bad_lines, 0);
}

TEST(AuditTrace, ActivityRefusesEntriesWithoutRunOrStep) {  // AC-4
  const TempDir dir;
  sdk::ActivityRegistry registry;
  RegisterAuditActivities(registry);
  TestContext context;
  for (const LogEntry& entry : {Entry("", "run-1"), Entry("scaffold", "")}) {
    const auto result = CallActivity(registry, kLogAuditEntry, context, LogAuditEntryInput{dir.path(), entry});
    ASSERT_NE(result.failure(), nullptr);
    EXPECT_EQ(result.failure()->type, "INVALID_ENTRY");
    EXPECT_TRUE(result.failure()->non_retryable);
  }
  LogEntry partial;  // Everything else may be missing.
  partial.workflow_run_id = "run-1";
  partial.step_name = "scaffold";
  EXPECT_TRUE(CallActivity(registry, kLogAuditEntry, context, LogAuditEntryInput{dir.path(), partial}).has_value());
  EXPECT_THAT(ReadAll(dir / "audit_trace.jsonl"), HasSubstr(EntryIdFromToken("run-1/1")));
}

TEST(AuditTrace, ActivitySaysThatTheDirectoryIsGone) {
  sdk::ActivityRegistry registry;
  RegisterAuditActivities(registry);
  TestContext context;
  const auto result =
      CallActivity(registry, kLogAuditEntry, context, LogAuditEntryInput{"/nonexistent/dir", Entry("scaffold")});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "WORKING_DIR_GONE");
  EXPECT_THAT(result.failure()->message, HasSubstr("/nonexistent/dir"));
}

TEST(AuditTrace, CentralStoreGetsTheSameBytesOnARetry) {  // TR-7
  const TempDir dir;
  std::vector<std::pair<std::string, std::string>> rows;
  bool fail = true;
  sdk::ActivityRegistry registry;
  RegisterAuditActivities(registry, {.clock = nullptr, .ingest = [&](const std::string& key, const std::string& line) {
                                       rows.emplace_back(key, line);
                                       return fail ? Status(Unavailable("down")) : Ok();
                                     }});
  TestContext context;
  const LogAuditEntryInput input{dir.path(), SealedRun()[0]};
  const auto first = CallActivity(registry, kLogAuditEntry, context, input);
  ASSERT_NE(first.failure(), nullptr);
  EXPECT_FALSE(first.failure()->non_retryable);
  fail = false;
  EXPECT_TRUE(CallActivity(registry, kLogAuditEntry, context, input).has_value());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], rows[1]);
  EXPECT_EQ(ReadTrace(dir / "audit_trace.jsonl", [](int64_t, LogEntry) {})->entries, 1);
}

TEST(AuditTrace, FullDiskFailsClearlyAndLeavesNoPartialLine) {
  const TempDir dir;
  ASSERT_TRUE(AppendEntry(dir.path(), *CompleteEntry(Entry("a"), "1"), kNow).has_value());
  const std::string before = ReadAll(dir / "audit_trace.jsonl");
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    LogEntry big = *CompleteEntry(Entry("b"), "2");
    big.error_full = std::string(20'000, 'x');
    const Result<AppendOutcome> result = AppendEntry(dir.path(), big, kNow);
    const bool good = !result && result.error().code == StatusCode::kResourceExhausted &&
                      result.error().message.find("free some space") != std::string::npos;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ReadAll(dir / "audit_trace.jsonl"), before);
}

TEST(AuditTrace, WriterKilledInsideLargeAppendsNeverLosesOrDoublesAnEntry) {  // TR-2, TR-3
  // Shared with the writers: the last entry whose append was acknowledged.
  auto* acknowledged = static_cast<std::atomic<int>*>(
      mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(acknowledged, MAP_FAILED);
  unsigned random = 12345;
  int torn = 0;
  for (int batch = 0; batch < 20; ++batch) {  // 20 files of 15 kills each, so that a file stays quick to scan
    const TempDir dir;
    const std::string path = dir / "audit_trace.jsonl";
    new (acknowledged) std::atomic<int>(0);
    for (int round = 0; round < 15; ++round) {
      const int start = acknowledged->load();
      const pid_t child = fork();
      if (child == 0) {
        // The retry of the entry that may have been interrupted, then new ones until killed.
        for (int i = start + 1;; ++i) {
          LogEntry entry = *CompleteEntry(Entry("step-" + std::to_string(i)), "run-1/" + std::to_string(i));
          entry.error_full = std::string(100'000, static_cast<char>('a' + i % 26));
          if (!AppendEntry(dir.path(), entry, kNow)) _exit(1);
          acknowledged->store(i);
        }
      }
      // Once it is at work, the kill comes at some instant of an append.
      int status = 0;
      while (acknowledged->load() == start && waitpid(child, &status, WNOHANG) == 0) usleep(50);
      if (round % 2 == 0) {
        random = random * 1103515245u + 12345u;
        usleep((random >> 16) % 1500);
      } else {  // as soon as the file grows: inside the write, with some luck
        struct stat seen{};
        struct stat now{};
        stat(path.c_str(), &seen);
        do {
          stat(path.c_str(), &now);
        } while (now.st_size == seen.st_size && waitpid(child, &status, WNOHANG) == 0);
      }
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
      const std::string tail = ReadAll(path);
      torn += tail.empty() || tail.back() != '\n' ? 1 : 0;
    }
    const int last = acknowledged->load();
    std::map<std::string, int> seen;
    const auto summary = ReadTrace(path, [&](int64_t, LogEntry entry) { ++seen[entry.step_name]; });
    ASSERT_TRUE(summary.has_value());
    EXPECT_LE(summary->bad_lines, 1) << "only the last line may be torn";
    for (const auto& [step, count] : seen) EXPECT_EQ(count, 1) << step;
    for (int i = 1; i <= last; ++i) EXPECT_EQ(seen.count("step-" + std::to_string(i)), 1u) << i;
    EXPECT_LE(static_cast<int>(seen.size()), last + 1) << "at most the one that was being written";
  }
  RecordProperty("torn_last_lines", torn);
  munmap(acknowledged, sizeof(std::atomic<int>));
}

TEST(AuditTrace, TwoProcessesAppendingAtOnceLoseNothing) {
  const TempDir dir;
  std::vector<pid_t> children;
  for (int writer = 0; writer < 2; ++writer) {
    const pid_t child = fork();
    if (child == 0) {
      for (int i = 0; i < 40; ++i) {
        const std::string id = std::to_string(writer) + "/" + std::to_string(i);
        LogEntry entry = *CompleteEntry(Entry("step", "run-" + std::to_string(writer)), id);
        entry.error_full = std::string(20'000, 'x');
        if (!AppendEntry(dir.path(), entry, kNow)) _exit(1);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  std::set<std::string> ids;
  const auto summary =
      ReadTrace(dir / "audit_trace.jsonl", [&](int64_t, LogEntry e) { ids.insert(ExtString(e, "entry_id")); });
  EXPECT_EQ(summary->bad_lines, 0);
  EXPECT_EQ(ids.size(), 80u);
}

TEST(AuditTrace, SoundFileWithTwoRunsHasNoProblems) {  // TR-5, TR-8
  const TempDir dir;
  const std::vector<LogEntry> one = SealedRun("run-1");
  const std::vector<LogEntry> two = SealedRun("run-2");
  for (size_t i = 0; i < one.size(); ++i) WriteRun(dir, {one[i], two[i]});
  const Result<TraceReport> report = ValidateTrace(dir / "audit_trace.jsonl");
  ASSERT_TRUE(report.has_value());
  for (const TraceProblem& problem : report->problems) ADD_FAILURE() << problem.line << ": " << problem.message;
  EXPECT_EQ(report->entries_of_run.at("run-2"), 5);
}

TEST(AuditTrace, EverySingleByteEditOutsideLoggedAtIsFound) {  // TR-8, TR-9
  const TempDir dir;
  const std::string path = WriteRun(dir, SealedRun());
  const std::string good = ReadAll(path);
  ASSERT_TRUE(ValidateTrace(path)->ok());
  // The value of ext.logged_at is the only part that may differ.
  std::vector<bool> free_byte(good.size(), false);
  const std::string key = "\"logged_at\":\"";
  for (size_t at = good.find(key); at != std::string::npos; at = good.find(key, at + 1)) {
    for (size_t i = at + key.size(); i < at + key.size() + 24; ++i) free_byte[i] = true;
  }
  const TempDir other;
  const std::string edited_path = other / "audit_trace.jsonl";
  for (size_t i = 0; i < good.size(); ++i) {
    if (free_byte[i]) continue;
    // '.' becomes 'e': 1.0 and 1e0 are the same number in other bytes.
    for (const char c : {good[i] == '.' ? 'e' : '\n', static_cast<char>(good[i] ^ 1)}) {
      if (c == good[i]) continue;
      std::string edited = good;
      edited[i] = c;
      WriteAll(edited_path, edited);
      const Result<TraceReport> report = ValidateTrace(edited_path);
      ASSERT_TRUE(report.has_value());
      ASSERT_FALSE(report->ok()) << "byte " << i << " '" << good[i] << "' -> '" << c << "'";
    }
  }
}

TEST(AuditTrace, ProblemsNameTheirLines) {  // TR-8
  const TempDir dir;
  std::vector<LogEntry> entries = SealedRun();
  entries[1].total_token_cost = 1;
  entries[3].rework_cost_factor = 7.5;
  const std::string path = WriteRun(dir, entries);
  const Result<TraceReport> report = ValidateTrace(path);
  std::map<int64_t, std::string> messages;
  for (const TraceProblem& problem : report->problems) messages[problem.line] += problem.message + ";";
  EXPECT_EQ(messages.size(), 2u);
  EXPECT_THAT(messages[2], HasSubstr("LG-6"));
  EXPECT_THAT(messages[4], HasSubstr("LG-11"));
}

TEST(AuditTrace, ReaderSkipsForeignAndTornLinesAndGoesOn) {  // TR-4
  const TempDir dir;
  const std::string path = WriteRun(dir, SealedRun());
  WriteAll(path, "hello\n{\"a\":1}\n\n" + ReadAll(path) + std::string(kMaxTraceLineBytes + 10, 'x') + "\n{\"torn");
  std::vector<std::string> steps;
  const auto summary = ReadTrace(path, [&](int64_t, LogEntry entry) { steps.push_back(entry.step_name); });
  EXPECT_EQ(steps.size(), 5u);
  EXPECT_EQ(summary->bad_lines, 5);
  EXPECT_EQ(summary->skipped[0].line, 1);
  EXPECT_EQ(summary->skipped.back().line, 10);
}

std::vector<HistoryEntry> History(const std::vector<LogEntry>& entries) {
  std::vector<HistoryEntry> history;
  for (size_t i = 0; i < entries.size(); ++i) history.push_back({entries[i], "run-1/" + std::to_string(i), kNow});
  return history;
}

TEST(AuditTrace, RebuiltFileIsByteIdenticalApartFromLoggedAt) {  // TR-6
  const TempDir dir;
  std::vector<LogEntry> entries = SealedRun();
  entries.push_back(Entry("unsealed"));  // gets its id from the activity's token
  sdk::ActivityRegistry registry;
  RegisterAuditActivities(registry, {.clock = std::make_shared<ManualClock>(kNow), .ingest = {}});
  for (size_t i = 0; i < entries.size(); ++i) {
    TestContext context(std::to_string(i));
    ASSERT_TRUE(
        CallActivity(registry, kLogAuditEntry, context, LogAuditEntryInput{dir.path(), entries[i]}).has_value());
  }
  EXPECT_EQ(*RebuildTrace(History(entries)), ReadAll(dir / "audit_trace.jsonl"));
}

TEST(AuditTrace, ComparisonWithHistoryShowsACutTailAndARewrittenFile) {  // TR-9
  const TempDir dir;
  const std::vector<LogEntry> entries = SealedRun();
  const std::vector<HistoryEntry> history = History(entries);
  const std::string path = WriteRun(dir, entries);
  EXPECT_TRUE(CompareTraceWithHistory(path, "run-1", history)->ok());

  const std::string good = ReadAll(path);
  WriteAll(path, good.substr(0, good.rfind('\n', good.size() - 2) + 1));
  EXPECT_TRUE(ValidateTrace(path)->ok()) << "a cut tail cannot be seen in the file alone";
  Result<TraceReport> report = CompareTraceWithHistory(path, "run-1", history);
  ASSERT_EQ(report->problems.size(), 1u);
  EXPECT_THAT(report->problems[0].message, HasSubstr("ends after 4 of the 5"));

  std::vector<LogEntry> forged;
  TraceChain chain;
  for (const LogEntry& original : entries) {
    LogEntry entry = original;
    if (entry.step_name == "initial_verification") entry.validation_status = "pass";
    SealEntry(entry, chain);
    forged.push_back(entry);
  }
  const TempDir forged_dir;
  const std::string forged_path = WriteRun(forged_dir, forged);
  EXPECT_TRUE(ValidateTrace(forged_path)->ok());
  report = CompareTraceWithHistory(forged_path, "run-1", history);
  ASSERT_EQ(report->problems.size(), 3u);
  EXPECT_EQ(report->problems[0].line, 3);
}

}  // namespace
}  // namespace wfe::trace
