#include "engine/base/serialize.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>

#include <set>

namespace wfe {
namespace {

google::protobuf::Struct TwentyFields(int first) {
  google::protobuf::Struct message;
  for (int i = 0; i < 20; ++i) {
    const int number = (first + i * 7) % 20;
    (*message.mutable_fields())["field " + std::to_string(number)].set_number_value(number);
  }
  return message;
}

// WIRE-F26: however a map was filled, and wherever it lies in memory.
TEST(Serialize, EqualMessagesHaveEqualBytes) {
  std::set<std::string> forms;
  std::vector<google::protobuf::Struct> kept;
  for (int first = 0; first < 20; ++first) forms.insert(Serialize(kept.emplace_back(TwentyFields(first))));
  EXPECT_EQ(forms.size(), 1U);
  google::protobuf::Struct back;
  ASSERT_TRUE(back.ParseFromString(*forms.begin()));
  EXPECT_EQ(back.fields_size(), 20);
}

TEST(Serialize, AppendsAMessageAndAFieldOfAnother) {
  google::protobuf::Value inner;
  inner.set_string_value(std::string(300, 'x'));  // a length of two bytes
  google::protobuf::ListValue list;
  *list.add_values() = inner;
  *list.add_values() = inner;
  std::string bytes;
  AppendSubMessage(1, inner, &bytes);
  AppendSubMessage(1, inner, &bytes);
  EXPECT_EQ(bytes, Serialize(list));
  bytes = "before";
  AppendSerialized(list, &bytes);
  EXPECT_EQ(bytes, "before" + Serialize(list));
  EXPECT_EQ(Serialize(google::protobuf::Struct()), "");
}

TEST(InOrder, GoesThroughAMapByItsKeysAndMayChangeItsValues) {
  google::protobuf::Struct message = TwentyFields(3);
  std::vector<std::string> keys;
  for (auto* const entry : InOrder(*message.mutable_fields())) {
    keys.push_back(entry->first);
    entry->second.set_bool_value(true);
  }
  EXPECT_EQ(keys.size(), 20U);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  const google::protobuf::Struct& fixed = message;
  for (const auto* const entry : InOrder(fixed.fields())) EXPECT_TRUE(entry->second.bool_value());
}

}  // namespace
}  // namespace wfe
