#include "engine/shard/deadline_timer.h"

#include <algorithm>

#include "engine/base/check.h"

namespace wfe::shard {

namespace {

// Whatever an owner allows: a machine that slept must not be late by as long as it slept (F8).
constexpr Duration kLongestSleep = std::chrono::minutes(1);

}  // namespace

void DeadlineTimer::Arm(std::optional<Instant> next) {
  if (!next || stopped_) return;
  const Instant now = clock_.Now();
  const Duration longest = std::min(longest_sleep_, kLongestSleep);
  const Instant wanted = *next - now > longest ? now + longest : *next;
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
