// Opening a store: identity, epoch, format, the ledger's word, and folders.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "engine/storage/keys.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Commits `count` events of a run one by one, durably.
void CommitEvents(Store& store, EventId first, int count) {
  for (int i = 0; i < count; ++i) {
    store.executions().Commit(One(CommitOf(Key("w"), first + i, 1)), {});
    store.stage().RunOnce();
  }
}

void RemoveRow(MemoryKeyValueStore& disk, std::string_view key) {
  WriteSet set;
  set.deletes.push_back({Family::kMeta, std::string(key)});
  ASSERT_TRUE(disk.Write({&set}, true).has_value());
}

TEST(Store, TheEpochRisesAtEveryOpenAndTheRestOfTheIdentityStays) {  // F7
  MemoryMachine machine;
  const StoreIdentity first = machine.Start()->identity();
  machine.disk->Crash();
  const StoreIdentity second = machine.Start()->identity();
  EXPECT_EQ(first.secret.size(), 32u);
  EXPECT_EQ(second.secret, first.secret);
  EXPECT_EQ(second.store_id, first.store_id);
  EXPECT_EQ(second.epoch, first.epoch + 1);
  MemoryMachine other;
  other.ids = SeededIdSource(7);
  EXPECT_NE(other.Start()->identity().secret, first.secret);
}

TEST(Store, ANewStoreHasTheDefaultNamespaceAndKeepsOthers) {
  MemoryMachine machine;
  auto store = machine.Start();
  ASSERT_TRUE(store->namespaces().Get("default").value().has_value());
  const std::string id = store->namespaces().Get("default").value()->id();
  engine::v1::NamespaceRow row;
  EXPECT_EQ(store->namespaces().Put(row).error().code, StatusCode::kInvalidArgument);
  row.set_name("builds");
  row.set_description("of the farm");
  ASSERT_TRUE(store->namespaces().Put(row).has_value());
  store.reset();
  machine.disk->Crash();
  store = machine.Start();
  std::vector<std::string> names;
  const auto namespaces = store->namespaces().List().value();
  for (const auto& found : namespaces) names.push_back(found.name());
  EXPECT_THAT(names, ElementsAre("builds", "default"));
  EXPECT_EQ(store->namespaces().Get("builds").value()->description(), "of the farm");
  EXPECT_EQ(store->namespaces().Get("default").value()->id(), id);
  EXPECT_EQ(store->namespaces().Get("nobody").value(), std::nullopt);
}

TEST(Store, ANewerFormatIsRefused) {
  MemoryMachine machine;
  machine.Start();
  WriteSet set;
  std::string version;
  keys::AppendU64(version, keys::kFormatVersion + 1);
  set.puts.push_back({Family::kMeta, std::string(keys::kFormat), version});
  ASSERT_TRUE(machine.disk->Write({&set}, true).has_value());
  const auto store = machine.TryStart();
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(store.error().message, HasSubstr("has format 5, written by a newer version"));
}

TEST(Store, FewerCommitsThanTheLedgerKnowsAreRefusedUntilTheLossIsAccepted) {
  MemoryMachine machine;
  auto store = machine.Start();
  CommitEvents(*store, 1, 3);
  auto backup = std::make_shared<MemoryKeyValueStore>();  // an older copy of the disk
  for (int i = 0; i < kFamilyCount; ++i) {
    WriteSet rows;
    auto cursor = machine.disk->Scan(static_cast<Family>(i), "", "");
    for (; cursor->Valid(); cursor->Next()) {
      rows.puts.push_back({static_cast<Family>(i), std::string(cursor->key()), std::string(cursor->value())});
    }
    ASSERT_TRUE(cursor->Finish().has_value());
    ASSERT_TRUE(backup->Write({&rows}, true).has_value());
  }
  CommitEvents(*store, 4, 5);
  ASSERT_TRUE(store->Close().has_value());
  store.reset();
  machine.disk = backup;

  const auto refused = machine.TryStart();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, StatusCode::kDataLoss);
  EXPECT_THAT(refused.error().message,
              HasSubstr("it ends at commit 4 but commit 9 was durable: 5 commits are missing"));
  EXPECT_THAT(refused.error().message, HasSubstr("--accept-data-loss=4"));
  machine.accept_data_loss = 3;
  EXPECT_FALSE(machine.TryStart().has_value());
  machine.accept_data_loss = 4;
  store = machine.Start();
  EXPECT_EQ(store->executions().reader().LastEventId(Key("w")).value(), 3);
  EXPECT_EQ(store->stage().last_sequence(), 10u);  // no number is used twice
  engine::v1::StoreAuditRow audit;
  ASSERT_TRUE(audit.ParseFromString(store->kv().Get(Family::kMeta, keys::AuditRow(10)).value()));
  EXPECT_EQ(audit.recovered_sequence(), 4u);
  EXPECT_EQ(audit.ledger_sequence(), 9u);
  store.reset();
  EXPECT_EQ(machine.TryStart().error().code, StatusCode::kFailedPrecondition);  // nothing to accept any more
  machine.accept_data_loss.reset();
  EXPECT_TRUE(machine.TryStart().has_value());
}

TEST(Store, RowsWithoutTheirLedgerAreRefused) {
  MemoryMachine machine;
  machine.Start();
  machine.ledger = std::make_shared<MemoryLedger>();
  const auto store = machine.TryStart();
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, StatusCode::kDataLoss);
  EXPECT_THAT(store.error().message, HasSubstr("its ledger is missing"));
  machine.accept_data_loss = 1;
  EXPECT_TRUE(machine.TryStart().has_value());
}

TEST(Store, TheLedgerOfAnotherStoreIsRefused) {
  MemoryMachine machine, other;
  other.ids = SeededIdSource(7);
  machine.Start();
  other.Start();
  machine.ledger = other.ledger;
  EXPECT_THAT(machine.TryStart().error().message, HasSubstr("belongs to another store"));
}

TEST(Store, AnotherHistoryOfTheSameLengthIsRefused) {
  MemoryMachine machine;
  auto store = machine.Start();
  CommitEvents(*store, 1, 1);
  ASSERT_TRUE(store->Close().has_value());
  LedgerMark mark = *machine.ledger->Read().value();
  mark.running_hash[0] = static_cast<char>(mark.running_hash[0] ^ 1);
  ASSERT_TRUE(machine.ledger->Write(mark).has_value());
  EXPECT_THAT(machine.TryStart().error().message, HasSubstr("is not the one that the ledger knows"));
}

TEST(Store, RowsBehindTheLedgerMustDescendFromIt) {
  MemoryMachine machine;
  auto store = machine.Start();
  CommitEvents(*store, 1, 1);
  store->stage().MarkLedger();
  LedgerMark mark = *machine.ledger->Read().value();
  CommitEvents(*store, 2, 3);
  store.reset();
  ASSERT_TRUE(machine.TryStart().has_value());  // a crash between two marks
  mark.running_hash[0] = static_cast<char>(mark.running_hash[0] ^ 1);
  ASSERT_TRUE(machine.ledger->Write(mark).has_value());
  EXPECT_EQ(machine.TryStart().error().code, StatusCode::kDataLoss);
}

TEST(Store, AFirstOpenThatCrashedAnywhereCanBeRepeated) {
  MemoryMachine machine;
  machine.disk->FailNthWrite(1, Unavailable("EIO"));
  EXPECT_FALSE(machine.TryStart().has_value());  // the ledger was written, the rows were not
  machine.disk->Crash();
  EXPECT_TRUE(machine.TryStart().has_value());
}

TEST(Store, AStoreWithoutIdentityIsNewOnlyWhenTheLedgerIsToo) {
  MemoryMachine machine;
  auto store = machine.Start();
  CommitEvents(*store, 1, 2);
  ASSERT_TRUE(store->Close().has_value());
  store.reset();
  RemoveRow(*machine.disk, keys::kIdentity);
  RemoveRow(*machine.disk, keys::kPosition);
  EXPECT_EQ(machine.TryStart().error().code, StatusCode::kDataLoss);
}

class StoreFolderTest : public testing::Test {
 protected:
  StoreOptions Options() {
    StoreOptions options;
    options.clock = &clock_;
    options.ids = &ids_;
    return options;
  }
  TempFolder folder_;
  SystemClock clock_;
  SystemIdSource ids_;
};

TEST_F(StoreFolderTest, ItIsMadeForItsOwnerOnlyAndKeepsWhatWasCommitted) {
  const std::string path = folder_ / "a/store";
  {
    StoreOptions options = Options();
    options.commit_thread = true;
    auto store = Store::OpenDirectory(path, options).value();
    store->executions().Commit(One(CommitOf(Key("w"), 1, 3)), {});
    ASSERT_TRUE(store->Close().has_value());
  }
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((path + "/ledger").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto store = Store::OpenDirectory(path, Options()).value();
  EXPECT_EQ(store->executions().reader().VerifyChain(Key("w")).value().events, 3);
}

TEST_F(StoreFolderTest, ASecondEngineOnTheSameFolderIsRefusedByName) {  // F7
  const std::string path = folder_ / "store";
  const auto first = Store::OpenDirectory(path, Options());
  ASSERT_TRUE(first.has_value());
  const auto second = Store::OpenDirectory(path, Options());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.error().message, HasSubstr(path));
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
}

TEST_F(StoreFolderTest, AFolderThatOthersMayWriteToIsRefused) {
  const std::string path = folder_ / "store";
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  const auto store = Store::OpenDirectory(path, Options());
  ASSERT_FALSE(store.has_value());
  EXPECT_THAT(store.error().message, HasSubstr("chmod go-w"));
}

TEST_F(StoreFolderTest, ToolsReadItBesideTheEngine) {
  const std::string path = folder_ / "store";
  EXPECT_EQ(Store::OpenDirectoryReadOnly(path).error().code, StatusCode::kNotFound);
  auto store = Store::OpenDirectory(path, Options()).value();
  CommitEvents(*store, 1, 4);
  const auto rows = Store::OpenDirectoryReadOnly(path);
  ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
  const auto report = ExecutionReader(**rows).VerifyChain(Key("w")).value();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.events, 4);
}

}  // namespace
}  // namespace wfe::storage
