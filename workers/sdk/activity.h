// What activity authors include.  An activity is a plain function that may do anything; it runs at least once, on a
// worker's thread, and tells the engine that it lives by heartbeats.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::sdk {

/// An input or result that carries nothing; JSON null.
struct Nothing {
  friend bool operator==(const Nothing&, const Nothing&) = default;
};
inline void to_json(nlohmann::json& json, const Nothing&) { json = nullptr; }
inline void from_json(const nlohmann::json&, Nothing&) {}

/// Names an activity and fixes its input and result types for both sides.
///   inline constexpr ActivityType<LogAuditEntryInput, Nothing> kLogAuditEntry{"logAuditEntry"};
template <class Input, class Output>
struct ActivityType {
  using input_type = Input;
  using output_type = Output;
  std::string_view name;
};

/// Why an activity failed, as its workflow sees it.
struct ApplicationFailure {
  std::string message;
  std::string type;                          ///< A stable name, e.g. "AGENT_ERROR"; retry policies list these.
  bool non_retryable = false;                ///< True: the engine does not try again (S23).
  std::optional<Duration> next_retry_delay;  ///< Replaces the computed interval (S22), e.g. a server's own delay.
  nlohmann::json details;                    ///< null: none.
};

/// An activity's outcome: its value, a failure, or "cancelled".
struct ActivityCancelled {
  nlohmann::json details;
};

template <class T>
class [[nodiscard]] ActivityResult {
 public:
  ActivityResult(T value) : state_(std::move(value)) {}                          // NOLINT
  ActivityResult(ApplicationFailure failure) : state_(std::move(failure)) {}     // NOLINT
  ActivityResult(ActivityCancelled cancelled) : state_(std::move(cancelled)) {}  // NOLINT
  /// An Error becomes a failure whose type is the code's name; INVALID_ARGUMENT is not retried.
  ActivityResult(Error error)  // NOLINT
      : state_(ApplicationFailure{.message = error.message,
                                  .type = std::string(StatusCodeName(error.code)),
                                  .non_retryable = error.code == StatusCode::kInvalidArgument,
                                  .next_retry_delay = std::nullopt,
                                  .details = nullptr}) {}

  bool has_value() const { return std::holds_alternative<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const ApplicationFailure* failure() const { return std::get_if<ApplicationFailure>(&state_); }
  const ActivityCancelled* cancelled() const { return std::get_if<ActivityCancelled>(&state_); }

 private:
  std::variant<T, ApplicationFailure, ActivityCancelled> state_;
};

struct ActivityInfo {
  std::string ns;
  std::string workflow_id;
  std::string run_id;
  std::string workflow_type;
  std::string activity_id;
  std::string activity_type;
  std::string task_queue;
  int attempt = 1;  ///< 1-based.
  Instant scheduled_time;
  Instant started_time;
  Duration start_to_close_timeout{};  ///< 0: none.
  Duration heartbeat_timeout{};       ///< 0: none.

  /// Stable across retries (EN-9): "<run id>/<activity id>".
  std::string IdempotencyToken() const { return run_id + "/" + activity_id; }
};

/// What a running activity may ask and tell.  Used from the activity's thread and any thread it starts.
class ActivityContext {
 public:
  virtual ~ActivityContext() = default;
  virtual const ActivityInfo& info() const = 0;
  /// Says "alive", with details the next attempt will see (S28).  Cheap: throttled by the worker (S29).
  virtual void Heartbeat(const nlohmann::json& details) = 0;
  /// Details of the last heartbeat of the attempt before; nullopt on the first attempt.
  virtual std::optional<nlohmann::json> LastHeartbeatDetails() const = 0;
  /// The workflow asked for cancellation, the attempt timed out, or the worker is stopping: end within 5 s (AC-1).
  virtual bool IsCancelled() const = 0;
  /// Waits until cancelled (true) or `timeout` has passed (false).
  virtual bool WaitForCancel(Duration timeout) = 0;
};

/// An activity with its types erased: JSON in, JSON out.
using ActivityFunction = std::function<ActivityResult<nlohmann::json>(ActivityContext&, const nlohmann::json&)>;

/// The activities a worker serves.  Filled before the worker starts, read-only afterwards.
class ActivityRegistry {
 public:
  template <class Input, class Output, class F>
  void Register(ActivityType<Input, Output> type, F function) {
    RegisterErased(std::string(type.name),
                   [function = std::move(function)](ActivityContext& context,
                                                    const nlohmann::json& json) -> ActivityResult<nlohmann::json> {
                     Input input;
                     try {
                       input = json.get<Input>();
                     } catch (const nlohmann::json::exception& e) {
                       return ApplicationFailure{.message = "the input of " + context.info().activity_type +
                                                            " is not what it takes: " + e.what(),
                                                 .type = "INVALID_INPUT",
                                                 .non_retryable = true,
                                                 .next_retry_delay = std::nullopt,
                                                 .details = nullptr};
                     }
                     ActivityResult<Output> result = function(context, input);
                     if (result.failure() != nullptr) return *result.failure();
                     if (result.cancelled() != nullptr) return *result.cancelled();
                     return nlohmann::json(result.value());
                   });
  }
  void RegisterErased(std::string name, ActivityFunction function) {
    functions_.insert_or_assign(std::move(name), std::move(function));
  }
  /// nullptr when the name is unknown.
  const ActivityFunction* Find(const std::string& name) const {
    const auto found = functions_.find(name);
    return found == functions_.end() ? nullptr : &found->second;
  }
  bool empty() const { return functions_.empty(); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, function] : functions_) names.push_back(name);
    return names;
  }

 private:
  std::unordered_map<std::string, ActivityFunction> functions_;
};

}  // namespace wfe::sdk
