// The same expectations of both ordered maps, and what only the one in memory can do.
#include "engine/storage/key_value_store.h"

#include <gmock/gmock.h>

#include "engine/storage/merged_view.h"
#include "engine/storage/rocks_key_value_store.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Drain(std::unique_ptr<Cursor> cursor) {
  std::vector<std::string> rows;
  for (; cursor->Valid(); cursor->Next())
    rows.push_back(std::string(cursor->key()) + "=" + std::string(cursor->value()));
  EXPECT_TRUE(cursor->Finish().has_value());
  return rows;
}

WriteSet Rows(std::vector<std::pair<std::string, std::string>> rows, Family family = Family::kState) {
  WriteSet set;
  for (auto& [key, value] : rows) set.puts.push_back({family, key, value});
  return set;
}

struct MemoryMaker {
  MemoryKeyValueStore store;
  KeyValueStore& Get() { return store; }
};
struct RocksMaker {
  TempFolder folder;
  std::unique_ptr<RocksKeyValueStore> store = RocksKeyValueStore::Open(folder / "db").value();
  KeyValueStore& Get() { return *store; }
};

template <class Maker>
class KeyValueStores : public testing::Test {
 protected:
  void Write(const WriteSet& set, bool sync = true) { ASSERT_TRUE(kv().Write({&set}, sync).has_value()); }
  KeyValueStore& kv() { return maker_.Get(); }

 private:
  Maker maker_;
};
using Makers = testing::Types<MemoryMaker, RocksMaker>;
TYPED_TEST_SUITE(KeyValueStores, Makers);

TYPED_TEST(KeyValueStores, AWrittenRowIsReadBackAndAnAbsentOneIsNotFound) {
  this->Write(Rows({{"a", "1"}, {std::string("z\0z", 3), std::string("\0\xff", 2)}}));
  EXPECT_EQ(this->kv().Get(Family::kState, "a").value(), "1");
  EXPECT_EQ(this->kv().Get(Family::kState, std::string_view("z\0z", 3)).value(), std::string("\0\xff", 2));
  EXPECT_EQ(this->kv().Get(Family::kState, "b").error().code, StatusCode::kNotFound);
  EXPECT_EQ(this->kv().Get(Family::kHistory, "a").error().code, StatusCode::kNotFound);
}

TYPED_TEST(KeyValueStores, SetsOfOneWriteApplyInOrder) {
  const WriteSet first = Rows({{"a", "1"}, {"b", "1"}});
  WriteSet second = Rows({{"a", "2"}});
  second.deletes.push_back({Family::kState, "b"});
  const WriteSet third = Rows({{"c", "3"}}, Family::kMeta);
  ASSERT_TRUE(this->kv().Write({&first, &second, &third}, true).has_value());
  EXPECT_THAT(Drain(this->kv().Scan(Family::kState, "", "")), ElementsAre("a=2"));
  EXPECT_THAT(Drain(this->kv().Scan(Family::kMeta, "", "")), ElementsAre("c=3"));
}

TYPED_TEST(KeyValueStores, AScanKeepsToItsHalfOpenRangeInBothDirections) {
  this->Write(Rows({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}));
  EXPECT_THAT(Drain(this->kv().Scan(Family::kState, "b", "d")), ElementsAre("b=2", "c=3"));
  EXPECT_THAT(Drain(this->kv().Scan(Family::kState, "bb", "")), ElementsAre("c=3", "d=4"));
  EXPECT_THAT(Drain(this->kv().ScanReverse(Family::kState, "b", "d")), ElementsAre("c=3", "b=2"));
  EXPECT_THAT(Drain(this->kv().ScanReverse(Family::kState, "", "")), ElementsAre("d=4", "c=3", "b=2", "a=1"));
  EXPECT_THAT(Drain(this->kv().Scan(Family::kState, "x", "b")), IsEmpty());
  EXPECT_THAT(Drain(this->kv().ScanReverse(Family::kState, "x", "b")), IsEmpty());
}

TYPED_TEST(KeyValueStores, ACursorSeesTheRowsOfTheMomentItWasMade) {
  this->Write(Rows({{"a", "1"}, {"b", "2"}}));
  auto cursor = this->kv().Scan(Family::kState, "", "");
  this->Write(Rows({{"a", "9"}, {"aa", "9"}, {"c", "9"}}));
  EXPECT_THAT(Drain(std::move(cursor)), ElementsAre("a=1", "b=2"));
  EXPECT_EQ(this->kv().Get(Family::kState, "a").value(), "9");
}

TYPED_TEST(KeyValueStores, PendingRowsHideStoredOnesInAMergedWalk) {
  this->Write(Rows({{"a", "1"}, {"b", "2"}, {"d", "4"}, {"e", "5"}}));
  const std::vector<PendingRow> pending = {
      {"b", "B"}, {"c", "C"}, {"d", std::nullopt}, {"f", "F"}, {"g", std::nullopt}};
  EXPECT_THAT(Drain(MergeRows(pending, this->kv().Scan(Family::kState, "", ""), false)),
              ElementsAre("a=1", "b=B", "c=C", "e=5", "f=F"));
  EXPECT_THAT(Drain(MergeRows(pending, this->kv().ScanReverse(Family::kState, "", ""), true)),
              ElementsAre("f=F", "e=5", "c=C", "b=B", "a=1"));
}

TEST(CursorDeathTest, DroppingACursorWithoutFinishStopsTheProcess) {  // ARCHITECTURE D6
  EXPECT_DEATH(
      {
        MemoryKeyValueStore kv;
        kv.Scan(Family::kState, "", "");
      },
      "dropped without Finish");
}

TEST(MemoryKeyValueStore, ACrashLosesExactlyWhatWasNotSynced) {  // F2
  MemoryKeyValueStore kv;
  const WriteSet synced = Rows({{"a", "1"}, {"b", "1"}});
  ASSERT_TRUE(kv.Write({&synced}, true).has_value());
  WriteSet later = Rows({{"a", "2"}, {"c", "2"}});
  later.deletes.push_back({Family::kState, "b"});
  ASSERT_TRUE(kv.Write({&later}, false).has_value());
  EXPECT_EQ(kv.UnsyncedWrites(), 1u);
  EXPECT_THAT(Drain(kv.Scan(Family::kState, "", "")), ElementsAre("a=2", "c=2"));
  kv.Crash();
  EXPECT_THAT(Drain(kv.Scan(Family::kState, "", "")), ElementsAre("a=1", "b=1"));
}

TEST(MemoryKeyValueStore, ACrashMayKeepAPrefixOfWhatWasNotSynced) {
  MemoryKeyValueStore kv;
  for (const char* key : {"a", "b", "c"}) {
    const WriteSet set = Rows({{key, "1"}});
    ASSERT_TRUE(kv.Write({&set}, false).has_value());
  }
  kv.Crash(2);
  EXPECT_THAT(Drain(kv.Scan(Family::kState, "", "")), ElementsAre("a=1", "b=1"));
  kv.Crash();  // What was kept is durable.
  EXPECT_THAT(Drain(kv.Scan(Family::kState, "", "")), ElementsAre("a=1", "b=1"));
}

TEST(MemoryKeyValueStore, ASyncMakesEarlierWritesDurableToo) {
  MemoryKeyValueStore kv;
  const WriteSet first = Rows({{"a", "1"}}), second = Rows({{"b", "1"}});
  ASSERT_TRUE(kv.Write({&first}, false).has_value());
  ASSERT_TRUE(kv.Write({&second}, true).has_value());
  kv.Crash();
  EXPECT_THAT(Drain(kv.Scan(Family::kState, "", "")), ElementsAre("a=1", "b=1"));
}

TEST(MemoryKeyValueStore, ThePlannedWriteFailsAndAllThatFollow) {
  MemoryKeyValueStore kv;
  kv.FailNthWrite(2, Unavailable("no more"), MemoryKeyValueStore::FailedWrite::kUnsynced);
  const WriteSet first = Rows({{"a", "1"}}), second = Rows({{"b", "1"}});
  EXPECT_TRUE(kv.Write({&first}, true).has_value());
  EXPECT_FALSE(kv.Write({&second}, true).has_value());
  EXPECT_FALSE(kv.Write({&first}, true).has_value());
  kv.Crash(1);  // The failed write had reached the disk after all.
  EXPECT_THAT(Drain(kv.Scan(Family::kState, "", "")), ElementsAre("a=1", "b=1"));
}

TEST(RocksKeyValueStore, ASecondOpenIsRefusedAndNamesTheFolder) {  // F7
  TempFolder folder;
  const auto first = RocksKeyValueStore::Open(folder / "db");
  ASSERT_TRUE(first.has_value());
  const auto second = RocksKeyValueStore::Open(folder / "db");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.error().message, HasSubstr(folder / "db"));
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
}

TEST(RocksKeyValueStore, RowsSurviveAReopenAndCanBeReadBesideTheWriter) {
  TempFolder folder;
  {
    auto kv = RocksKeyValueStore::Open(folder / "db").value();
    const WriteSet set = Rows({{"a", "1"}});
    ASSERT_TRUE(kv->Write({&set}, true).has_value());
  }
  auto writer = RocksKeyValueStore::Open(folder / "db").value();
  auto reader = RocksKeyValueStore::OpenReadOnly(folder / "db").value();
  EXPECT_EQ(reader->Get(Family::kState, "a").value(), "1");
  const WriteSet set = Rows({{"b", "1"}});
  EXPECT_FALSE(reader->Write({&set}, true).has_value());
}

TEST(RocksKeyValueStore, ReadingAMissingStoreSaysSo) {
  TempFolder folder;
  const auto kv = RocksKeyValueStore::OpenReadOnly(folder / "db");
  ASSERT_FALSE(kv.has_value());
  EXPECT_EQ(kv.error().code, StatusCode::kNotFound);
  EXPECT_THAT(kv.error().message, HasSubstr(folder / "db"));
  EXPECT_FALSE(std::filesystem::exists(folder / "db"));
}

}  // namespace
}  // namespace wfe::storage
