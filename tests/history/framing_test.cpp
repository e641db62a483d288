// Events and fields found in bytes, without decoding them.
#include "engine/history/framing.h"

#include <gtest/gtest.h>

#include "temporal/api/history/v1/message.pb.h"

namespace wfe::history {
namespace {

using temporal::api::history::v1::History;
using temporal::api::history::v1::HistoryEvent;

History Sample() {
  History history;
  for (int i = 1; i <= 3; ++i) {
    HistoryEvent& event = *history.add_events();
    event.set_event_id(i);
    event.mutable_event_time()->set_seconds(1'700'000'000);
    auto& scheduled = *event.mutable_activity_task_scheduled_event_attributes();
    scheduled.set_activity_id("a" + std::to_string(i));
    scheduled.mutable_input()->add_payloads()->set_data(std::string(static_cast<size_t>(i) * 100, 'x'));
  }
  return history;
}

TEST(Framing, TakesOneEventAfterTheOther) {
  const History history = Sample();
  const std::string bytes = history.SerializeAsString();
  std::string_view rest = bytes;
  for (const HistoryEvent& event : history.events()) {
    EXPECT_EQ(TakeEvent(rest), event.SerializeAsString());
  }
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(TakeEvent(rest), std::nullopt);
}

TEST(Framing, ACutEventIsNoneAndTakesNothing) {
  const std::string bytes = Sample().SerializeAsString();
  std::string_view whole = bytes;
  ASSERT_TRUE(TakeEvent(whole).has_value());
  const size_t first = bytes.size() - whole.size();
  for (size_t size = 0; size < first; ++size) {
    std::string_view cut = std::string_view(bytes).substr(0, size);
    EXPECT_EQ(TakeEvent(cut), std::nullopt) << size;
    EXPECT_EQ(cut.size(), size);
  }
  std::string_view other = "\x12\x01x";
  EXPECT_EQ(TakeEvent(other), std::nullopt) << "another field";
  std::string_view endless = "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  EXPECT_EQ(TakeEvent(endless), std::nullopt) << "a length without an end";
}

TEST(Framing, FindsAFieldByItsNumber) {
  const HistoryEvent event = Sample().events(1);
  const std::string bytes = event.SerializeAsString();
  const auto attributes = FindField(bytes, HistoryEvent::kActivityTaskScheduledEventAttributesFieldNumber);
  ASSERT_TRUE(attributes.has_value());
  const auto& scheduled = event.activity_task_scheduled_event_attributes();
  EXPECT_EQ(*attributes, scheduled.SerializeAsString());
  EXPECT_EQ(FindField(*attributes, scheduled.kInputFieldNumber), scheduled.input().SerializeAsString());
  EXPECT_EQ(FindField(*attributes, scheduled.kActivityIdFieldNumber), "a2");
  EXPECT_EQ(FindField(*attributes, scheduled.kHeaderFieldNumber)->data(), nullptr) << "none";
  EXPECT_NE(FindField(std::string_view("\x0a\x00", 2), 1)->data(), nullptr) << "an empty one";
  EXPECT_EQ(FindField(bytes, HistoryEvent::kEventIdFieldNumber), "") << "a number is no bytes";
  EXPECT_EQ(FindField(bytes + bytes, HistoryEvent::kActivityTaskScheduledEventAttributesFieldNumber), *attributes);
}

TEST(Framing, WhatIsNoMessageHasNoFields) {
  const std::string bytes = Sample().events(0).SerializeAsString();
  int refused = 0;
  for (size_t size = 1; size < bytes.size(); ++size) {
    if (!FindField(std::string_view(bytes).substr(0, size), 1)) ++refused;
  }
  EXPECT_GT(refused, 100) << "cut between two fields it is a shorter message";
  EXPECT_EQ(FindField("\x0b", 1), std::nullopt) << "a group";
  EXPECT_EQ(FindField("\x09\x01\x02", 1), std::nullopt) << "a cut fixed64";
}

}  // namespace
}  // namespace wfe::history
