#include "engine/visibility/visibility_reader.h"

#include <gmock/gmock.h>

#include "tests/storage/storage_test_support.h"

namespace wfe::visibility {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class VisibilityReaderTest : public testing::Test {
 protected:
  void Commit(const std::string& id, int start_second, bool open = true, const std::string& ns = "default",
              EventId event = 1) {
    auto commit = storage::CommitOf(storage::Key(id, "run-" + id, ns), event, 1, open);
    auto& record = commit.visibility.emplace();
    record.set_workflow_id(id);
    record.set_run_id("run-" + id);
    record.set_status(commit.state->folded().status());
    *record.mutable_start_time() = ToProto(Instant(std::chrono::seconds(start_second)));
    store_->executions().Commit(storage::One(std::move(commit)), {});
  }
  std::vector<std::string> Page(const std::string& query, int size, std::string& token) {
    const auto page = reader_.List("default", query, size, token).value();
    token = page.next_page_token;
    std::vector<std::string> ids;
    for (const auto& record : page.records) ids.push_back(record.workflow_id());
    return ids;
  }
  std::vector<std::string> All(const std::string& query) {
    std::string token;
    return Page(query, 1000, token);
  }

  storage::MemoryMachine machine_;
  std::unique_ptr<storage::Store> store_ = machine_.Start();
  VisibilityReader reader_{store_->stage()};
};

TEST_F(VisibilityReaderTest, OpenAndClosedRunsComeTogetherTheLatestStartFirst) {  // EN-7
  Commit("a", 10);
  Commit("b", 30, false);
  store_->stage().RunOnce();
  Commit("c", 20);
  Commit("d", 40, true, "other");
  EXPECT_THAT(All(""), ElementsAre("b", "c", "a"));
  EXPECT_THAT(All("ExecutionStatus = 'Running'"), ElementsAre("c", "a"));
  EXPECT_THAT(All("ExecutionStatus != 'Running'"), ElementsAre("b"));
  EXPECT_THAT(All("StartTime > '1970-01-01T00:00:15Z'"), ElementsAre("b", "c"));
  EXPECT_THAT(All("WorkflowId = 'nobody'"), IsEmpty());
  EXPECT_EQ(reader_.Count("default", "").value(), 3);
  EXPECT_EQ(reader_.Count("default", "ExecutionStatus = 'Completed'").value(), 1);
  EXPECT_EQ(reader_.Count("other", "").value(), 1);
}

TEST_F(VisibilityReaderTest, PagesHoldEveryRunOnce) {
  for (int i = 0; i < 10; ++i) Commit("w" + std::to_string(i), 100 - i / 2, i % 3 != 0);  // with equal start times
  store_->stage().RunOnce();
  std::vector<std::string> paged;
  std::string token;
  int pages = 0;
  do {
    for (auto& id : Page("", 3, token)) paged.push_back(id);
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(pages, 4);
  EXPECT_EQ(paged, All(""));
  EXPECT_EQ(paged.size(), 10u);
  Page("", 10, token);
  EXPECT_TRUE(token.empty());  // a full last page has no next one
}

TEST_F(VisibilityReaderTest, ARunThatClosesBetweenPagesIsNotSeenTwice) {
  Commit("a", 30);
  Commit("b", 20);
  Commit("c", 10);
  std::string token;
  EXPECT_THAT(Page("", 1, token), ElementsAre("a"));
  Commit("a", 30, false, "default", 2);
  Commit("b", 20, false, "default", 2);
  EXPECT_THAT(Page("", 5, token), ElementsAre("b", "c"));
}

TEST_F(VisibilityReaderTest, ATokenOfAnotherQueryIsRefused) {
  Commit("a", 1);
  Commit("b", 2);
  std::string token;
  Page("", 1, token);
  EXPECT_EQ(reader_.List("default", "RunId = 'x'", 1, token).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(reader_.List("other", "", 1, token).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(reader_.List("default", "", 1, "x").error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(reader_.List("default", "", 0, "").error().code, StatusCode::kInvalidArgument);
}

TEST_F(VisibilityReaderTest, LookingIsBounded) {
  for (int i = 0; i < 10; ++i) Commit("w" + std::to_string(i), i);
  const VisibilityReader reader(store_->stage(), {.max_scanned_per_page = 4, .max_scanned_per_count = 9});
  std::string token;
  std::vector<std::string> found;
  int pages = 0;
  do {
    const auto page = reader.List("default", "WorkflowId = 'w0'", 10, token).value();
    for (const auto& record : page.records) found.push_back(record.workflow_id());
    token = page.next_page_token;
    ++pages;
  } while (!token.empty());
  EXPECT_THAT(found, ElementsAre("w0"));
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(reader.Count("default", "").error().code, StatusCode::kResourceExhausted);
}

TEST_F(VisibilityReaderTest, ADamagedRowIsAnErrorAndNotAShorterList) {  // F6
  Commit("a", 1);
  store_->stage().RunOnce();
  storage::WriteSet set;
  auto cursor = machine_.disk->Scan(storage::Family::kVisibility, "", "");
  set.puts.push_back({storage::Family::kVisibility, std::string(cursor->key()), "\xff\xff"});
  ASSERT_TRUE(cursor->Finish().has_value());
  ASSERT_TRUE(machine_.disk->Write({&set}, true).has_value());
  EXPECT_EQ(reader_.List("default", "", 1, "").error().code, StatusCode::kDataLoss);
}

}  // namespace
}  // namespace wfe::visibility
