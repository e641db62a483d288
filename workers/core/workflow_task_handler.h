// Turns workflow tasks into answers: the sans-I/O heart of a workflow worker.  Starts no thread, reads no clock, knows
// no gRPC; the worker host, the simulator and `wfe replay` all drive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/time.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "workers/core/acknowledgement.h"
#include "workers/sdk/workflow_info.h"

namespace wfe::sdk {
class WorkflowRegistry;
}

namespace wfe::core {

namespace ws = temporal::api::workflowservice::v1;

struct HandlerOptions {
  std::string ns = "default";
  std::string identity;
  std::string build_id;
  size_t max_cached_workflows = 1000;  ///< 0: no sticky cache; every task replays its whole history.
  std::string sticky_queue;            ///< Empty: none.
  Duration sticky_schedule_to_start_timeout = std::chrono::seconds(10);  // S45
  bool request_eager_activities = true;                                  ///< Design rule R2.
  /// Task queue that this worker's own activity pollers serve; eager execution is asked for only there.
  std::string activity_queue;
  /// Takes what workflows log, except while they replay; called from within Handle.
  std::function<void(sdk::LogLevel, const sdk::WorkflowInfo&, std::string_view)> log = nullptr;
};

/// The task's history is not all there (a sticky task whose run is no longer cached, or further pages): fetch the whole
/// history with GetWorkflowExecutionHistory, put it into the task, clear next_page_token and call Handle again.
struct NeedFullHistory {};

using TaskAnswer = std::variant<ws::RespondWorkflowTaskCompletedRequest, ws::RespondWorkflowTaskFailedRequest,
                                ws::RespondQueryTaskCompletedRequest, NeedFullHistory>;

class WorkflowTaskHandler {
 public:
  /// `registry` must outlive the handler.
  WorkflowTaskHandler(const sdk::WorkflowRegistry& registry, HandlerOptions options);
  ~WorkflowTaskHandler();

  /// Runs the workflow's code as far as the task allows.  One call at a time.  `task.history` holds all events that
  /// the answer may depend on: from the first event, or from the one after the last task this handler completed.
  ///
  /// `answered` is given once the server has taken the answer.  Until then, and without one, the run's live instance is
  /// not used again: the next task replays the history, which alone knows which answer counted.
  TaskAnswer Handle(const ws::PollWorkflowTaskQueueResponse& task,
                    std::shared_ptr<const Acknowledgement> answered = nullptr);

  /// Forgets a run's live coroutine: its answer was refused or never arrived, so what it assumed may not be true.
  void Evict(const std::string& run_id);

  struct Stats {
    uint64_t sticky_hits = 0;
    uint64_t replays = 0;
    uint64_t forced_evictions = 0;
    size_t cached = 0;
  };
  Stats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::core
