// Pages of stored events, forwards and backwards.
#include "engine/shard/history_page.h"

#include <gmock/gmock.h>

#include "engine/shard/history_bytes.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HistoryPages : public ::testing::Test {
 protected:
  void SetUp() override {
    Add(1, 3, "a");
    Add(4, 1, std::string(1000, 'b'));
    Add(5, 6, "c");
  }
  void Add(EventId first, int count, const std::string& text) {
    storage::ExecutionCommit commit = storage::CommitOf(storage::Key("w"), first, count);
    commit.events = storage::Events(first, count, text);
    store_->executions().Commit(storage::One(std::move(commit)), {});
  }

  std::vector<EventId> Ids(std::string_view history) {
    std::vector<EventId> ids;
    for (const std::string_view field : CutHistory(history)) {
      temporal::api::history::v1::HistoryEvent event;
      const std::string_view bytes = StripField(field);
      EXPECT_TRUE(event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
      ids.push_back(event.event_id());
    }
    return ids;
  }
  std::vector<EventId> Read(const PageRange& range, EventId* next = nullptr) {
    const EventsRead read = ReadPage(store_->executions(), storage::Key("w"), range).value();
    if (next) *next = read.next;
    return Ids(read.bytes);
  }
  std::vector<EventId> ReadReverse(const PageRange& range, EventId* next = nullptr) {
    const EventsRead read = ReadPageReverse(store_->executions(), storage::Key("w"), range).value();
    if (next) *next = read.next;
    return Ids(read.bytes);
  }

  storage::MemoryMachine machine_;
  std::unique_ptr<storage::Store> store_ = machine_.Start();
};

TEST_F(HistoryPages, AreCutAtTheirNumberOfEventsAcrossBatches) {
  EventId next = 0;
  EXPECT_THAT(Read({.first = 2, .end = 11, .max_events = 4}, &next), ElementsAre(2, 3, 4, 5));
  EXPECT_EQ(next, 6);
  EXPECT_THAT(Read({.first = next, .end = 11, .max_events = 4}, &next), ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(Read({.first = next, .end = 11, .max_events = 4}, &next), ElementsAre(10));
  EXPECT_EQ(next, 11);
  EXPECT_THAT(Read({.first = 11, .end = 11}, &next), IsEmpty());
}

TEST_F(HistoryPages, AreCutAtTheirBytesButHoldOneEvent) {
  EventId next = 0;
  EXPECT_THAT(Read({.first = 1, .end = 11, .max_bytes = 200}, &next), ElementsAre(1, 2, 3));
  EXPECT_THAT(Read({.first = next, .end = 11, .max_bytes = 200}, &next), ElementsAre(4)) << "larger than a page";
  EXPECT_THAT(Read({.first = next, .end = 11, .max_bytes = 200}, &next), ElementsAre(5, 6, 7, 8, 9, 10));
}

TEST_F(HistoryPages, BackwardsHoldTheNewestThatFit) {
  EventId next = 0;
  EXPECT_THAT(ReadReverse({.first = 1, .end = 11, .max_events = 3}, &next), ElementsAre(10, 9, 8));
  EXPECT_EQ(next, 8);
  EXPECT_THAT(ReadReverse({.first = 1, .end = 8, .max_bytes = 300}, &next), ElementsAre(7, 6, 5));
  EXPECT_EQ(next, 5);
  EXPECT_THAT(ReadReverse({.first = 1, .end = 5, .max_bytes = 300}, &next), ElementsAre(4));
  EXPECT_THAT(ReadReverse({.first = 1, .end = 4}, &next), ElementsAre(3, 2, 1));
  EXPECT_EQ(next, 1);
}

TEST_F(HistoryPages, AMissingEventIsNamed) {
  const Error error = ReadPage(store_->executions(), storage::Key("w"), {.first = 9, .end = 13}).error();
  EXPECT_EQ(error.code, StatusCode::kDataLoss);
  EXPECT_EQ(error.message, "event 11 of workflow w, run r1 is missing from the store");
}

/// Counts what is asked of a store.
class CountingRows final : public storage::KeyValueReader {
 public:
  explicit CountingRows(const storage::KeyValueReader& rows) : rows_(rows) {}
  Result<std::string> Get(storage::Family family, std::string_view key) const override {
    ++reads;
    return rows_.Get(family, key);
  }
  std::unique_ptr<storage::Cursor> Scan(storage::Family family, std::string_view first,
                                        std::string_view last) const override {
    ++reads;
    return rows_.Scan(family, first, last);
  }
  std::unique_ptr<storage::Cursor> ScanReverse(storage::Family family, std::string_view first,
                                               std::string_view last) const override {
    ++reads;
    return rows_.ScanReverse(family, first, last);
  }
  mutable int reads = 0;

 private:
  const storage::KeyValueReader& rows_;
};

TEST_F(HistoryPages, OneEventTakesOneRead) {  // R4
  while (store_->stage().RunOnce() > 0) {
  }
  const CountingRows rows(*machine_.disk);
  const storage::ExecutionReader reader(rows);
  const auto batches = reader.ReadHistory(storage::Key("w"), {7, 7}, INT64_MAX).value();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].first_event_id, 5);
  EXPECT_EQ(rows.reads, 1);
}

}  // namespace
}  // namespace wfe::shard
