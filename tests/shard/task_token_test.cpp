#include "engine/shard/task_token.h"

#include <gtest/gtest.h>

namespace wfe::shard {
namespace {

using engine::v1::TaskToken;

TaskToken Token(TaskToken::Kind kind) {
  TaskToken token;
  token.set_namespace_("ns");
  token.set_workflow_id("w");
  token.set_run_id("r");
  token.set_scheduled_event_id(5);
  token.set_attempt(2);
  token.set_kind(kind);
  return token;
}

TEST(TaskToken, ComesBackAsItWas) {
  const TokenCodec codec("secret", 7);
  const TaskToken opened =
      codec.Open(codec.Seal(Token(TaskToken::KIND_ACTIVITY)), "ns", TaskToken::KIND_ACTIVITY).value();
  EXPECT_EQ(opened.workflow_id(), "w");
  EXPECT_EQ(opened.scheduled_event_id(), 5);
  EXPECT_EQ(opened.attempt(), 2);
  EXPECT_EQ(opened.epoch(), 7U);
}

TEST(TaskToken, OfAnotherStoreIsRefused) {
  const TokenCodec ours("secret", 7), theirs("other", 7);
  EXPECT_EQ(ours.Open(theirs.Seal(Token(TaskToken::KIND_ACTIVITY)), "ns", TaskToken::KIND_ACTIVITY).error().code,
            StatusCode::kPermissionDenied);
}

TEST(TaskToken, EveryFlippedBitAndEveryCutIsRefused) {  // security S3
  const TokenCodec codec("secret", 7);
  const std::string sealed = codec.Seal(Token(TaskToken::KIND_ACTIVITY));
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string forged = sealed;
    forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(codec.Open(forged, "ns", TaskToken::KIND_ACTIVITY).has_value()) << bit;
  }
  for (size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_FALSE(codec.Open(sealed.substr(0, length), "ns", TaskToken::KIND_ACTIVITY).has_value()) << length;
  }
  EXPECT_FALSE(codec.Open(sealed + "x", "ns", TaskToken::KIND_ACTIVITY).has_value());
}

TEST(TaskToken, OfAnotherNamespaceOrKindIsRefused) {  // security S3
  const TokenCodec codec("secret", 7);
  const std::string sealed = codec.Seal(Token(TaskToken::KIND_ACTIVITY));
  EXPECT_EQ(codec.Open(sealed, "else", TaskToken::KIND_ACTIVITY).error().code, StatusCode::kPermissionDenied);
  EXPECT_EQ(codec.Open(sealed, "ns", TaskToken::KIND_WORKFLOW_TASK).error().code, StatusCode::kPermissionDenied);
}

TEST(TaskToken, OfAnEarlierStartIsGoodForActivitiesOnly) {  // epoch_in_every_token
  const TokenCodec before("secret", 7), after("secret", 8);
  EXPECT_TRUE(after.Open(before.Seal(Token(TaskToken::KIND_ACTIVITY)), "ns", TaskToken::KIND_ACTIVITY).has_value());
  EXPECT_EQ(
      after.Open(before.Seal(Token(TaskToken::KIND_WORKFLOW_TASK)), "ns", TaskToken::KIND_WORKFLOW_TASK).error().code,
      StatusCode::kNotFound);
  EXPECT_EQ(after.Open(before.Seal(Token(TaskToken::KIND_QUERY)), "ns", TaskToken::KIND_QUERY).error().code,
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace wfe::shard
