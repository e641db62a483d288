// Every model call is in the ledger, before it is made and after, and what was paid for lost answers is counted (RW-D5,
// AC-8, RC-6).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "activities/agent/backends/http_backend.h"
#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/cost_ledger.h"
#include "activities/agent/cost/cost_report.h"
#include "tests/activities/agent/agent_step_test_support.h"
#include "tests/support/imitation/imitation_server.h"

namespace wfe::agent {
namespace {

using imitation::ImitationServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Chunk(const json& chunk) { return "data: " + chunk.dump() + "\r\n\r\n"; }
ImitationServer::Reply Good(const json& answer) { return {.pieces = {Chunk(answer)}}; }

/// The table, in memory; rows are written once.
struct MemoryTable {
  std::mutex mutex;
  std::map<std::string, std::string> rows;
  bool reachable = true;
  CostLedger::Append Append() {
    return [this](const std::string& key, const std::string& value) -> Status {
      const std::lock_guard lock(mutex);
      if (!reachable) return Unavailable("no records service");
      rows.emplace(key, value);
      return Ok();
    };
  }
  CostReport Report() {
    const std::lock_guard lock(mutex);
    CostReport report;
    for (const auto& [key, value] : rows) EXPECT_TRUE(report.Add(value).has_value());
    return report;
  }
};

class LedgerTest : public AgentTest {
 protected:
  void UseServer(const ImitationServer& server) {
    config_.backends["gemini"] = *MakeHttpBackend({.base_url = server.url(), .api_key = "test-key"});
  }
  CostReport::Group Total() {
    const auto sums = table_.Report().Sum({}, "step", clock_->Now() + std::chrono::hours(1));
    return sums.total;
  }
  MemoryTable table_;
};

TEST_F(LedgerTest, CountsWhatTheServiceCountedThroughRefusalsCutStreamsAndAKilledWorker) {
  const json write = Answer({Write("a", "x")});
  json half = write;
  half["candidates"][0].erase("finishReason");
  const std::string body = R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slow down"}})";
  ImitationServer server({
      {.status = "429 Too Many Requests", .content_type = "application/json", .pieces = {body}},
      {.pieces = {Chunk(half)}, .cut = true},   // billed and broken off
      {.pieces = {Chunk(half)}, .hang = true},  // the worker is killed while this one is open
      Good(write),
      {.status = "503 Service Unavailable", .pieces = {}},
      Good(Answer({TextPart("done")})),
  });
  UseServer(server);
  const auto run = [&](int attempt) {
    CostLedger ledger(config_.work_root, table_.Append());
    config_.record_call = [&ledger](const json& row) { ledger.Record(row); };
    const auto result = Run(Request(), attempt);
    EXPECT_TRUE(ledger.WaitUntilSent(std::chrono::seconds(30)));
    return result;
  };
  EXPECT_EQ(run(1).failure()->type, "MODEL_UNAVAILABLE");
  EXPECT_EQ(run(2).failure()->type, "MODEL_UNAVAILABLE");
  const pid_t worker = fork();
  if (worker == 0) {
    // Its ledger reaches nobody: what it knows is in its files.
    CostLedger ledger(config_.work_root,
                      [](const std::string&, const std::string&) -> Status { return Unavailable("no"); });
    config_.record_call = [&ledger](const json& row) { ledger.Record(row); };
    (void)Run(Request(), 3);
    _exit(1);
  }
  while (!server.hanging()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(worker, SIGKILL);
  int status = 0;
  waitpid(worker, &status, 0);
  EXPECT_EQ(run(4).failure()->type, "MODEL_UNAVAILABLE");
  const auto result = run(5);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  const AgentReply& reply = result.value();
  const CostReport::Group total = Total();
  EXPECT_EQ(total.calls, static_cast<int64_t>(server.requests().size()));
  EXPECT_EQ(total.calls, 6);
  EXPECT_EQ(total.failed, 3);
  EXPECT_EQ(total.lost, 1) << "the killed worker's";
  EXPECT_EQ(total.open, 0);
  EXPECT_EQ(reply.lost_calls, 4);
  EXPECT_EQ(reply.lost_prompt_token_count, 1000) << "the cut stream had said so";
  EXPECT_EQ(reply.prompt_token_count, 2000);
  EXPECT_EQ(total.input_tokens, 3000);
  EXPECT_EQ(reply.cost_usd.value(), Money::Nanos(3 * (1000 * 300 + 110 * 2500)));
  EXPECT_EQ(total.cost_usd, *reply.cost_usd);
}

TEST_F(LedgerTest, RowStandsBeforeTheCallIsMadeAndNamesWhoMakesIt) {
  std::vector<json> rows;
  config_.record_call = [&rows](const json& row) { rows.push_back(row); };
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({Write("a", "x")}), Answer({TextPart("done")})});
  size_t before_first_call = 0;
  backend_->before_call = [&](int turn) {
    if (turn == 1) before_first_call = rows.size();
  };
  ASSERT_TRUE(Run(Request()).has_value());
  EXPECT_EQ(before_first_call, 1u);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0]["status"], "started");
  EXPECT_EQ(rows[1]["status"], "done");
  EXPECT_EQ(rows[0]["call_id"], rows[1]["call_id"]);
  EXPECT_NE(rows[0]["call_id"], rows[2]["call_id"]);
  EXPECT_EQ(LedgerKey(rows[0]).substr(0, 11), "2026-11-21/");
  for (const char* key :
       {"workflow_id", "workflow_run_id", "step_name", "turn", "attempt", "model", "backend", "activity_type"}) {
    EXPECT_TRUE(rows[0].contains(key)) << key;
  }
  for (const char* key : {"input_tokens", "output_tokens", "cached_tokens", "token_count_source", "cost_usd",
                          "price_version", "latency_ms"}) {
    EXPECT_TRUE(rows[1].contains(key)) << key;
  }
  const std::vector<json> first = rows;
  ASSERT_TRUE(Run(Request(), 2).has_value());  // all of it from the journal
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(LedgerKey(rows[4]), LedgerKey(first[1])) << "told again, under the same key";
  EXPECT_EQ(backend_->turns.size(), 2u);
}

TEST_F(LedgerTest, CannedAnswersAreNoCalls) {
  class Canned final : public ModelBackend {
    bool scripted() const override { return true; }
    ModelOutcome Generate(const ModelCall& call, const CallControl&) override {
      return call.turn == 1 ? Answer({Write("a", "x")}) : Answer({TextPart("done")});
    }
  };
  int rows = 0;
  config_.record_call = [&rows](const json&) { ++rows; };
  config_.backends["gemini"] = std::make_shared<Canned>();
  ASSERT_TRUE(Run(Request()).has_value());
  EXPECT_EQ(rows, 0);
}

TEST_F(LedgerTest, RowsWaitInFilesWhileTheRecordsAreAwayAndAreSentLater) {
  table_.reachable = false;
  const json row = {{"call_id", "c1"},
                    {"status", "started"},
                    {"started", "2026-11-21T05:00:00.000Z"},
                    {"time", "2026-11-21T05:00:00.000Z"}};
  {
    CostLedger ledger(root_.path(), table_.Append(), std::chrono::milliseconds(5));
    ledger.Record(row);
    EXPECT_FALSE(ledger.WaitUntilSent(std::chrono::milliseconds(30)));
  }
  EXPECT_TRUE(table_.rows.empty());
  WriteAll(root_ / "ledger-queue/00000000000000000001-000001.json", "not one of ours");
  table_.reachable = true;
  CostLedger next(root_.path(), table_.Append(), std::chrono::milliseconds(5));
  EXPECT_TRUE(next.WaitUntilSent(std::chrono::seconds(30)));
  EXPECT_EQ(table_.rows.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(root_ / "ledger-queue/00000000000000000001-000001.json.bad"));
}

TEST_F(LedgerTest, HalfARowOfAProcessThatWasKilledDoesNotStayForGood) {
  const std::string queue = root_ / "ledger-queue";
  std::filesystem::create_directories(queue);
  for (const char* name : {"/1.json.tmp", "/2.json.tmp"}) WriteAll(queue + name, "{\"key\":\"2026");
  std::filesystem::last_write_time(queue + "/1.json.tmp",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  const CostLedger ledger(root_.path(), table_.Append(), std::chrono::milliseconds(5));
  EXPECT_FALSE(std::filesystem::exists(queue + "/1.json.tmp"));
  EXPECT_TRUE(std::filesystem::exists(queue + "/2.json.tmp"));  // somebody may be writing it
}

TEST(CostReportTest, CallThatNeverEndedIsOpenAtFirstAndLostLater) {
  CostReport report;
  const auto row = [](const char* id, const char* status, const char* model) {
    return json{{"call_id", id},
                {"status", status},
                {"model", model},
                {"workflow_id", "w"},
                {"started", "2026-11-21T05:00:00.000Z"},
                {"time", "2026-11-21T05:00:09.000Z"}};
  };
  json done = row("a", "done", "m1");
  done["input_tokens"] = 100;
  done["output_tokens"] = 10;
  done["cost_usd"] = 0.5;
  json unpriced = row("b", "done", "m2");
  unpriced["input_tokens"] = 7;
  for (const json& each : {done, row("a", "started", "m1"), unpriced, row("c", "started", "m2")}) {
    EXPECT_TRUE(report.Add(each.dump()).has_value());
  }
  EXPECT_FALSE(report.Add("[]").has_value());
  const Instant began = *ParseIso8601("2026-11-21T05:00:00.000Z");
  const auto early = report.Sum({}, "model", began + std::chrono::minutes(1));
  ASSERT_EQ(early.groups.size(), 2u);
  EXPECT_EQ(early.groups[0].calls, 1) << "two rows, one call";
  EXPECT_EQ(early.groups[1].open, 1);
  EXPECT_EQ(early.total.unpriced, 1);
  EXPECT_EQ(report.Sum({}, "day", began + std::chrono::hours(1)).total.lost, 1);
  EXPECT_EQ(report.Sum({.workflow_id = "other", .since = {}}, "day", began).total.calls, 0);
  EXPECT_EQ(report.Sum({.workflow_id = {}, .since = began + std::chrono::seconds(1)}, "step", began).total.calls, 0);
}

}  // namespace
}  // namespace wfe::agent
