// Damage to the files of a real store, as in the damage matrix of docs/storage.md: refused or without effect, never a
// shorter history that looks complete (F6).
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "engine/storage/rocks_key_value_store.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int kCommits = 60;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// The log that holds the commits: the largest one.
std::string LogOf(const std::string& store) {
  std::string log;
  for (const auto& entry : fs::directory_iterator(store + "/db")) {
    if (entry.path().extension() == ".log" && (log.empty() || entry.file_size() > fs::file_size(log)))
      log = entry.path();
  }
  WFE_CHECK(!log.empty());
  return log;
}

class LogDamageTest : public testing::Test {
 protected:
  /// A store with kCommits commits in its log, left as by kill -9; the ledger knows of `marked` commits.
  std::string MakeStore(int marked) {
    const std::string path = folder_ / "live";
    auto store = Open(path).value();
    for (int i = 1; i <= kCommits; ++i) {
      store->executions().Commit(One(CommitOf(Key("w"), i, 1)), {});
      store->stage().RunOnce();
      if (i == marked) store->stage().MarkLedger();
    }
    const std::string copy = folder_ / "copy";
    fs::copy(path, copy, fs::copy_options::recursive);
    fs::permissions(copy, fs::perms::owner_all);
    return copy;
  }
  Result<std::unique_ptr<Store>> Open(const std::string& path, std::optional<uint64_t> accept = std::nullopt) {
    StoreOptions options;
    options.clock = &clock_;
    options.ids = &ids_;
    options.accept_data_loss = accept;
    options.stage.ledger_interval = std::chrono::hours(1);  // marks when told to
    return Store::OpenDirectory(path, options);
  }
  void DamageLog(const std::string& store, const std::function<void(std::string&)>& damage) {
    const std::string log = LogOf(store);
    std::string bytes = ReadFile(log);
    damage(bytes);
    WriteFile(log, bytes);
  }
  Result<EventId> LastEvent(Store& store) { return store.executions().reader().LastEventId(Key("w")); }
  void ExpectDataLoss(const std::string& path, const std::string& message) {
    const auto store = Open(path);
    ASSERT_FALSE(store.has_value()) << "the damage went unnoticed";
    EXPECT_EQ(store.error().code, StatusCode::kDataLoss) << store.error().ToString();
    EXPECT_THAT(store.error().message, HasSubstr(message));
  }

  TempFolder folder_;
  SystemClock clock_;
  SystemIdSource ids_;
};

TEST_F(LogDamageTest, AKilledStoreOpensWithEverything) {
  const auto store = Open(MakeStore(kCommits / 2));
  ASSERT_TRUE(store.has_value()) << store.error().ToString();
  EXPECT_EQ(LastEvent(**store).value(), kCommits);
}

TEST_F(LogDamageTest, ALastRecordCutShortIsForgivenBehindTheLedger) {
  const std::string path = MakeStore(kCommits - 1);
  DamageLog(path, [](std::string& log) { log.resize(log.size() - 10); });
  const auto store = Open(path);
  ASSERT_TRUE(store.has_value()) << store.error().ToString();
  EXPECT_EQ(LastEvent(**store).value(), kCommits - 1);
}

TEST_F(LogDamageTest, ALastRecordCutShortIsRefusedWhenTheLedgerKnewIt) {
  const std::string path = MakeStore(kCommits);
  DamageLog(path, [](std::string& log) { log.resize(log.size() - 10); });
  ExpectDataLoss(path, "1 commits are missing");
}

TEST_F(LogDamageTest, GarbageInTheLastRecordIsRefused) {
  const std::string path = MakeStore(kCommits);
  DamageLog(path, [](std::string& log) { log.replace(log.size() - 100, 100, std::string(100, '\x5a')); });
  ExpectDataLoss(path, "");
}

TEST_F(LogDamageTest, AFlippedBitInTheMiddleIsRefused) {
  const std::string path = MakeStore(1);
  DamageLog(path, [](std::string& log) { log[log.size() / 2] = static_cast<char>(log[log.size() / 2] ^ 1); });
  ExpectDataLoss(path, path + "/db");
}

TEST_F(LogDamageTest, ABlockOfZerosInTheMiddleIsRefused) {
  const std::string path = MakeStore(1);
  DamageLog(path, [](std::string& log) { log.replace(log.size() / 2, 4096, std::string(4096, '\0')); });
  ExpectDataLoss(path, path + "/db");
}

TEST_F(LogDamageTest, ZerosAppendedChangeNothing) {
  const std::string path = MakeStore(kCommits);
  DamageLog(path, [](std::string& log) { log.append(100, '\0'); });
  const auto store = Open(path);
  ASSERT_TRUE(store.has_value()) << store.error().ToString();
  EXPECT_EQ(LastEvent(**store).value(), kCommits);
}

TEST_F(LogDamageTest, ALogCutToHalfIsRefusedByTheLedger) {
  const std::string path = MakeStore(kCommits);
  DamageLog(path, [](std::string& log) { log.resize(log.size() / 2); });
  ExpectDataLoss(path, "--accept-data-loss=");
}

TEST_F(LogDamageTest, ADeletedLogIsRefusedByTheLedgerAndGoesOnWhenAccepted) {
  const std::string path = MakeStore(kCommits);
  fs::remove(LogOf(path));
  ExpectDataLoss(path, "61 commits are missing");  // the opening is a commit, too
  ExpectDataLoss(path, "--accept-data-loss=0");     // a refused open writes nothing
  {
    const auto store = Open(path, 0);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_EQ(LastEvent(**store).value(), 0);
    EXPECT_EQ((*store)->stage().last_sequence(), kCommits + 2u);
    EXPECT_GT((*store)->identity().epoch, 1u);  // tokens of the lost life stay invalid
  }
  EXPECT_TRUE(Open(path).has_value());
}

TEST_F(LogDamageTest, AFlippedBitAnywhereIsRefusedOrWithoutEffect) {
  const std::string original = MakeStore(kCommits);
  {  // Half of the rows in table files, half in a log.
    auto store = Open(original).value();
    ASSERT_TRUE(store->Close().has_value());
  }
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(original)) {
    const std::string name = entry.path().filename().string();
    const bool speaks_only = name.starts_with("LOG") || name == "LOCK" || name.starts_with("OPTIONS");
    if (entry.is_regular_file() && !speaks_only && entry.file_size() > 0) {
      files.push_back(fs::relative(entry.path(), original).string());
    }
  }
  ASSERT_GE(files.size(), 4u);
  SeededIdSource random(1);
  for (const std::string& file : files) {
    for (int i = 0; i < 5; ++i) {
      const std::string path = folder_ / "flipped";
      fs::remove_all(path);
      fs::copy(original, path, fs::copy_options::recursive);
      fs::permissions(path, fs::perms::owner_all);
      std::string bytes = ReadFile(path + "/" + file);
      const size_t at = random.NextRandom() % bytes.size();
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random.NextRandom() % 8)));
      WriteFile(path + "/" + file, bytes);
      const auto store = Open(path);
      if (!store.has_value()) continue;
      const auto report = (*store)->executions().reader().VerifyChain(Key("w"));
      if (!report.has_value() && report.error().code != StatusCode::kNotFound) continue;  // the read is refused
      ASSERT_TRUE(report.has_value() && report->ok() && report->events == kCommits)
          << file << " at " << at << ": a wrong history is served";
    }
  }
}

// --- The list of the database's files (SEC-H4).

class CatalogDamageTest : public LogDamageTest {
 protected:
  /// A store whose rows are in table files that its list learned of one by one; returns a copy as after kill -9.
  std::string MakeFlushedStore() {
    const std::string path = folder_ / "flushed";
    auto store = Open(path).value();
    for (int i = 1; i <= kCommits; ++i) {
      store->executions().Commit(One(CommitOf(Key("w"), i, 1)), {});
      store->stage().RunOnce();
      if (i % 10 == 0) {
        EXPECT_TRUE(dynamic_cast<RocksKeyValueStore&>(store->kv()).Flush());
      }
    }
    store->stage().MarkLedger();
    return Copy(path);
  }
  std::string Copy(const std::string& path) {
    const std::string copy = folder_ / ("copy" + std::to_string(++copies_));
    fs::copy(path, copy, fs::copy_options::recursive);
    fs::permissions(copy, fs::perms::owner_all);
    return copy;
  }
  static std::string ListOf(const std::string& store) {
    const std::string name = ReadFile(store + "/db/CURRENT");
    return store + "/db/" + name.substr(0, name.find('\n'));
  }
  int copies_ = 0;
};

TEST_F(CatalogDamageTest, AWholeListIsBelieved) {  // SEC-H4
  const auto store = Open(MakeFlushedStore());
  ASSERT_TRUE(store.has_value()) << store.error().ToString();
  EXPECT_EQ(LastEvent(**store).value(), kCommits);
}

TEST_F(CatalogDamageTest, AListThatWasCutAnywhereIsRefusedBeforeAnyTableIsDeleted) {  // SEC-H4
  const std::string original = MakeFlushedStore();
  const size_t whole = ReadFile(ListOf(original)).size();
  for (size_t size = 0; size < whole; size += 37) {
    const std::string path = Copy(original);
    fs::resize_file(ListOf(path), size);
    const auto tables = [&] {
      return std::count_if(fs::directory_iterator(path + "/db"), fs::directory_iterator(),
                           [](const auto& entry) { return entry.path().extension() == ".sst"; });
    };
    const auto before = tables();
    ExpectDataLoss(path, "it no longer names all files");
    EXPECT_EQ(tables(), before);
    fs::remove_all(path);
  }
}

TEST_F(CatalogDamageTest, AnOlderListInItsPlaceIsRefused) {  // SEC-H4
  const std::string path = MakeFlushedStore();
  const std::string list = ListOf(path);
  fs::rename(list, path + "/db/MANIFEST-000001");
  WriteFile(path + "/db/CURRENT", "MANIFEST-000001\n");
  ExpectDataLoss(path, "was in use");
}

TEST_F(CatalogDamageTest, ALossThatIsAcceptedIsWrittenDownAndTheStoreGoesOn) {  // SEC-H4
  const std::string path = MakeFlushedStore();
  const std::string message = [&] {
    fs::resize_file(ListOf(path), fs::file_size(ListOf(path)) - 1);
    return Open(path).error().message;
  }();
  const std::string flag = "--accept-data-loss=";
  const uint64_t sequence = std::stoull(message.substr(message.find(flag) + flag.size()));
  EXPECT_FALSE(Open(path, sequence + 1).has_value());
  {
    auto store = Open(path, sequence);
    if (!store) {  // RocksDB cannot read what is left either
      EXPECT_EQ(store.error().code, StatusCode::kDataLoss);
      return;
    }
    EXPECT_GT((*store)->stage().last_sequence(), sequence);
    EXPECT_TRUE((*store)->Close());
  }
  EXPECT_TRUE(Open(path).has_value());
}

TEST_F(CatalogDamageTest, AStoreThatIsOpenedAgainAndAgainIsBelieved) {  // each open begins a new list
  const std::string path = MakeFlushedStore();
  for (int i = 0; i < 3; ++i) {
    const auto store = Open(path);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    if (i == 1) {
      EXPECT_TRUE((*store)->Close());
    }
  }
}

}  // namespace
}  // namespace wfe::storage
