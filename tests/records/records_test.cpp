#include <gmock/gmock.h>

#include "engine/base/hash.h"
#include "engine/records/budget_store.h"
#include "engine/records/records_service.h"
#include "engine/records/records_store.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::records {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Name(std::string_view bytes) { return ToHex(Sha256(bytes)); }

class RecordsTest : public testing::Test {
 protected:
  void SetUp() override { Restart(); }
  void Restart() {
    records_.reset();
    store_.reset();
    machine_.disk->Crash();
    store_ = machine_.Start();
    records_ = RecordsStore::Open(store_->stage(), limits_).value();
  }
  size_t BlobRows() { return machine_.disk->RowCount(storage::Family::kBlobs); }
  std::string Read(const std::string& name, int64_t piece) {
    std::string bytes;
    while (true) {
      const auto part = records_->GetBlob(name, static_cast<int64_t>(bytes.size()), piece).value();
      bytes += part.data;
      if (static_cast<int64_t>(bytes.size()) >= part.total_bytes || part.data.empty()) return bytes;
    }
  }
  std::vector<std::string> Scan(std::string_view prefix, std::string_view after, int limit, bool& more) {
    const RowPage page = records_->ScanRows("traces", prefix, after, limit).value();
    more = page.more;
    std::vector<std::string> rows;
    for (const auto& [key, value] : page.rows) rows.push_back(key + "=" + value);
    return rows;
  }

  storage::MemoryMachine machine_;
  RecordsLimits limits_{.max_blob_bytes = 100,
                        .max_piece_bytes = 20,
                        .max_key_bytes = 8,
                        .max_row_bytes = 16,
                        .max_rows_per_scan = 4,
                        .max_unfinished_uploads = 2};
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<RecordsStore> records_;
};

TEST_F(RecordsTest, ABlobOfOnePieceIsDurableWhenTheCallReturns) {
  EXPECT_FALSE(records_->PutBlob(Name("hello"), 0, "hello", true).value());
  Restart();
  EXPECT_EQ(Read(Name("hello"), 0), "hello");
  EXPECT_TRUE(records_->PutBlob(Name("hello"), 0, "hello", true).value());
  EXPECT_FALSE(records_->PutBlob(Name(""), 0, "", true).value());
  EXPECT_EQ(records_->GetBlob(Name(""), 0, 0)->total_bytes, 0);
}

TEST_F(RecordsTest, ABlobInPiecesAppearsWithItsLastOne) {
  const std::string bytes = "the quick brown fox jumps over it";
  ASSERT_FALSE(records_->PutBlob(Name(bytes), 0, bytes.substr(0, 20), false).value());
  EXPECT_EQ(records_->GetBlob(Name(bytes), 0, 0).error().code, StatusCode::kNotFound);
  ASSERT_FALSE(records_->PutBlob(Name(bytes), 20, bytes.substr(20), true).value());
  for (const int64_t piece : {0, 1, 7, 20, 1000}) EXPECT_EQ(Read(Name(bytes), piece), bytes) << piece;
  EXPECT_TRUE(records_->PutBlob(Name(bytes), 0, bytes.substr(0, 20), false).value());
  EXPECT_EQ(BlobRows(), 3u);  // two pieces and the header
}

TEST_F(RecordsTest, ARepeatedPieceChangesNothingAndAWrongOffsetIsRefused) {
  const std::string bytes = "0123456789abcdef";
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 0, "0123", false).has_value());
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 4, "4567", false).has_value());
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 0, "0123", false).has_value());
  const auto gap = records_->PutBlob(Name(bytes), 12, "cdef", true);
  ASSERT_FALSE(gap.has_value());
  EXPECT_EQ(gap.error().code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(gap.error().message, HasSubstr("begins at 8, not at 12"));
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 8, "89abcdef", true).has_value());
  EXPECT_EQ(Read(Name(bytes), 0), bytes);
}

TEST_F(RecordsTest, AnUploadCanBeginAnewWithOtherPieces) {
  const std::string bytes = "0123456789abcdef";
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 0, "01234567", false).has_value());
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 8, "89", false).has_value());
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 0, "01", false).has_value());
  ASSERT_TRUE(records_->PutBlob(Name(bytes), 2, "23456789abcdef", true).has_value());
  EXPECT_EQ(Read(Name(bytes), 0), bytes);
  EXPECT_EQ(BlobRows(), 3u);
  const std::string other = "short";
  ASSERT_TRUE(records_->PutBlob(Name(other), 0, "sho", false).has_value());
  ASSERT_TRUE(records_->PutBlob(Name(other), 0, other, true).has_value());
  EXPECT_EQ(Read(Name(other), 0), other);
  EXPECT_EQ(BlobRows(), 5u);
}

TEST_F(RecordsTest, BytesThatDoNotHashToTheNameLeaveNothing) {
  const auto wrong = records_->PutBlob(Name("right"), 0, "wrong", true);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, StatusCode::kInvalidArgument);
  EXPECT_THAT(wrong.error().message, HasSubstr(Name("wrong")));
  ASSERT_TRUE(records_->PutBlob(Name("abcd"), 0, "ab", false).has_value());
  EXPECT_EQ(records_->PutBlob(Name("abcd"), 2, "xx", true).error().code, StatusCode::kInvalidArgument);
  store_->stage().RunOnce();
  EXPECT_EQ(BlobRows(), 0u);
  EXPECT_EQ(records_->GetBlob(Name("abcd"), 0, 0).error().code, StatusCode::kNotFound);
}

TEST_F(RecordsTest, UnfinishedUploadsAreBoundedAndForgottenAtTheNextStart) {
  for (const char* bytes : {"aa", "bb", "cc"}) {
    ASSERT_TRUE(records_->PutBlob(Name(bytes), 0, std::string(1, bytes[0]), false).has_value());
  }
  EXPECT_EQ(BlobRows(), 4u);  // a piece and a mark of each of two
  EXPECT_EQ(records_->PutBlob(Name("aa"), 1, "a", true).error().code, StatusCode::kFailedPrecondition);
  ASSERT_TRUE(records_->PutBlob(Name("cc"), 1, "c", true).has_value());
  Restart();
  EXPECT_EQ(BlobRows(), 3u);  // the finished one
  EXPECT_EQ(Read(Name("cc"), 0), "cc");
}

TEST_F(RecordsTest, LimitsOfBlobsAreKept) {
  EXPECT_EQ(records_->PutBlob("abc", 0, "", true).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->PutBlob(std::string(64, 'A'), 0, "", true).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->PutBlob(Name("x"), 0, std::string(21, 'x'), true).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->PutBlob(Name("x"), -1, "x", true).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->PutBlob(Name("x"), 0, "", false).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->PutBlob(Name("x"), 90, std::string(11, 'x'), true).error().code, StatusCode::kResourceExhausted);
  EXPECT_EQ(records_->PutBlob(Name("x"), INT64_MAX, "x", true).error().code, StatusCode::kResourceExhausted);
  ASSERT_TRUE(records_->PutBlob(Name("x"), 0, "x", true).has_value());
  EXPECT_EQ(records_->GetBlob(Name("x"), 2, 0).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->GetBlob(Name("x"), 1, 0)->data, "");
}

TEST_F(RecordsTest, ARowIsAppendedOnceWhateverComesLater) {
  EXPECT_FALSE(records_->AppendRow("traces", "k1", "first").value());
  EXPECT_TRUE(records_->AppendRow("traces", "k1", "second").value());
  EXPECT_FALSE(records_->AppendRow("other", "k1", "third").value());
  Restart();
  bool more = true;
  EXPECT_THAT(Scan("", "", 0, more), ElementsAre("k1=first"));
  EXPECT_FALSE(more);
}

TEST_F(RecordsTest, RowsArePagedByKeyWithinTheirPrefix) {
  for (const char* key : {"a1", "a2", "a3", "b1", "b2", "b3"})
    ASSERT_TRUE(records_->AppendRow("traces", key, "v").has_value());
  ASSERT_TRUE(records_->AppendRow("tracesx", "zz", "v").has_value());
  bool more = false;
  EXPECT_THAT(Scan("a", "", 2, more), ElementsAre("a1=v", "a2=v"));
  EXPECT_TRUE(more);
  EXPECT_THAT(Scan("a", "a2", 2, more), ElementsAre("a3=v"));
  EXPECT_FALSE(more);
  EXPECT_THAT(Scan("", "", 100, more), ElementsAre("a1=v", "a2=v", "a3=v", "b1=v"));  // the limit
  EXPECT_TRUE(more);
  EXPECT_THAT(Scan("", "b1", 0, more), ElementsAre("b2=v", "b3=v"));
  EXPECT_FALSE(more);
  EXPECT_THAT(Scan("a", "b", 0, more), ElementsAre());
}

TEST_F(RecordsTest, LimitsOfRowsAreKept) {
  for (const char* table : {"", "Traces", "a b", "a1"}) {
    EXPECT_EQ(records_->AppendRow(table, "k", "v").error().code, StatusCode::kInvalidArgument) << table;
  }
  EXPECT_EQ(records_->AppendRow(std::string(65, 'a'), "k", "v").error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->AppendRow("t", "", "v").error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->AppendRow("t", "123456789", "v").error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->AppendRow("t", "k", std::string(17, 'v')).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(records_->ScanRows("t", "", "", -1).error().code, StatusCode::kInvalidArgument);
}

TEST_F(RecordsTest, AFailedDiskIsNeverAnsweredWithSuccess) {  // F4
  machine_.disk->FailNthWrite(1, Unavailable("EIO"));
  EXPECT_EQ(records_->AppendRow("traces", "k", "v").error().code, StatusCode::kUnavailable);
  EXPECT_EQ(records_->AppendRow("traces", "k", "v").error().code, StatusCode::kUnavailable);
  EXPECT_EQ(records_->PutBlob(Name("x"), 0, "x", true).error().code, StatusCode::kUnavailable);
}

TEST_F(RecordsTest, TheServiceAnswersItsMethodsByName) {
  const auto budgets = BudgetStore::Open(store_->stage(), machine_.clock, {}).value();
  RecordsService service(*records_, *budgets, "1.2.3");
  v1::PutBlobRequest put;
  put.set_sha256(Name("x"));
  put.set_data("x");
  put.set_last(true);
  v1::PutBlobResponse stored;
  ASSERT_TRUE(stored.ParseFromString(service.Call("PutBlob", put.SerializeAsString()).value()));
  EXPECT_FALSE(stored.already_present());
  v1::GetBlobRequest get;
  get.set_sha256(Name("x"));
  EXPECT_EQ(service.GetBlob(get)->data(), "x");
  v1::AppendRowRequest append;
  append.set_table("traces");
  append.set_key("k");
  append.set_value("v");
  EXPECT_FALSE(service.AppendRow(append)->already_present());
  v1::ScanRowsRequest scan;
  scan.set_table("traces");
  v1::ScanRowsResponse rows;
  ASSERT_TRUE(rows.ParseFromString(service.Call("ScanRows", scan.SerializeAsString()).value()));
  ASSERT_EQ(rows.rows_size(), 1);
  EXPECT_EQ(rows.rows(0).value(), "v");
  EXPECT_EQ(service.GetInfo({})->server_version(), "1.2.3");
  EXPECT_EQ(service.GetInfo({})->max_piece_bytes(), 20);
  EXPECT_EQ(service.Call("DropTable", "").error().code, StatusCode::kUnimplemented);
  EXPECT_EQ(service.Call("PutBlob", "\xff").error().code, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace wfe::records
