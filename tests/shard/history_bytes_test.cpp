#include "engine/shard/history_bytes.h"

#include <gtest/gtest.h>

#include "temporal/api/history/v1/message.pb.h"

namespace wfe::shard {
namespace {

using temporal::api::history::v1::History;

std::string Bytes(EventId first, EventId last, size_t padding = 0) {
  History history;
  for (EventId id = first; id <= last; ++id) {
    auto* event = history.add_events();
    event->set_event_id(id);
    if (padding > 0) {
      event->mutable_workflow_execution_signaled_event_attributes()->set_signal_name(std::string(padding, 'x'));
    }
  }
  return history.SerializeAsString();
}

EventId IdOf(std::string_view field) {
  temporal::api::history::v1::HistoryEvent event;
  const std::string_view bytes = StripField(field);
  EXPECT_TRUE(event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return event.event_id();
}

TEST(HistoryBytes, AHistoryIsCutIntoItsEvents) {
  for (const size_t padding : {0U, 1U, 200U, 70'000U}) {
    const std::string bytes = Bytes(1, 5, padding);
    const auto events = CutHistory(bytes);
    ASSERT_EQ(events.size(), 5U);
    size_t total = 0;
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(IdOf(events[i]), static_cast<EventId>(i) + 1);
      total += events[i].size();
    }
    EXPECT_EQ(total, bytes.size());
  }
  EXPECT_TRUE(CutHistory("").empty());
}

TEST(HistoryBytes, AnAppendedFieldIsReadByProtobuf) {
  std::string bytes = Bytes(1, 1);
  temporal::api::history::v1::HistoryEvent event;
  event.set_event_id(2);
  AppendField(bytes, 1, event.SerializeAsString());
  History history;
  ASSERT_TRUE(history.ParseFromString(bytes));
  ASSERT_EQ(history.events_size(), 2);
  EXPECT_EQ(history.events(1).event_id(), 2);
}

TEST(HistoryTail, KeepsWhatFollowsAndForgetsWhatIsOld) {
  HistoryTail tail;
  EXPECT_TRUE(tail.empty());
  tail.Append(3, 3, Bytes(3, 5));
  tail.Append(6, 2, Bytes(6, 7));
  EXPECT_EQ(tail.first(), 3);
  EXPECT_EQ(tail.end(), 8);
  EXPECT_EQ(tail.From(3), Bytes(3, 7));
  EXPECT_EQ(tail.From(6), Bytes(6, 7));
  EXPECT_EQ(tail.From(8), "");
  EXPECT_EQ(IdOf(tail.Range(5, 6)), 5);
  tail.TrimBefore(5);
  EXPECT_FALSE(tail.Covers(4));
  EXPECT_EQ(tail.From(5), Bytes(5, 7));
  tail.TrimBefore(2);
  EXPECT_EQ(tail.first(), 5);
  tail.TrimBefore(8);
  EXPECT_TRUE(tail.empty());
}

TEST(HistoryTail, BeginsAnewAfterAGap) {
  HistoryTail tail;
  tail.Append(1, 2, Bytes(1, 2));
  tail.Append(9, 1, Bytes(9, 9));
  EXPECT_EQ(tail.first(), 9);
  EXPECT_EQ(tail.From(9), Bytes(9, 9));
}

}  // namespace
}  // namespace wfe::shard
