// Blobs and rows through the records service (EN-8).
#include "workers/client/records_client.h"

#include <gmock/gmock.h>

#include "tools/demo/memory_records.h"

namespace wfe::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using demo::MemoryRecords;

class RecordsClientTest : public ::testing::Test {
 protected:
  MemoryRecords service_;
  RecordsClient records_{service_, std::chrono::seconds(1), /*piece_bytes=*/4};
};

TEST_F(RecordsClientTest, BlobOfManyPiecesComesBackWhole) {
  for (const std::string bytes : {"", "four", "five!", "a blob of many pieces"}) {
    const auto name = records_.Put(bytes);
    ASSERT_TRUE(name.has_value());
    EXPECT_EQ(*name, ToHex(Sha256(bytes)));
    EXPECT_EQ(service_.blobs.at(*name), bytes);
    EXPECT_EQ(records_.Get(*name).value(), bytes);
  }
}

TEST_F(RecordsClientTest, BlobWhoseBytesHaveAnotherHashIsDataLoss) {
  const std::string name = records_.Put("as it was").value();
  service_.blobs[name] = "as it is!";
  const auto got = records_.Get(name);
  EXPECT_EQ(got.error().code, StatusCode::kDataLoss);
  EXPECT_THAT(got.error().message, HasSubstr(name));
}

TEST_F(RecordsClientTest, BlobThatIsNotThereIsNotFoundAndNamed) {
  const auto got = records_.Get("abcd");
  EXPECT_EQ(got.error().code, StatusCode::kNotFound);
  EXPECT_THAT(got.error().message, HasSubstr("records service, GetBlob: there is no blob abcd"));
}

TEST_F(RecordsClientTest, RowIsAppendedOnceAndKeepsItsFirstValue) {
  EXPECT_TRUE(records_.AppendRow("t", "k", "first").value());
  EXPECT_FALSE(records_.AppendRow("t", "k", "second").value());
  EXPECT_EQ(service_.tables["t"]["k"], "first");
}

TEST_F(RecordsClientTest, RowChangesOnlyUnderWhoHasSeenIt) {  // CE-2
  EXPECT_EQ(records_.GetRow("mutable_t", "k").value(), std::nullopt);
  ASSERT_TRUE(records_.PutRow("mutable_t", "k", "one", std::nullopt).has_value());
  ASSERT_TRUE(records_.AppendRow("mutable_t", "k2", "another").has_value());
  EXPECT_EQ(records_.GetRow("mutable_t", "k").value(), "one");
  EXPECT_EQ(records_.GetRow("mutable_t", "k1").value(), std::nullopt) << "it begins as k2 does";
  EXPECT_EQ(records_.PutRow("mutable_t", "k", "two", std::nullopt).error().code, StatusCode::kAborted);
  ASSERT_TRUE(records_.PutRow("mutable_t", "k", "two", "one").has_value());
  EXPECT_EQ(records_.DeleteRow("mutable_t", "k", "one").error().code, StatusCode::kAborted);
  ASSERT_TRUE(records_.DeleteRow("mutable_t", "k", "two").has_value());
  EXPECT_TRUE(records_.DeleteRow("mutable_t", "k", "two").has_value()) << "gone is gone";
  EXPECT_EQ(records_.GetRow("mutable_t", "k").value(), std::nullopt);
}

TEST_F(RecordsClientTest, RowsOfAPrefixComeInOrderOverAllPages) {
  service_.page_rows = 2;
  for (const char* key : {"a/3", "b/1", "a/1", "a/2", "a/5", "a/4", "c"})
    ASSERT_TRUE(records_.AppendRow("t", key, key).has_value());
  std::vector<std::string> keys;
  ASSERT_TRUE(records_.ScanRows("t", "a/", [&keys](std::string key, const std::string&) { keys.push_back(key); }));
  EXPECT_THAT(keys, ElementsAre("a/1", "a/2", "a/3", "a/4", "a/5"));
}

TEST_F(RecordsClientTest, ServiceWithoutRecordsSaysSo) {
  EXPECT_EQ(records_.GetInfo().error().code, StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace wfe::client
