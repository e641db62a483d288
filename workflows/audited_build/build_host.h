// Keeps a build's activities on the machine that holds its directory, and says when that machine is gone (EN-5).
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "activities/build/checks/host_info.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

/// Lives in the workflow function's frame, as everything that awaits on it does.
class BuildHost {
 public:
  /// How an activity on the build's host is run.
  struct Options {
    Duration start_to_close;
    Duration heartbeat{};
    int maximum_attempts = 0;
    Duration schedule_to_close{};
    Duration maximum_interval = std::chrono::minutes(1);
    std::string_view activity_id{};  // copied before the first suspension
    /// A cancelled run waits until the work has really ended: its directory is given back after it (AC-1, AB-7).
    bool wait_when_cancelled = false;
  };

  explicit BuildHost(sdk::WorkflowContext& ctx) : ctx_(ctx) {}

  /// Any machine that serves the workflow's queue becomes the host.
  sdk::Task<void> Choose() {
    const sdk::Nothing nothing;
    info_ = co_await ctx_.Activity(build::kDescribeHost, nothing, {.start_to_close = std::chrono::seconds(10)});
  }

  /// Runs an activity on the host, over `working_dir` where its input has one.  When nobody serves the host for its
  /// timeout, calls `on_host_gone`, which chooses another and puts the directory there, and runs the activity again.
  template <class Input, class Output>
  sdk::Task<Output> Run(sdk::ActivityType<Input, Output> type, Input input, Options options) {
    std::string activity_id(options.activity_id);
    while (true) {
      if constexpr (requires { input.working_dir; }) input.working_dir = working_dir;
      bool host_gone = false;
      try {
        Output output = co_await ctx_.Activity(
            type, input,
            {.task_queue = info_.host_queue,
             .activity_id = activity_id,
             .schedule_to_close = options.schedule_to_close,
             .schedule_to_start = timeout,
             .start_to_close = options.start_to_close,
             .heartbeat = options.heartbeat,
             .retry = {.initial_interval = std::chrono::seconds(1),
                       .maximum_interval = options.maximum_interval,
                       .maximum_attempts = options.maximum_attempts},
             .cancellation = options.wait_when_cancelled ? sdk::ActivityCancellationType::kWaitCompleted
                                                         : sdk::ActivityCancellationType::kTryCancel});
        co_return output;
      } catch (const sdk::ActivityFailure& failure) {
        if (failure.timeout_type() != sdk::TimeoutType::kScheduleToStart) throw;
        host_gone = true;
      }
      if (host_gone) {
        ++changes_;
        co_await on_host_gone();
        // The id of an activity that timed out is free again, but one id names one idempotency token.
        if (!activity_id.empty()) activity_id += "-host" + std::to_string(changes_);
      }
    }
  }

  const build::HostInfo& info() const { return info_; }
  int changes() const { return changes_; }

  std::function<sdk::Task<void>()> on_host_gone;
  std::string working_dir;  ///< On the host; empty until there is one.
  Duration timeout{};       ///< Nobody serves the host so long: it is gone.

 private:
  sdk::WorkflowContext& ctx_;
  build::HostInfo info_;
  int changes_ = 0;
};

}  // namespace wfe::workflows
