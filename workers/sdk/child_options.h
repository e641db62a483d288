// How a child workflow is to be started, and what becomes of it when its parent is cancelled or closes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <type_traits>

#include "engine/base/time.h"
#include "workers/sdk/activity_options.h"

namespace wfe::sdk {

/// What the engine does to a child that is open when its parent closes (S78).
enum class ParentClosePolicy {
  kTerminate,
  kAbandon,  ///< It goes on by itself.
  kRequestCancel,
};

/// What happens to a child when the scope in which it was started is cancelled (S79).  A child whose command has not
/// left yet is never started, whichever it is.
enum class ChildCancellationType {
  kWaitCompleted,  ///< Ask it to cancel; the await goes on until it has ended, and gives its value if it ended well.
  kWaitRequested,  ///< Ask it to cancel; the await throws when the request has reached it.
  kTryCancel,      ///< Ask it to cancel; the await throws at once.  A parent that closes then may never have asked.
  kAbandon,        ///< Leave it running; the await throws at once.
};

/// Whether the id of a workflow that has closed may be used again (S1).
enum class WorkflowIdReusePolicy {
  kAllowDuplicate,
  kAllowDuplicateFailedOnly,
  kRejectDuplicate,
};

/// Which of many waiting tasks goes first.  A field left at zero is as the parent has it.
struct Priority {
  int priority_key = 0;  ///< 1 goes before 2, and so on.
  std::string_view fairness_key{};
  float fairness_weight = 0;
};

/// Everything may be left out.  Trivially destructible for the reason given at ActivityOptions; what is pointed at is
/// copied by the call.
struct ChildOptions {
  std::string_view workflow_id{};  ///< Empty: "<run id of the parent>_1", "_2", ... in the order of starting.
  std::string_view task_queue{};   ///< Empty: the parent's own.
  Duration execution_timeout{};    ///< All its runs together; 0: none.
  Duration run_timeout{};          ///< One run; 0: none.
  Duration task_timeout{};         ///< One workflow task; 0: the engine's default.
  RetryPolicy retry{};             ///< With all fields at zero a failed child is not retried.
  std::string_view cron_schedule{};
  ParentClosePolicy parent_close = ParentClosePolicy::kTerminate;
  ChildCancellationType cancellation = ChildCancellationType::kWaitCompleted;
  WorkflowIdReusePolicy id_reuse = WorkflowIdReusePolicy::kAllowDuplicate;
  const nlohmann::json* memo = nullptr;               ///< A JSON object.
  const nlohmann::json* search_attributes = nullptr;  ///< A JSON object: values by attribute.
  Priority priority{};
  std::string_view static_summary{};  ///< One line for people, shown with the child.
  std::string_view static_details{};
};

static_assert(std::is_trivially_destructible_v<ChildOptions>);
static_assert(std::is_trivially_copyable_v<ChildOptions>);

}  // namespace wfe::sdk
