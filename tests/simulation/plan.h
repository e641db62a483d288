// What the clients of a world do to one workflow, and how that workflow must end.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "tests/simulation/options.h"
#include "tests/simulation/program.h"
#include "tests/simulation/random.h"

namespace wfe::simulation {

namespace enums = temporal::api::enums::v1;

struct PlannedSignal {
  Duration after{};  ///< The acknowledged start.
  int64_t value = 0;
};

struct Plan {
  int number = 0;
  std::string workflow_id;
  Program program;
  Duration start_at{};
  bool start_with_signal = false;  ///< The first signal comes with the start (S77).
  std::vector<PlannedSignal> signals;
  std::optional<Duration> cancel_after;
  std::optional<Duration> terminate_after;
  std::vector<Duration> query_after;
  Duration start_delay{};
  Duration run_timeout{};
  int retries = 0;  ///< Attempts of the workflow's own retry policy; 0: none.

  /// How the last run of the chain may end.
  std::set<enums::WorkflowExecutionStatus> statuses;
  /// The result when it completes; nullopt: it may be any.
  std::optional<int64_t> value;

  std::string ToString() const;
};

std::vector<Plan> RandomPlans(Random random, const Options& options);

}  // namespace wfe::simulation
