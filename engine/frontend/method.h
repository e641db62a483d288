// What is known of each method, whatever a request of it says.
#pragma once

#include <span>
#include <string_view>

namespace wfe::frontend {

inline constexpr std::string_view kWorkflowService = "temporal.api.workflowservice.v1.WorkflowService";
inline constexpr std::string_view kOperatorService = "temporal.api.operatorservice.v1.OperatorService";

/// What somebody must be allowed to do to call it.
enum class Access {
  kRead,    ///< Look at what is there.
  kWrite,   ///< Start and steer workflows and schedules.
  kWorker,  ///< Take tasks and answer for them.
  kAdmin,   ///< Change namespaces and what they know.
};

enum class Cost {
  kSmall,  ///< Ends within a turn of a strand.
  kLarge,  ///< Reads much or waits for the disk: runs on the blocking executor, whose room is limited.
};

struct MethodFacts {
  std::string_view service;
  std::string_view name;
  Access access = Access::kRead;
  Cost cost = Cost::kSmall;
  bool long_poll = false;     ///< May wait for something to happen.
  bool in_namespace = true;   ///< Its request's field `namespace` says whose it is, and that one must exist.
};

/// Every method that is served.
std::span<const MethodFacts> AllMethods();

/// Whether it is a worker's poll, which may be parked until there is a task.
bool IsTaskPoll(std::string_view service, std::string_view method);

std::string_view AccessName(Access access);

}  // namespace wfe::frontend
