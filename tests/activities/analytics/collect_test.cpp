// Finding traces in directories, in the central store and in histories; the same entry from all three counts once
// (OP-2).
#include "activities/analytics/ingest/collect.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "activities/analytics/ingest/fold.h"
#include "activities/analytics/ingest/history_entries.h"
#include "activities/analytics/ingest/ingest.h"
#include "activities/trace/audit.h"
#include "activities/trace/trace_file.h"
#include "activities/trace/trace_validator.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/activities/analytics/trace_corpus.h"
#include "tools/demo/memory_records.h"
#include "workers/client/records_client.h"

namespace wfe::analytics {
namespace {

namespace fs = std::filesystem;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Rows and histories in memory, handed out in small pages.
class FakeStore final : public client::ServiceClient {
 public:
  FakeStore() { records.page_rows = 5; }

  std::shared_ptr<client::CallHandle> Call(std::string_view service, std::string_view method,
                                           const google::protobuf::MessageLite& request,
                                           const client::CallOptions& options,
                                           Function<void(Result<std::string>)> done) override {
    const std::string bytes = request.SerializeAsString();
    if (method == "ListWorkflowExecutions") {
      done(List(bytes));
    } else if (method == "GetWorkflowExecutionHistory") {
      done(History(bytes));
    } else {
      return records.Call(service, method, request, options, std::move(done));
    }
    return nullptr;
  }

  void AddRun(const RunBuilder& run) {
    for (const auto& [key, value] : run.Rows()) rows[key] = value;
  }

  /// A history in which every entry was logged by its activity, and `again` of them a second time on another host.
  void AddHistory(const std::string& run_id, const RunBuilder& run, size_t again = 0) {
    auto& history = histories[run_id];
    const std::vector<trace::LogEntry> entries = run.Sealed();
    for (size_t i = 0; i < entries.size() + again; ++i) {
      const trace::LogEntry& entry = entries[i < entries.size() ? i : i - entries.size()];
      auto& scheduled = *history.add_events();
      scheduled.set_event_id(history.events_size());
      scheduled.set_event_type(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
      auto& attributes = *scheduled.mutable_activity_task_scheduled_event_attributes();
      attributes.set_activity_id("audit-" + std::to_string(i + 1));
      attributes.mutable_activity_type()->set_name("logAuditEntry");
      trace::LogAuditEntryInput input;
      input.working_dir = "/w";
      input.entry = entry;
      attributes.mutable_input()->add_payloads()->set_data(nlohmann::json(input).dump());
      auto& completed = *history.add_events();
      completed.set_event_id(history.events_size());
      completed.set_event_type(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED);
      completed.mutable_activity_task_completed_event_attributes()->set_scheduled_event_id(scheduled.event_id());
    }
  }
  demo::MemoryRecords records;
  std::map<std::string, std::string>& rows = records.tables[std::string(kTracesTable)];
  std::map<std::string, temporal::api::history::v1::History> histories;  // by run id
  std::vector<std::string> queries;

 private:
  Result<std::string> List(const std::string& bytes) {
    ws::ListWorkflowExecutionsRequest request;
    request.ParseFromString(bytes);
    queries.push_back(request.query());
    ws::ListWorkflowExecutionsResponse response;
    auto at = request.next_page_token().empty() ? histories.begin() : histories.upper_bound(request.next_page_token());
    auto& info = *response.add_executions();
    info.mutable_execution()->set_workflow_id("build-" + at->first);
    info.mutable_execution()->set_run_id(at->first);
    info.set_history_length(at->second.events_size());
    if (std::next(at) != histories.end()) response.set_next_page_token(at->first);
    return response.SerializeAsString();
  }

  Result<std::string> History(const std::string& bytes) {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.ParseFromString(bytes);
    const auto found = histories.find(request.execution().run_id());
    if (found == histories.end()) return NotFound("no history of run " + request.execution().run_id());
    const int begin = request.next_page_token().empty() ? 0 : std::stoi(request.next_page_token());
    ws::GetWorkflowExecutionHistoryResponse response;
    for (int i = begin; i < std::min(begin + 3, found->second.events_size()); ++i) {
      *response.mutable_history()->add_events() = found->second.events(i);
    }
    if (begin + 3 < found->second.events_size()) response.set_next_page_token(std::to_string(begin + 3));
    return response.SerializeAsString();
  }
};

SourceSpec Directory(const std::string& path) { return {std::string(kSourceDirectory), path}; }

std::vector<std::string> Locations(const SourceListing& listing, const std::string& below) {
  std::vector<std::string> locations;
  for (const TraceUnit& unit : listing.units) locations.push_back(fs::relative(unit.location, below).string());
  return locations;
}

TEST(ListSources, FindsEveryTraceOfATreeOnceAndInOrder) {
  const TempDir dir;
  for (const char* path : {"b/audit_trace.jsonl", "a/deep/er/audit_trace.jsonl", "audit_trace.jsonl", "c/other.jsonl",
                           "d/node_modules/x/audit_trace.jsonl", "d/.git/audit_trace.jsonl"}) {
    WriteAll(dir / path, "x\n");
  }
  fs::create_directory_symlink(dir.path(), dir / "b/loop");
  fs::create_directory_symlink(dir / "a", dir / "z_again");
  fs::create_symlink(dir / "b/audit_trace.jsonl", dir / "c/audit_trace.jsonl");
  fs::create_symlink(dir / "nowhere", dir / "c/broken");
  const Result<SourceListing> listing = ListSources({Directory(dir.path())}, {});
  ASSERT_TRUE(listing.has_value());
  EXPECT_THAT(Locations(*listing, dir.path()),
              ElementsAre("audit_trace.jsonl", "a/deep/er/audit_trace.jsonl", "b/audit_trace.jsonl"));
  EXPECT_THAT(listing->report.problems, IsEmpty());
  EXPECT_THAT(listing->files_of_source, ElementsAre(3));
}

// RW-D43: an agent made a link to / and one to a directory above.
TEST(ListSources, LinksBelowADirectoryAreNotFollowedAndTheDirectoryItselfMayBeOne) {
  const TempDir dir;
  WriteAll(dir / "outside/audit_trace.jsonl", "x\n");
  WriteAll(dir / "given/build/audit_trace.jsonl", "x\n");
  fs::create_directory_symlink("/", dir / "given/build/rootlink");
  fs::create_directory_symlink("../..", dir / "given/build/up");
  fs::create_directories(dir / "given/linked");
  fs::create_symlink(dir / "outside/audit_trace.jsonl", dir / "given/linked/audit_trace.jsonl");
  fs::create_directory_symlink(dir / "given", dir / "other_name");
  for (const char* root : {"given", "other_name"}) {
    std::vector<std::string> visited;
    CollectContext context;
    context.progress = [&](const std::string& what) {
      visited.push_back(what);
      return Ok();
    };
    const Result<SourceListing> listing = ListSources({Directory(dir / root)}, context);
    ASSERT_TRUE(listing.has_value());
    ASSERT_EQ(listing->units.size(), 1U) << root;
    EXPECT_EQ(listing->units[0].location, dir / root + "/build/audit_trace.jsonl");
    EXPECT_EQ(visited.size(), 3U) << "the directory, build and linked";
    EXPECT_THAT(listing->report.problems, IsEmpty());
  }
}

TEST(ListSources, DirectoryThatCannotBeReadIsAProblemAndLosesNothingElse) {
  const TempDir dir;
  WriteAll(dir / "a/audit_trace.jsonl", "x\n");
  WriteAll(dir / "closed/audit_trace.jsonl", "x\n");
  fs::permissions(dir / "closed", fs::perms::none);
  const Result<SourceListing> listing = ListSources({Directory(dir.path()), Directory(dir / "absent")}, {});
  fs::permissions(dir / "closed", fs::perms::owner_all);
  ASSERT_TRUE(listing.has_value());
  const bool root = geteuid() == 0;  // root reads everything
  EXPECT_EQ(listing->units.size(), root ? 2U : 1U);
  ASSERT_EQ(listing->report.problems.size(), root ? 1U : 2U);
  EXPECT_EQ(listing->report.problems.back().file, dir / "absent");
  EXPECT_THAT(listing->report.problems.back().message, HasSubstr("No such file"));
}

TEST(ListSources, OneFileOfAnyNameIsASource) {
  const TempDir dir;
  WriteAll(dir / "corpus.jsonl", RepairedRun("r").Lines());
  const Result<SourceListing> listing = ListSources({Directory(dir / "corpus.jsonl")}, {});
  ASSERT_TRUE(listing.has_value());
  EXPECT_THAT(Locations(*listing, dir.path()), ElementsAre("corpus.jsonl"));
}

TEST(ListSources, ProgressThatFailsEndsTheSearch) {
  const TempDir dir;
  CollectContext context;
  context.progress = [](const std::string&) { return Status(Cancelled("enough")); };
  const Result<SourceListing> listing = ListSources({Directory(dir.path())}, context);
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().code, StatusCode::kCancelled);
}

TEST(ListSources, SourceWithoutItsServiceIsRefused) {
  for (const std::string_view kind : {kSourceRecords, kSourceHistory}) {
    const Result<SourceListing> listing = ListSources({{std::string(kind), ""}}, {});
    ASSERT_FALSE(listing.has_value());
    EXPECT_EQ(listing.error().code, StatusCode::kFailedPrecondition);
  }
}

TEST(ListSources, RowsOfTheStoreAreCoveredByPrefixesWithoutOverlap) {
  FakeStore store;
  for (int i = 0; i < 40; ++i) {
    store.rows["run-" + std::to_string(i) + "/x"] = std::string(1 << 19, 'x');  // 20 MB
  }
  client::RecordsClient records(store);
  CollectContext context;
  context.records = &records;
  const Result<SourceListing> listing = ListSources({{std::string(kSourceRecords), ""}}, context);
  ASSERT_TRUE(listing.has_value());
  EXPECT_GT(listing->units.size(), 4U);
  for (const auto& [key, value] : store.rows) {
    int covered = 0;
    for (const TraceUnit& unit : listing->units) covered += key.starts_with(unit.location) ? 1 : 0;
    EXPECT_EQ(covered, 1) << key;
  }
}

TEST(Chunks, HoldUnitsInOrderUpToTheTarget) {
  const auto unit = [](const std::string& location, int64_t bytes) { return TraceUnit{0, location, "", bytes}; };
  const std::vector<Chunk> chunks =
      Chunks({unit("a", 60), unit("b", 30), unit("c", 20), unit("d", 500), unit("e", 0)}, 100);
  ASSERT_EQ(chunks.size(), 4U);
  EXPECT_EQ(chunks[0].units.size(), 2U);
  EXPECT_EQ(chunks[1].units[0].location, "c");
  EXPECT_EQ(chunks[2].units[0].location, "d");
  EXPECT_EQ(chunks[3].index, 3);
  EXPECT_THAT(Chunks({}, 100), IsEmpty());
}

class ParseChunkTest : public ::testing::Test {
 protected:
  ParsedChunk ParseAll(const std::vector<SourceSpec>& sources) {
    CollectContext context;
    context.records = &records_;
    context.service = &store_;
    const Result<SourceListing> listing = ListSources(sources, context);
    EXPECT_TRUE(listing.has_value()) << listing.error().message;
    const std::vector<Chunk> chunks = Chunks(listing->units, int64_t{1} << 40);
    EXPECT_EQ(chunks.size(), 1U);
    Result<ParsedChunk> parsed = ParseChunk(chunks.at(0), sources, {}, context);
    EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
    return *std::move(parsed);
  }

  TempDir dir_;
  FakeStore store_;
  client::RecordsClient records_{store_};
};

TEST_F(ParseChunkTest, SameRunsFromDirectoryStoreAndHistoryCountOnce) {
  const std::vector<RunBuilder> runs = {RepairedRun("run-1"), RepairedRun("run-10", 100), RepairedRun("run-2", 200)};
  WriteAll(dir_ / "run-1/audit_trace.jsonl", runs[0].Lines());
  for (const RunBuilder& run : runs) store_.AddRun(run);
  store_.AddHistory("run-1", runs[0], 4);
  store_.AddHistory("run-2", runs[2]);
  const std::vector<SourceSpec> sources = {
      Directory(dir_.path()), {std::string(kSourceRecords), ""}, {std::string(kSourceHistory), ""}};
  const ParsedChunk parsed = ParseAll(sources);
  EXPECT_THAT(parsed.result.report.problems, IsEmpty());
  EXPECT_EQ(parsed.table.size(), 21U);
  EXPECT_EQ(parsed.result.report.entries, 21);
  EXPECT_EQ(parsed.result.report.duplicates, 21);
  EXPECT_THAT(parsed.result.entries_of_source, ElementsAre(7, 21, 14));
  EXPECT_THAT(store_.queries, ::testing::Each(std::string(kDefaultHistoryQuery)));
  const std::vector<BuildRow> builds = Builds(parsed.table);
  ASSERT_EQ(builds.size(), 3U);
  for (const BuildRow& build : builds) EXPECT_EQ(build.total_tokens(), 5000);
  EXPECT_EQ(parsed.table.SourceFile(builds[0].first_row), dir_ / "run-1/audit_trace.jsonl");
  EXPECT_EQ(parsed.table.SourceFile(builds[1].first_row), "records:traces/run-10");
}

TEST_F(ParseChunkTest, EntriesThatABuildOffersAgainOnAnotherHostStandOnceInItsTrace) {  // RW-D2
  const RunBuilder run = RepairedRun("run-1");
  store_.AddHistory("run-1", run, 7);
  const auto entries = EntriesOfHistory(store_.histories["run-1"], "run-1");
  ASSERT_TRUE(entries.has_value()) << entries.error().message;
  EXPECT_EQ(entries->size(), 7U);
  const std::string path = dir_ / "audit_trace.jsonl";
  WriteAll(path, run.Lines());
  const Result<trace::TraceReport> compared = trace::CompareTraceWithHistory(path, "run-1", *entries);
  ASSERT_TRUE(compared.has_value());
  EXPECT_TRUE(compared->ok()) << compared->problems[0].message;
  // Rebuilt, it is a sound file of seven lines.
  WriteAll(dir_ / "rebuilt.jsonl", *trace::RebuildTrace(*entries));
  const Result<trace::TraceReport> rebuilt = trace::ValidateTrace(dir_ / "rebuilt.jsonl");
  EXPECT_TRUE(rebuilt->ok()) << rebuilt->problems[0].message;
  EXPECT_EQ(rebuilt->entries, 7);
}

TEST_F(ParseChunkTest, AnotherEntryUnderTheSameIdIsNotFoldedAway) {  // RW-D2, SEC-M7
  RunBuilder run = RepairedRun("run-1");
  store_.AddHistory("run-1", run);
  auto& history = store_.histories["run-1"];
  // The third entry comes once more, changed.
  auto scheduled = history.events(4);
  scheduled.set_event_id(100);
  auto& payload = *scheduled.mutable_activity_task_scheduled_event_attributes()->mutable_input()->mutable_payloads(0);
  std::string data = payload.data();
  data.replace(data.find("2000"), 4, "1000");
  payload.set_data(data);
  auto completed = history.events(5);
  completed.set_event_id(101);
  completed.mutable_activity_task_completed_event_attributes()->set_scheduled_event_id(100);
  *history.add_events() = scheduled;
  *history.add_events() = completed;
  EXPECT_EQ(EntriesOfHistory(history, "run-1")->size(), 8U);
}

TEST_F(ParseChunkTest, RowThatSomebodyTookInAdvanceDoesNotStandForTheBuilds) {  // SEC-M7
  const RunBuilder run = RepairedRun("run-1");
  std::vector<std::string> warnings;
  const auto ingest = IngestInto(std::make_shared<client::RecordsClient>(store_), std::string(kTracesTable),
                                 [&](const std::string& sentence) { warnings.push_back(sentence); });
  // Entry ids can be computed, so a row can be written before the build writes it.
  const trace::LogEntry third = run.Sealed()[2];
  trace::LogEntry forged = third;
  trace::SetTokenCounts(forged, 1, 1);
  const std::string key = "run-1/" + trace::ExtString(third, "entry_id");
  store_.rows[key] = trace::SerializeLogEntry(forged);
  for (const auto& [row, line] : run.Rows()) {
    ASSERT_TRUE(ingest(row, line).has_value());
    ASSERT_TRUE(ingest(row, line).has_value()) << "a retry changes nothing";
  }
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0], HasSubstr(key + " of the table traces was written by somebody else"));
  EXPECT_EQ(store_.rows.size(), 8U);
  const ParsedChunk parsed = ParseAll({{std::string(kSourceRecords), ""}});
  EXPECT_EQ(parsed.table.size(), 7U);
  EXPECT_EQ(Builds(parsed.table).at(0).total_tokens(), 5000);
  EXPECT_FALSE(Builds(parsed.table).at(0).chain_broken);
  ASSERT_EQ(parsed.result.report.problems.size(), 1U);
  EXPECT_THAT(parsed.result.report.problems[0].message, HasSubstr("2 rows claim the place 3 of run run-1"));
}

TEST_F(ParseChunkTest, EditedRowOfTheStoreIsFoundByTheChain) {
  store_.AddRun(RepairedRun("run-1"));
  const trace::LogEntry third = RepairedRun("run-1").Sealed()[2];
  std::string& row = store_.rows["run-1/" + trace::ExtString(third, "entry_id")];
  row.replace(row.find("2000"), 4, "1000");
  const ParsedChunk parsed = ParseAll({{std::string(kSourceRecords), ""}});
  EXPECT_EQ(parsed.result.report.problems_by_kind.at(kProblemChain), 1);
  EXPECT_EQ(parsed.result.report.problems_by_kind.at(kProblemArithmetic), 1);
  EXPECT_EQ(parsed.result.report.problems[0].line, 3);
}

TEST_F(ParseChunkTest, FileOrHistoryThatHasGoneIsAProblem) {
  WriteAll(dir_ / "a/audit_trace.jsonl", RepairedRun("a").Lines());
  store_.AddHistory("run-2", RepairedRun("run-2"));
  Chunk chunk;
  chunk.units = {{0, dir_ / "gone/audit_trace.jsonl", "", 1},
                 {0, dir_ / "a/audit_trace.jsonl", "", 1},
                 {1, "build-gone", "gone", 1}};
  CollectContext context;
  context.service = &store_;
  const std::vector<SourceSpec> sources = {Directory(dir_.path()), {std::string(kSourceHistory), ""}};
  const Result<ParsedChunk> parsed = ParseChunk(chunk, sources, {}, context);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->table.size(), 7U);
  EXPECT_EQ(parsed->result.report.problem_count(), 2);
}

TEST(CollectJson, ComesBackAsItWas) {
  const SourceSpec spec{std::string(kSourceHistory), "WorkflowId = 'x'", "other"};
  EXPECT_EQ(nlohmann::json(spec).get<SourceSpec>(), spec);
  const Chunk chunk{3, {{1, "build", "run", 77}, {0, "/a", "", 5}}, 82};
  EXPECT_EQ(nlohmann::json(chunk).get<Chunk>(), chunk);
  ChunkResult result{4, "hash", {5, 6}, {}};
  result.report.entries = 11;
  result.report.schema_versions[1] = 11;
  result.report.Add("f", 2, kProblemClock, "late");
  EXPECT_EQ(nlohmann::json(result).get<ChunkResult>(), result);
  EXPECT_THROW(nlohmann::json({{"kind", "ftp"}}).get<SourceSpec>(), nlohmann::json::exception);
}

}  // namespace
}  // namespace wfe::analytics
