#include "engine/shard/outbox.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "engine/base/check.h"

namespace wfe::shard {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
constexpr int kMostDoublings = 8;  // 25.6 s
constexpr int kFailuresUntilWarning = 6;

}  // namespace

void Outbox::Add(history::ObligationId id, Duty duty) {
  WFE_CHECK(host_.executor.OnStrand());
  const LaneKey key{std::move(id.owner), history::ReceiverOf(*duty)};
  Lane& lane = lanes_[key];
  // In order, but never before one that is under way.
  auto place = lane.items.end();
  const auto first = lane.items.begin() + (lane.under_way ? 1 : 0);
  while (place != first && std::prev(place)->number > id.number) --place;
  lane.items.insert(place, {id.number, std::move(duty)});
  ++size_;
  Drive(key);
}

void Outbox::Connect(Router& router) {
  router_ = &router;
  std::vector<LaneKey> waiting;
  for (const auto& [key, lane] : lanes_) waiting.push_back(key);
  for (const LaneKey& key : waiting) Drive(key);
}

void Outbox::Drive(const LaneKey& key) {
  for (;;) {
    const auto lane = lanes_.find(key);
    if (stopped_ || router_ == nullptr || lane == lanes_.end() || lane->second.under_way) return;
    const Item item = lane->second.items.front();
    // Nobody is left to hear of the answer, so it is not asked for (S78): a child that was not started never will be.
    if (history::IsAnswered(*item.duty) && !host_.is_open(key.first)) {
      Settle(key, std::nullopt);
      continue;
    }
    lane->second.under_way = true;
    return router_->Deliver({key.first, item.number}, item.duty,
                            [this, key](Result<history::Refusal> answer) { OnAnswer(key, std::move(answer)); });
  }
}

void Outbox::OnAnswer(const LaneKey& key, Result<history::Refusal> answer) {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return;
  Lane& lane = lanes_.at(key);
  if (answer) {
    lane.under_way = false;
    Settle(key, *answer);
    return Drive(key);
  }
  ++lane.failures;
  if (lane.failures == kFailuresUntilWarning) {
    const std::string duty = history::Describe(*lane.items.front().duty);
    host_.log->Warning("duty_undelivered",
                       "the " + duty + " of " + key.first.ToString() +
                           " cannot be delivered, and is tried again: " + answer.error().message,
                       {{"duty", duty}, {"run", key.first.ToString()}, {"error", answer.error().message}});
  }
  host_.timers.After(kFirstRetry * (1 << std::min(lane.failures - 1, kMostDoublings)), host_.executor, [this, key] {
    if (stopped_) return;
    lanes_.at(key).under_way = false;
    Drive(key);
  });
}

void Outbox::Settle(const LaneKey& key, std::optional<history::Refusal> answer) {
  const auto lane = lanes_.find(key);
  const Item item = std::move(lane->second.items.front());
  lane->second.items.pop_front();
  lane->second.failures = 0;
  --size_;
  if (lane->second.items.empty()) lanes_.erase(lane);
  host_.acknowledge({key.first, item.number}, item.duty, answer);
}

}  // namespace wfe::shard
