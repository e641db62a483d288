#include "engine/storage/ledger.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using testing::HasSubstr;

LedgerMark Mark(uint64_t sequence) { return {"id", sequence, "hash", 3, false}; }

void Overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << bytes;
}

TEST(FileLedger, ANewOneHoldsNoMark) {
  TempFolder folder;
  EXPECT_EQ(FileLedger::Open(folder / "ledger").value()->Read().value(), std::nullopt);
}

TEST(FileLedger, TheNewestMarkIsReadBackByTheNextProcess) {
  TempFolder folder;
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) {
    auto ledger = FileLedger::Open(folder / "ledger").value();
    ASSERT_TRUE(ledger->Write(Mark(sequence)).has_value());
    ASSERT_EQ(ledger->Read().value(), Mark(sequence));
  }
  LedgerMark clean = Mark(6);
  clean.clean_shutdown = true;
  clean.catalog = {"MANIFEST-000042", 12'345};  // SEC-H4
  ASSERT_TRUE(FileLedger::Open(folder / "ledger").value()->Write(clean).has_value());
  EXPECT_EQ(FileLedger::Open(folder / "ledger").value()->Read().value(), clean);
}

TEST(FileLedger, ATornWriteLeavesTheMarkBeforeIt) {
  TempFolder folder;
  {
    auto ledger = FileLedger::Open(folder / "ledger").value();
    ASSERT_TRUE(ledger->Write(Mark(1)).has_value());  // the second slot
    ASSERT_TRUE(ledger->Write(Mark(2)).has_value());  // the first slot
  }
  Overwrite(folder / "ledger", 20, "garbage");
  auto ledger = FileLedger::Open(folder / "ledger").value();
  EXPECT_EQ(ledger->Read().value(), Mark(1));
  ASSERT_TRUE(ledger->Write(Mark(3)).has_value());
  EXPECT_EQ(ledger->Read().value(), Mark(3));
}

TEST(FileLedger, TwoDamagedSlotsAreDataLossAndNotAnEmptyLedger) {
  TempFolder folder;
  {
    auto ledger = FileLedger::Open(folder / "ledger").value();
    ASSERT_TRUE(ledger->Write(Mark(1)).has_value());
  }
  Overwrite(folder / "ledger", 4096 + 20, "garbage");
  const auto mark = FileLedger::Open(folder / "ledger").value()->Read();
  ASSERT_FALSE(mark.has_value());
  EXPECT_EQ(mark.error().code, StatusCode::kDataLoss);
  EXPECT_THAT(mark.error().message, HasSubstr(folder / "ledger"));
}

}  // namespace
}  // namespace wfe::storage
