#include "engine/shard/deadline_timer.h"

#include <algorithm>

#include "engine/base/check.h"

namespace wfe::shard {

namespace {

constexpr Duration kLongestSleep = std::chrono::minutes(1);

}  // namespace

void DeadlineTimer::Arm(std::optional<Instant> next) {
  if (!next || stopped_) return;
  const Instant now = clock_.Now();
  const Instant wanted = *next - now > kLongestSleep ? now + kLongestSleep : *next;
  if (armed_for_ && *armed_for_ <= wanted) return;
  if (armed_for_) timers_.Cancel(timer_);
  armed_for_ = wanted;
  timer_ = timers_.After(std::max(Duration::zero(), wanted - now), strand_, [this, wanted] {
    if (armed_for_ != wanted) return;  // superseded while it was already posted
    WFE_CHECK(strand_.OnStrand());
    armed_for_.reset();
    wake_();
  });
}

void DeadlineTimer::Stop() {
  stopped_ = true;
  if (armed_for_) timers_.Cancel(timer_);
  armed_for_.reset();
}

}  // namespace wfe::shard
