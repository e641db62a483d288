#include "activities/delivery/rules/rollout.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace wfe::delivery {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kAuthor = "rollout";

const RolloutStage& StageOf(const RolloutPlan& plan, const RolloutState& state) {
  return plan.stages.at(static_cast<size_t>(state.stage - 1));
}

bool IsLast(const RolloutPlan& plan, const RolloutState& state) {
  return static_cast<size_t>(state.stage) == plan.stages.size();
}

RolloutEvent Event(const RolloutState& state, std::string_view kind, Instant now, std::string reason) {
  return {.kind = std::string(kind),
          .at = FormatIso8601Millis(now),
          .stage = state.stage,
          .share = state.share,
          .author = std::string(kAuthor),
          .reason = std::move(reason),
          .check = std::nullopt};
}

std::string Percent(double percent) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g %%", percent);
  return text;
}

RolloutEvent Enter(const RolloutPlan& plan, const RolloutState& state, int stage, Instant now) {
  RolloutEvent event = Event(state, kStageEntered, now, "");
  const RolloutStage& next = plan.stages.at(static_cast<size_t>(stage - 1));
  event.stage = stage;
  event.share = next.percent / 100;
  event.reason = "stage " + std::to_string(stage) + " of " + std::to_string(plan.stages.size()) + ": " +
                 Percent(next.percent) + " of new runs";
  return event;
}

/// The stage is over, by its end or by a person.
void GoOn(const RolloutPlan& plan, const RolloutState& state, Instant now, RolloutEvents& events) {
  if (!IsLast(plan, state)) {
    events.push_back(Enter(plan, state, state.stage + 1, now));
  } else {
    events.push_back(Event(state, kSucceeded, now, "the last stage is over: the version is in service"));
  }
}

RolloutEvent Stop(const RolloutState& state, std::string_view kind, Instant now, std::string reason) {
  RolloutEvent event = Event(state, kind, now, std::move(reason));
  event.share = 0;
  return event;
}

Duration LongestStage(const RolloutPlan& plan, const RolloutState& state) {
  const double most = static_cast<double>(StageOf(plan, state).duration_s) * 1000 * plan.max_extension;
  return milliseconds(std::llround(most) + state.allowance_ms);
}

}  // namespace

void CheckRecord(const RolloutPlan& plan) {
  RequireOfRecord(!plan.stages.empty() && plan.stages.size() <= kMaxStages,
                  "stages must be 1 to " + std::to_string(kMaxStages));
  double before = 0;
  for (const RolloutStage& stage : plan.stages) {
    RequireOfRecord(stage.percent > before && stage.percent <= 100, "stages must rise to 100 percent");
    RequireOfRecord(stage.duration_s >= 1 && stage.duration_s <= kMaxStageSeconds,
                    "duration_s of a stage must be from 1 second to 90 days");
    before = stage.percent;
  }
  RequireOfRecord(before == 100, "the last of stages must be 100 percent");
  RequireOfRecord(plan.check_every_s >= 1 && plan.check_every_s <= 24 * 3600,
                  "check_every_s must be from 1 second to a day");
  RequireOfRecord(plan.min_samples >= 0 && plan.min_samples <= 1'000'000, "min_samples must be from 0 to 1000000");
  RequireOfRecord(plan.max_extension >= 1 && plan.max_extension <= 100, "max_extension must be from 1 to 100");
  RequireOfRecord(plan.harm_alpha > 0 && plan.harm_alpha < 0.5, "harm_alpha must be between 0 and 0.5");
}

Duration StageRan(const RolloutState& state, Instant now) {
  Duration ran = milliseconds(state.stage_ran_ms);
  if (const auto since = ParseIso8601(state.running_since)) ran += std::max(Duration(0), now - *since);
  return ran;
}

RolloutEvents BeginRollout(const RolloutPlan& plan, const std::string& author, const std::string& reason, Instant now) {
  RolloutEvent started = Event({}, kRolloutStarted, now, reason);
  started.author = author;
  return {started, Enter(plan, {}, 1, now)};
}

RolloutEvents DecideObserved(const RolloutPlan& plan, const RolloutState& state, const Observed& observed,
                             Instant now) {
  if (state.phase.empty() || state.ended()) return {};
  if (!observed.overtaken.empty()) return {Stop(state, kAborted, now, observed.overtaken)};
  if (observed.check.regression) {
    RolloutEvent event = Stop(state, kRegressed, now,
                              "regression in stage " + std::to_string(state.stage) + ": " + observed.check.sentence);
    event.check = observed.check;
    event.samples = observed.samples;
    return {event};
  }
  if (state.phase != kRolloutRunning) return {};
  const Duration ran = StageRan(state, now);
  if (ran < seconds(StageOf(plan, state).duration_s)) return {};
  const std::string have = std::to_string(observed.samples) + " of " + std::to_string(plan.min_samples) +
                           " runs of the new version have ended in this stage";
  RolloutEvents events;
  if (observed.samples >= plan.min_samples) {
    RolloutEvent completed = Event(state, kStageCompleted, now, have + "; " + observed.check.sentence);
    completed.samples = observed.samples;
    events.push_back(completed);
    GoOn(plan, state, now, events);
  } else if (ran >= LongestStage(plan, state)) {
    events.push_back(Event(state, kDecisionAsked, now,
                           have + ", after its longest time: resume to wait on, skip to go on without, or abort"));
    events.back().samples = observed.samples;
  } else if (!state.extended) {
    events.push_back(Event(state, kStageExtended, now, have));
    events.back().samples = observed.samples;
  }
  return events;
}

Result<RolloutEvents> DecideControl(const RolloutPlan& plan, const RolloutState& state, const RolloutControl& control,
                                    Instant now) {
  if (std::ranges::find(kControls, control.action) == std::end(kControls)) {
    return InvalidArgument("a rollout takes pause, resume, abort and skip, not \"" + control.action + "\"");
  }
  if (control.author.empty() || control.reason.empty()) {
    return InvalidArgument("to " + control.action + " a rollout needs an author and a reason");
  }
  if (state.phase.empty()) return FailedPrecondition("the rollout has not begun");
  if (state.ended()) return FailedPrecondition("the rollout has ended: it is " + state.phase);
  if (control.stage != 0 && control.stage != state.stage) {
    return FailedPrecondition("the rollout is in stage " + std::to_string(state.stage) + " by now, not in stage " +
                              std::to_string(control.stage));
  }
  RolloutEvents events;
  if (control.action == "pause") {
    if (state.phase != kRolloutRunning) return FailedPrecondition("the rollout does not run: it is " + state.phase);
    events.push_back(Event(state, kPaused, now, control.reason));
  } else if (control.action == "resume") {
    if (state.phase == kRolloutRunning) return FailedPrecondition("the rollout runs already");
    events.push_back(Event(state, kResumed, now, control.reason));
  } else if (control.action == "abort") {
    events.push_back(Stop(state, kAborted, now, control.reason));
  } else {
    events.push_back(Event(state, kStageSkipped, now, control.reason));
    GoOn(plan, state, now, events);
  }
  events.front().author = control.author;
  return events;
}

void Apply(RolloutState& state, const RolloutEvent& event) {
  ++state.events;
  state.updated_at = event.at;
  state.reason = event.reason;
  state.share = event.share;
  const auto stand_still = [&] {
    const auto at = ParseIso8601(event.at);
    if (at) state.stage_ran_ms = std::chrono::duration_cast<milliseconds>(StageRan(state, *at)).count();
    state.running_since.clear();
  };
  if (event.kind == kRolloutStarted) {
    state.phase = kRolloutRunning;
  } else if (event.kind == kStageEntered) {
    state.phase = kRolloutRunning;
    state.stage = event.stage;
    state.stage_entered_at = event.at;
    state.running_since = event.at;
    state.stage_ran_ms = 0;
    state.allowance_ms = 0;
    state.extended = false;
  } else if (event.kind == kStageExtended) {
    state.extended = true;
  } else if (event.kind == kStageCompleted) {
    state.completed.push_back(event.stage);
  } else if (event.kind == kPaused || event.kind == kDecisionAsked) {
    stand_still();
    state.phase = event.kind == kPaused ? kRolloutPaused : kRolloutWaiting;
  } else if (event.kind == kResumed) {
    // Who lets a stage go on that has had its longest time gives it as long again.
    if (state.phase == kRolloutWaiting) state.allowance_ms = state.stage_ran_ms;
    state.phase = kRolloutRunning;
    state.running_since = event.at;
  } else if (event.kind == kRegressed || event.kind == kAborted || event.kind == kSucceeded) {
    stand_still();
    state.phase = event.kind == kRegressed ? kRolloutRolledBack
                  : event.kind == kAborted ? kRolloutAborted
                                           : kRolloutSucceeded;
    if (event.check) state.regression = event.check;
  }
}

Instant NextLook(const RolloutPlan& plan, const RolloutState& state, Instant now) {
  const Instant check = now + seconds(plan.check_every_s);
  if (state.phase != kRolloutRunning || state.stage == 0) return check;
  const Duration left = seconds(StageOf(plan, state).duration_s) - StageRan(state, now);
  return left > Duration(0) ? std::min(check, now + left) : check;
}

}  // namespace wfe::delivery
