// The bytes of every key.  They are on disks: a change here needs a new format version and a migration.
#include "engine/storage/keys.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/storage/key_value_store.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using namespace std::chrono_literals;

const std::string kNul("\0", 1);

TEST(Keys, TheBytesAreThese) {
  EXPECT_EQ(keys::kFormatVersion, 4u);
  const ExecutionKey key = Key("w", "r", "n");
  EXPECT_EQ(ToHex(keys::State(key, true)),
            "6f"
            "6e0001"
            "770001"
            "720001");
  EXPECT_EQ(ToHex(keys::State(key, false)),
            "63"
            "6e0001"
            "770001"
            "720001");
  EXPECT_EQ(ToHex(keys::Journal(key, 0x0304)),
            "6a"
            "6e0001"
            "770001"
            "720001"
            "0000000000000304");
  EXPECT_EQ(keys::ParseJournalTransition(keys::Journal(key, 5)), 5);
  EXPECT_EQ(ToHex(keys::Schedule("n", "s")),
            "73"
            "6e0001"
            "730001");
  EXPECT_EQ(ToHex(keys::HistoryPrefix(key)),
            "6e0001"
            "770001"
            "720001");
  EXPECT_EQ(ToHex(keys::History(key, 0x0102)),
            "6e0001"
            "770001"
            "720001"
            "0000000000000102");
  EXPECT_EQ(ToHex(keys::Task(key, 0x0506)),
            "6e0001"
            "770001"
            "720001"
            "0000000000000506");
  EXPECT_EQ(keys::ParseTask(keys::Task(key, 7)), std::pair(key, int64_t{7}));
  EXPECT_EQ(keys::ParseTask(keys::TasksPrefix(key)), std::nullopt);
  EXPECT_EQ(ToHex(keys::Current(key.workflow())),
            "6e0001"
            "770001");
  EXPECT_EQ(ToHex(keys::Request(key, "q")),
            "6e0001"
            "770001"
            "720001"
            "710001");
  EXPECT_EQ(ToHex(keys::Visibility("n", true, Instant(1ns), "r")),
            "6e0001"
            "6f"
            "fffffffffffffffe"
            "720001");
  EXPECT_EQ(ToHex(keys::Visibility("n", false, Instant(1ns), "r")),
            "6e0001"
            "63"
            "fffffffffffffffe"
            "720001");
  EXPECT_EQ(ToHex(keys::NamespaceRow("n")), ToHex("namespace/") + "6e0001");
  EXPECT_EQ(ToHex(keys::AuditRow(7)), ToHex("audit/") + "0000000000000007");
  EXPECT_EQ(ToHex(keys::Blob("H")), "6248");
  EXPECT_EQ(ToHex(keys::BlobPiece("H", 3)),
            "7048"
            "0000000000000003");
  EXPECT_EQ(ToHex(keys::Upload("H")), "7548");
  EXPECT_EQ(ToHex(keys::TablePrefix("t")), "740001");
  EXPECT_EQ(ToHex(keys::Current(Key("a" + kNul + "b").workflow())), ToHex("default") +
                                                                        "0001"
                                                                        "6100ff62"
                                                                        "0001");
}

TEST(Keys, FamiliesAreNamedThese) {
  const char* const names[] = {"meta", "state", "history", "current", "request", "visibility", "blobs", "rows",
                               "tasks"};
  for (int i = 0; i < kFamilyCount; ++i) EXPECT_EQ(FamilyName(static_cast<Family>(i)), names[i]);
}

TEST(Keys, TextsKeepTheirOrderAndNoneIsAPrefixOfAnother) {
  std::vector<std::string> texts = {"",   kNul, kNul + kNul, kNul + "\x01", "\x01", "a", "a" + kNul, "a" + kNul + "b",
                                    "ab", "b",  "\xff"};
  ASSERT_TRUE(std::is_sorted(texts.begin(), texts.end()));
  std::vector<std::string> encoded;
  for (const auto& text : texts) {
    std::string bytes;
    keys::AppendText(bytes, text);
    std::string_view rest = bytes;
    EXPECT_EQ(keys::TakeText(rest), text);
    EXPECT_TRUE(rest.empty());
    for (const auto& other : encoded) EXPECT_FALSE(bytes.starts_with(other) || other.starts_with(bytes));
    encoded.push_back(bytes);
  }
  EXPECT_TRUE(std::is_sorted(encoded.begin(), encoded.end()));
}

TEST(Keys, HostileIdsStayInsideTheirRun) {
  const ExecutionKey key = Key("w" + kNul + "\x01", kNul, "\xff");
  EXPECT_EQ(keys::ParseState(keys::State(key, true)), key);
  EXPECT_FALSE(keys::History(Key("w", "r1"), 1).starts_with(keys::HistoryPrefix(Key("w", "r"))));
}

TEST(Keys, OtherBytesAreNoStateKey) {
  for (const std::string& bytes : {std::string(), std::string("x"), std::string("o"), std::string("o\0\0", 3),
                                   keys::State(Key("w"), true) + "x", keys::State(Key("w"), true).substr(0, 12)}) {
    EXPECT_EQ(keys::ParseState(bytes), std::nullopt) << ToHex(bytes);
  }
}

TEST(Keys, ThePrefixEndIsTheFirstKeyBehindThePrefix) {
  EXPECT_EQ(keys::PrefixEnd("ab"), "ac");
  EXPECT_EQ(keys::PrefixEnd("a\xff"), "b");
  EXPECT_EQ(keys::PrefixEnd("\xff\xff"), "");
}

TEST(StoredBatch, TheValueBeginsWithTheCommitSequenceAndReadsBack) {
  const StoredBatch batch{7, Sha256("head"), Events(3, 2), {}};
  const std::string value = EncodeStoredBatch(batch);
  EXPECT_EQ(ToHex(value.substr(0, 16)),
            "0000000000000007"
            "0000000000000002");
  const StoredBatch read = DecodeStoredBatch(3, value).value();
  EXPECT_EQ(read.commit_sequence, 7u);
  EXPECT_EQ(read.chain_head, batch.chain_head);
  EXPECT_EQ(read.events.count, 2);
  EXPECT_EQ(read.events.bytes, batch.events.bytes);
  EXPECT_EQ(DecodeStoredBatch(3, value.substr(0, 20)).error().code, StatusCode::kDataLoss);
}

TEST(StoredBatch, NotesStandBetweenTheHeadAndTheEvents) {
  const StoredBatch batch{7, Sha256("head"), Events(3, 2), "notes"};
  const std::string value = EncodeStoredBatch(batch);
  EXPECT_EQ(ToHex(value.substr(0, 16)),
            "0000000000000007"
            "8000000000000002");
  EXPECT_EQ(ToHex(value.substr(48, 13)), "0000000000000005" + ToHex("notes"));
  const StoredBatch read = DecodeStoredBatch(3, value).value();
  EXPECT_EQ(read.notes, "notes");
  EXPECT_EQ(read.events.bytes, batch.events.bytes);
  EXPECT_EQ(DecodeStoredBatch(3, value.substr(0, 58)).error().code, StatusCode::kDataLoss);
}

TEST(EventBatch, TheBytesAreASerializedHistory) {  // design rule R4
  temporal::api::history::v1::History history;
  ASSERT_TRUE(history.ParseFromString(Events(5, 2, "a").bytes + Events(7, 1, "b").bytes));
  ASSERT_EQ(history.events_size(), 3);
  EXPECT_EQ(history.events(2).event_id(), 7);
  EXPECT_EQ(history.events(0).workflow_execution_signaled_event_attributes().signal_name(), "a");
}

}  // namespace
}  // namespace wfe::storage
