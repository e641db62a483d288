#include "tests/simulation/activity_host.h"

namespace wfe::simulation {

using namespace std::chrono_literals;
using sdk::ActivityContext;
using sdk::ActivityResult;

namespace {

sdk::ApplicationFailure Failure(std::string message, std::string type, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::move(type),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

ActivityResult<int64_t> Echo(ActivityContext&, int64_t input) { return input; }

}  // namespace

void RegisterActivities(sdk::ActivityRegistry& registry) {
  registry.Register(kWork, Echo);
  registry.Register(kFlaky, [](ActivityContext& context, int64_t input) -> ActivityResult<int64_t> {
    if (context.info().attempt < 3) return Failure("not yet", "FLAKY", false);
    return input;
  });
  registry.Register(
      kRefused, [](ActivityContext&, int64_t) -> ActivityResult<int64_t> { return Failure("never", "REFUSED", true); });
  registry.Register(
      kBroken, [](ActivityContext&, int64_t) -> ActivityResult<int64_t> { return Failure("broken", "BROKEN", false); });
  // By then it has been told to end.  It never gives a value, since an engine whose clock was set back may not have
  // noticed yet that its time is over.
  const auto too_late = [](ActivityContext&, int64_t) -> ActivityResult<int64_t> { return sdk::ActivityCancelled{}; };
  registry.Register(kStuck, too_late);
  registry.Register(kSilent, too_late);
  registry.Register(kBeating, [](ActivityContext& context, int64_t input) -> ActivityResult<int64_t> {
    if (context.IsCancelled()) return sdk::ActivityCancelled{};
    return input;
  });
}

void AttemptLog::Begin(const sdk::ActivityInfo& info) {
  if (begun_.emplace(info.run_id, info.activity_id, info.attempt).second) return;
  violations_.push_back("attempt " + std::to_string(info.attempt) + " of activity " + info.activity_id + ", workflow " +
                        info.workflow_id + ", run " + info.run_id + ", was begun twice");
}

struct ActivityHost::Running {
  std::shared_ptr<ActivityContext> context;
  Work work;
  Done done;
  Instant ends;
  int64_t beats = 0;
};

ActivityHost::ActivityHost(Process& process, Random random, AttemptLog& log)
    : process_(process), strand_(process.AddStrand("activities")), random_(std::move(random)), log_(log) {}

Duration ActivityHost::LengthOf(const std::string& type) {
  if (type == kStuck.name || type == kSilent.name) return random_.Between(Duration(25s), Duration(60s));
  if (type == kBeating.name) return random_.Between(Duration(5s), Duration(40s));
  return random_.Chance(0.8) ? random_.Between(Duration(1ms), Duration(300ms))
                             : random_.Between(Duration(1s), Duration(8s));
}

void ActivityHost::Execute(std::shared_ptr<ActivityContext> context, Work work, Done done) {
  const sdk::ActivityInfo& info = context->info();
  log_.Begin(info);
  process_.loop().Trace("begins activity " + info.activity_type + " " + info.activity_id + " of " + info.workflow_id +
                        ", attempt " + std::to_string(info.attempt));
  const Duration length = LengthOf(info.activity_type);
  auto running = std::make_shared<Running>();
  running->context = std::move(context);
  running->work = std::move(work);
  running->done = std::move(done);
  running->ends = process_.loop().Now() + length;
  if (running->context->info().activity_type == kBeating.name) return Beat(running);
  process_.After(length, strand_, [running] { running->done(running->work()); });
}

void ActivityHost::Beat(const std::shared_ptr<Running>& running) {
  if (running->context->IsCancelled() || process_.loop().Now() >= running->ends) {
    return strand_.Post([running] { running->done(running->work()); });
  }
  running->context->Heartbeat(++running->beats);
  process_.After(1s, strand_, [this, running] { Beat(running); });
}

}  // namespace wfe::simulation
