#include "workers/host/activity_runner.h"

#include <algorithm>
#include <cstdio>

#include "engine/base/proto_time.h"
#include "engine/base/usage_meter.h"
#include "workers/core/failure_codec.h"
#include "workers/core/payload_codec.h"
#include "workers/core/result_caching.h"
#include "workers/host/backoff.h"
#include "workers/host/code_watch.h"
#include "workers/host/retrying_call.h"

namespace wfe::worker {
namespace {

sdk::ActivityInfo InfoOf(const ws::PollActivityTaskQueueResponse& task, const std::string& ns,
                         const std::string& queue) {
  sdk::ActivityInfo info;
  info.ns = task.workflow_namespace().empty() ? ns : task.workflow_namespace();
  info.workflow_id = task.workflow_execution().workflow_id();
  info.run_id = task.workflow_execution().run_id();
  info.workflow_type = task.workflow_type().name();
  info.activity_id = task.activity_id();
  info.activity_type = task.activity_type().name();
  info.task_queue = queue;
  info.attempt = task.attempt();
  info.scheduled_time = FromProto(task.current_attempt_scheduled_time());
  info.started_time = FromProto(task.started_time());
  info.start_to_close_timeout = FromProto(task.start_to_close_timeout());
  info.heartbeat_timeout = FromProto(task.heartbeat_timeout());
  return info;
}

std::string NameOf(const sdk::ActivityInfo& info) {
  return "activity " + info.activity_type + " (" + info.activity_id + ") of workflow " + info.workflow_id + ", run " +
         info.run_id;
}

sdk::ApplicationFailure Failure(std::string message, std::string type, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::move(type),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

std::string Join(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// Exceptions of an activity's code stop here.
sdk::ActivityResult<nlohmann::json> RunGuarded(const sdk::ActivityFunction& function, sdk::ActivityContext& context,
                                               const nlohmann::json& input) {
  try {
    return function(context, input);
  } catch (const std::exception& e) {
    return Failure(context.info().activity_type + " threw: " + e.what(), "EXCEPTION", false);
  } catch (...) {
    return Failure(context.info().activity_type + " threw something that is no std::exception", "EXCEPTION", false);
  }
}

void NoteUsage(const WorkUsage& usage, temporal::api::common::v1::Payloads& result) {
  if (result.payloads_size() == 0) return;
  auto& notes = *result.mutable_payloads(0)->mutable_metadata();
  const auto note = [&](const char* name, double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", value);
    notes[name] = text;
  };
  note(kCpuNote, std::chrono::duration<double, std::milli>(usage.cpu).count());
  if (usage.process_peak_bytes) note(kMemoryNote, static_cast<double>(*usage.process_peak_bytes) / (1 << 20));
}

}  // namespace

struct ActivityRunner::Attempt {
  uint64_t id = 0;
  std::string token;
  std::shared_ptr<ActivityExecution> execution;
  std::optional<Instant> deadline;
  std::optional<TimerService::TimerId> deadline_timer;
  bool heartbeat_in_flight = false;
  bool heartbeat_waits = false;  // The throttle's timer runs.
  bool ended = false;            // The code has returned; no more heartbeats.
  Instant last_beat;             // When the code last said that it lives, to the throttle's precision.
  bool watched = false;          // WatchHeartbeats has a timer.
  std::string cache_key;         // Under which the result is to be kept; empty: it is not.
  sdk::ResultCaching caching;
  bool from_cache = false;
  std::optional<WorkUsage> usage;  // Absent: not measured.
};

ActivityRunner::ActivityRunner(const Environment& environment, ActivityExecutor& executor,
                               const sdk::ActivityRegistry& registry, Options options)
    : environment_(environment), executor_(executor), registry_(registry), options_(std::move(options)) {}

void ActivityRunner::Run(const ws::PollActivityTaskQueueResponse& task, const std::string& queue) {
  auto attempt = std::make_shared<Attempt>();
  attempt->id = next_attempt_++;
  attempt->token = task.task_token();
  std::optional<nlohmann::json> last_details;
  if (task.heartbeat_details().payloads_size() > 0) last_details = core::DecodeDetails(task.heartbeat_details());
  attempt->execution = std::make_shared<ActivityExecution>(
      InfoOf(task, options_.ns, queue), std::move(last_details),
      // From the activity's thread: the runner is touched only once its strand has been reached.
      [&strand = environment_.strand, weak = weak_from_this(), weak_attempt = std::weak_ptr(attempt)] {
        strand.Post([weak, weak_attempt] {
          const auto self = weak.lock();
          const auto beating = weak_attempt.lock();
          if (self && beating) self->SendHeartbeat(beating);
        });
      });
  attempts_.emplace(attempt->id, attempt);
  const sdk::ActivityInfo& info = attempt->execution->info();
  if (info.start_to_close_timeout > Duration::zero()) {
    attempt->deadline = environment_.clock.Now() + info.start_to_close_timeout;
    attempt->deadline_timer =
        environment_.timers.After(info.start_to_close_timeout, environment_.strand,
                                  [execution = attempt->execution] { execution->Cancel(CancelReason::kTimedOut); });
  }
  attempt->last_beat = environment_.clock.Now();
  WatchHeartbeats(attempt, info.heartbeat_timeout);
  Execute(attempt, task);
}

void ActivityRunner::Execute(const std::shared_ptr<Attempt>& attempt, const ws::PollActivityTaskQueueResponse& task) {
  const sdk::ActivityInfo& info = attempt->execution->info();
  const sdk::ActivityFunction* function = registry_.Find(info.activity_type);
  if (function == nullptr) {
    // Retryable: another worker, or this one after an upgrade, may have it.
    return Ended(attempt, Failure("this worker (" + options_.identity + ") has no activity type " + info.activity_type +
                                      "; registered: " + Join(registry_.Names()),
                                  "UNKNOWN_ACTIVITY_TYPE", false));
  }
  Result<nlohmann::json> input = core::DecodePayloads(task.input());
  if (!input) {
    return Ended(attempt, Failure("the input of " + info.activity_type + " cannot be read: " + input.error().message,
                                  "INVALID_INPUT", true));
  }
  if (AnswerFromCache(attempt, task, *input)) return;
  // Written by the activity's thread before its result is delivered.
  const auto measured = options_.measures_usage ? std::make_shared<WorkUsage>() : nullptr;
  executor_.Execute(
      attempt->execution,
      [execution = attempt->execution, function, input = *std::move(input), measured] {
        if (measured == nullptr) return RunGuarded(*function, *execution, input);
        const UsageMeter meter;
        sdk::ActivityResult<nlohmann::json> result = RunGuarded(*function, *execution, input);
        *measured = meter.Read();
        return result;
      },
      [&strand = environment_.strand, weak = weak_from_this(),
       weak_attempt = std::weak_ptr(attempt), measured](sdk::ActivityResult<nlohmann::json> result) {
        strand.Post([weak, weak_attempt, measured, result = std::move(result)]() mutable {
          const auto self = weak.lock();
          const auto ended = weak_attempt.lock();
          if (!self || !ended) return;
          if (measured != nullptr) ended->usage = *measured;
          self->Ended(ended, std::move(result));
        });
      });
}

bool ActivityRunner::AnswerFromCache(const std::shared_ptr<Attempt>& attempt,
                                     const ws::PollActivityTaskQueueResponse& task, const nlohmann::json& input) {
  if (options_.result_cache == nullptr) return false;
  const std::optional<sdk::ResultCaching> caching = core::CachingAskedFor(task.header());
  if (!caching) return false;
  const std::string& type = attempt->execution->info().activity_type;
  std::string key = ResultCache::KeyOf(attempt->execution->info().ns, type, input);
  std::optional<nlohmann::json> kept = options_.result_cache->Look(type, key, caching->ttl, environment_.clock.Now());
  if (!kept) {
    attempt->cache_key = std::move(key);
    attempt->caching = *caching;
    return false;
  }
  attempt->from_cache = true;
  ++stats_.from_cache;
  Ended(attempt, *std::move(kept));
  return true;
}

void ActivityRunner::CancelAll(CancelReason reason) {
  for (const auto& [id, attempt] : attempts_) attempt->execution->Cancel(reason);
}

void ActivityRunner::Ended(const std::shared_ptr<Attempt>& attempt, sdk::ActivityResult<nlohmann::json> result) {
  attempt->ended = true;
  if (attempt->deadline_timer) environment_.timers.Cancel(*attempt->deadline_timer);
  if (attempt->execution->cancel_reason() == CancelReason::kGone) return Forget(attempt);
  if (result.failure() != nullptr) return ReportFailure(attempt, *result.failure());
  if (result.cancelled() != nullptr) return ReportCancelled(attempt, result.cancelled()->details);
  auto request = std::make_shared<ws::RespondActivityTaskCompletedRequest>();
  request->set_task_token(attempt->token);
  request->set_namespace_(options_.ns);
  request->set_identity(options_.identity);
  try {
    *request->mutable_result() = core::EncodePayloads(result.value());
    if (attempt->from_cache) core::MarkFromCache(*request->mutable_result());
    if (attempt->usage) NoteUsage(*attempt->usage, *request->mutable_result());
    if (!attempt->cache_key.empty()) {
      options_.result_cache->Store(attempt->execution->info().activity_type, attempt->cache_key, result.value(),
                                   attempt->caching.max_entries, environment_.clock.Now());
    }
  } catch (const nlohmann::json::exception& e) {
    return ReportFailure(attempt, Failure("the result of " + attempt->execution->info().activity_type +
                                              " cannot be written as JSON: " + e.what(),
                                          "INVALID_RESULT", true));
  }
  Report(attempt, "RespondActivityTaskCompleted", std::move(request), &Stats::completed);
}

void ActivityRunner::ReportFailure(const std::shared_ptr<Attempt>& attempt, const sdk::ApplicationFailure& failure) {
  auto request = std::make_shared<ws::RespondActivityTaskFailedRequest>();
  request->set_task_token(attempt->token);
  request->set_namespace_(options_.ns);
  request->set_identity(options_.identity);
  try {
    *request->mutable_failure() = core::EncodeFailure(failure);
    // Details the throttle held back: the next attempt shall see them (S28).
    if (const auto details = attempt->execution->TakeHeartbeat()) {
      *request->mutable_last_heartbeat_details() = core::EncodePayloads(*details);
    }
  } catch (const nlohmann::json::exception& e) {
    *request->mutable_failure() = core::MakeFailure(
        attempt->execution->info().activity_type + " failed, and its failure cannot be written as JSON",
        failure.type.empty() ? "INVALID_FAILURE" : failure.type);
  }
  Report(attempt, "RespondActivityTaskFailed", std::move(request), &Stats::failed);
}

void ActivityRunner::ReportCancelled(const std::shared_ptr<Attempt>& attempt, const nlohmann::json& details) {
  if (attempt->execution->cancel_reason() != CancelReason::kRequested) {
    // Only a cancellation that was asked for may be answered as one; anything else is an attempt that did not succeed.
    switch (attempt->execution->cancel_reason()) {
      case CancelReason::kWorkerStopping:
        return ReportFailure(attempt,
                             Failure("worker " + options_.identity + " is stopping", "WORKER_STOPPING", false));
      case CancelReason::kTimedOut:
        return ReportFailure(attempt, Failure("its time was over", "TIMED_OUT", false));
      default:
        return ReportFailure(attempt, Failure(attempt->execution->info().activity_type +
                                                  " ended as cancelled, but nobody had asked for that",
                                              "CANCELLED", false));
    }
  }
  auto request = std::make_shared<ws::RespondActivityTaskCanceledRequest>();
  request->set_task_token(attempt->token);
  request->set_namespace_(options_.ns);
  request->set_identity(options_.identity);
  try {
    if (!details.is_null()) *request->mutable_details() = core::EncodePayloads(details);
  } catch (const nlohmann::json::exception&) {
    request->clear_details();  // A cancellation without details is still one.
  }
  Report(attempt, "RespondActivityTaskCanceled", std::move(request), &Stats::cancelled);
}

void ActivityRunner::Report(const std::shared_ptr<Attempt>& attempt, std::string method,
                            std::shared_ptr<const google::protobuf::MessageLite> request, uint64_t Stats::* counter) {
  RetryOptions retry;
  // After its deadline the server refuses the outcome anyway; a little longer, because the clocks differ.
  if (attempt->deadline) {
    retry.give_up_at = std::max(*attempt->deadline, environment_.clock.Now()) + std::chrono::seconds(10);
  }
  CallWithRetries(environment_, weak_from_this(), method, std::move(request), retry,
                  [weak = weak_from_this(), attempt, method, counter](const Result<std::string>& answer) {
                    const auto self = weak.lock();
                    if (!self) return;
                    self->Reported(attempt, method, counter, answer ? Ok() : Status(answer.error()));
                  });
}

void ActivityRunner::Reported(const std::shared_ptr<Attempt>& attempt, const std::string& method,
                              uint64_t Stats::* counter, const Status& status) {
  const sdk::ActivityInfo& info = attempt->execution->info();
  if (status) {
    ++(stats_.*counter);
    if (counter == &Stats::completed && options_.on_completion_acknowledged) {
      options_.on_completion_acknowledged(info.IdempotencyToken());
    }
    return Forget(attempt);
  }
  const bool too_large = IsTooLarge(status.error());
  if ((status.error().code == StatusCode::kInvalidArgument || too_large) && counter == &Stats::completed) {
    // Refused for what it is, say its size.  Left alone, the attempt would run into its timeout and be repeated.
    return ReportFailure(attempt,
                         Failure("the server refuses the result: " + status.error().message, "INVALID_RESULT", true));
  }
  ++stats_.refused;
  // NOT_FOUND is ordinary: the attempt timed out or its workflow closed meanwhile.
  environment_.log(status.error().code == StatusCode::kNotFound ? LogLevel::kInfo : LogLevel::kWarning,
                   method + " for " + NameOf(info) + " was not accepted: " + status.error().ToString());
  Forget(attempt);
}

void ActivityRunner::Forget(const std::shared_ptr<Attempt>& attempt) {
  attempts_.erase(attempt->id);
  if (options_.on_slot_freed) options_.on_slot_freed();
}

Duration ActivityRunner::HeartbeatInterval(const sdk::ActivityInfo& info) const {
  if (info.heartbeat_timeout <= Duration::zero()) return options_.default_heartbeat_interval;
  return std::min(info.heartbeat_timeout / 10 * 8, options_.max_heartbeat_interval);
}

void ActivityRunner::SendHeartbeat(const std::shared_ptr<Attempt>& attempt) {
  if (attempt->ended || attempt->heartbeat_in_flight || attempt->heartbeat_waits) return;
  std::optional<nlohmann::json> details = attempt->execution->TakeHeartbeat();
  if (!details) return;
  attempt->last_beat = environment_.clock.Now();
  WatchHeartbeats(attempt, attempt->execution->info().heartbeat_timeout);
  ws::RecordActivityTaskHeartbeatRequest request;
  request.set_task_token(attempt->token);
  request.set_namespace_(options_.ns);
  request.set_identity(options_.identity);
  try {
    if (!details->is_null()) *request.mutable_details() = core::EncodePayloads(*details);
  } catch (const nlohmann::json::exception& e) {
    environment_.log(LogLevel::kWarning, "heartbeat details of " + NameOf(attempt->execution->info()) +
                                             " cannot be written as JSON; the heartbeat goes without them");
  }
  attempt->heartbeat_in_flight = true;
  client::CallMethod<ws::RecordActivityTaskHeartbeatResponse>(
      environment_.client, client::kWorkflowService, "RecordActivityTaskHeartbeat", request,
      {.timeout = std::chrono::seconds(10), .executor = &environment_.strand},
      [weak = weak_from_this(), attempt,
       details = *std::move(details)](Result<ws::RecordActivityTaskHeartbeatResponse> answer) mutable {
        if (const auto self = weak.lock()) self->HeartbeatAnswered(attempt, std::move(details), std::move(answer));
      });
}

void ActivityRunner::HeartbeatAnswered(const std::shared_ptr<Attempt>& attempt, nlohmann::json details,
                                       Result<ws::RecordActivityTaskHeartbeatResponse> answer) {
  attempt->heartbeat_in_flight = false;
  ActivityExecution& execution = *attempt->execution;
  const Duration interval = HeartbeatInterval(execution.info());
  if (answer) {
    if (answer->cancel_requested()) execution.Cancel(CancelReason::kRequested);
    // A paused or reset attempt has to end; it will be run again (S36, S37).
    if (answer->activity_paused() || answer->activity_reset()) execution.Cancel(CancelReason::kWorkerStopping);
    return HeartbeatAfter(attempt, interval);
  }
  if (answer.error().code == StatusCode::kNotFound) return execution.Cancel(CancelReason::kGone);
  if (IsTooLarge(answer.error())) {
    environment_.log(LogLevel::kWarning, "heartbeat details of " + NameOf(execution.info()) +
                                             " are too large for the server; the heartbeat goes without them");
    details = nullptr;
  }
  // Sooner than the throttle says: the server must hear of this attempt before its heartbeat timeout.
  execution.ReturnHeartbeat(std::move(details));
  HeartbeatAfter(attempt, std::min<Duration>(interval, std::chrono::seconds(1)));
}

/// Names an activity that promised to heartbeat and does not: the server gives it up after the same time and only says
/// "timed out".  Once for each silence.
void ActivityRunner::WatchHeartbeats(const std::shared_ptr<Attempt>& attempt, Duration delay) {
  if (attempt->watched || attempt->execution->info().heartbeat_timeout <= Duration::zero()) return;
  attempt->watched = true;
  environment_.timers.After(delay, environment_.strand, [weak = weak_from_this(), weak_attempt = std::weak_ptr(attempt)] {
    const auto self = weak.lock();
    const auto watched = weak_attempt.lock();
    if (!self || !watched || watched->ended) return;
    watched->watched = false;
    const sdk::ActivityInfo& info = watched->execution->info();
    const Duration silence = self->environment_.clock.Now() - watched->last_beat;
    if (silence < info.heartbeat_timeout) return self->WatchHeartbeats(watched, info.heartbeat_timeout - silence);
    ++self->stats_.silent;
    self->environment_.log(LogLevel::kWarning,
                           NameOf(info) + " has not sent a heartbeat for " + Seconds(silence) +
                               ", which is its heartbeat timeout: the server gives this attempt up (attempt " +
                               std::to_string(info.attempt) + ")");
  });
}

void ActivityRunner::HeartbeatAfter(const std::shared_ptr<Attempt>& attempt, Duration delay) {
  if (attempt->ended) return;
  attempt->heartbeat_waits = true;
  environment_.timers.After(delay, environment_.strand, [weak = weak_from_this(), attempt] {
    attempt->heartbeat_waits = false;
    if (const auto self = weak.lock()) self->SendHeartbeat(attempt);
  });
}

}  // namespace wfe::worker
