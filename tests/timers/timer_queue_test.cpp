#include "engine/timers/timer_queue.h"

#include <gmock/gmock.h>

#include <random>

namespace wfe::timers {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ExecutionKey Key(const std::string& id) { return {Namespace("ns"), WorkflowId(id), RunId("run")}; }
Instant At(int seconds) { return Instant(std::chrono::seconds(seconds)); }

TEST(TimerQueue, DueExecutionsComeEarliestFirstAndOnce) {
  TimerQueue queue;
  queue.Set(Key("late"), At(30));
  queue.Set(Key("early"), At(10));
  queue.Set(Key("middle"), At(20));
  EXPECT_EQ(queue.NextDue(), At(10));
  EXPECT_THAT(queue.PopDue(At(9)), IsEmpty());
  EXPECT_THAT(queue.PopDue(At(20)), ElementsAre(Key("early"), Key("middle")));
  EXPECT_THAT(queue.PopDue(At(20)), IsEmpty());
  EXPECT_EQ(queue.size(), 1U);
}

TEST(TimerQueue, EqualTimesComeInTheOrderTheyWereSet) {
  TimerQueue queue;
  for (const char* id : {"c", "a", "b"}) queue.Set(Key(id), At(10));
  EXPECT_THAT(queue.PopDue(At(10)), ElementsAre(Key("c"), Key("a"), Key("b")));
}

TEST(TimerQueue, SettingAgainMovesTheEntry) {
  TimerQueue queue;
  queue.Set(Key("a"), At(10));
  queue.Set(Key("a"), At(20));
  EXPECT_EQ(queue.Due(Key("a")), At(20));
  EXPECT_THAT(queue.PopDue(At(10)), IsEmpty());
  EXPECT_THAT(queue.PopDue(At(20)), ElementsAre(Key("a")));
}

TEST(TimerQueue, ARemovedEntryNeverComes) {
  TimerQueue queue;
  queue.Set(Key("a"), At(10));
  queue.Remove(Key("a"));
  queue.Remove(Key("unknown"));
  EXPECT_EQ(queue.NextDue(), std::nullopt);
  EXPECT_EQ(queue.Due(Key("a")), std::nullopt);
  EXPECT_THAT(queue.PopDue(At(99)), IsEmpty());
}

TEST(TimerQueue, AStormIsTakenInPieces) {  // F16
  TimerQueue queue;
  for (int i = 0; i < 100; ++i) queue.Set(Key(std::to_string(i)), At(i));
  EXPECT_EQ(queue.PopDue(At(1000), 30).size(), 30U);
  EXPECT_EQ(queue.NextDue(), At(30));
  EXPECT_EQ(queue.PopDue(At(1000)).size(), 70U);
}

TEST(TimerQueue, AgreesWithAPlainMapUnderRandomUse) {
  std::mt19937 random(7);
  TimerQueue queue;
  std::map<std::string, Instant> model;
  for (int step = 0; step < 5000; ++step) {
    const std::string id = std::to_string(random() % 50);
    switch (random() % 4) {
      case 0:
      case 1:
        model[id] = At(static_cast<int>(random() % 1000));
        queue.Set(Key(id), model[id]);
        break;
      case 2:
        model.erase(id);
        queue.Remove(Key(id));
        break;
      default: {
        const Instant now = At(static_cast<int>(random() % 1000));
        Instant last{};
        for (const ExecutionKey& key : queue.PopDue(now)) {
          const auto found = model.find(key.workflow_id.value());
          ASSERT_NE(found, model.end());
          ASSERT_LE(found->second, now);
          ASSERT_GE(found->second, last);
          last = found->second;
          model.erase(found);
        }
        for (const auto& [left, due] : model) ASSERT_GT(due, now) << left;
      }
    }
    ASSERT_EQ(queue.size(), model.size());
  }
}

}  // namespace
}  // namespace wfe::timers
