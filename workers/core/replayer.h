// Checks today's code against a recorded history, without a worker and without an engine.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "temporal/api/history/v1/message.pb.h"
#include "workers/core/divergence.h"

namespace wfe::sdk {
class WorkflowRegistry;
}

namespace wfe::core {

/// The code does what the history says.
struct Deterministic {
  int64_t events = 0;          ///< How many were replayed.
  int64_t workflow_tasks = 0;  ///< How often code ran.
  bool closed = false;         ///< The history holds the end of the run.
};

struct ReplayReport {
  std::string workflow_type;
  std::variant<Deterministic, Divergence, TaskFailure> outcome;

  bool deterministic() const { return std::holds_alternative<Deterministic>(outcome); }
  /// A sentence or two.
  std::string ToString() const;
};

struct ReplayOptions {
  std::string ns = "default";
  std::string workflow_id;  ///< Empty: the one in the history, if it has one.
  std::string run_id;       ///< Empty: the original run id in the history.
};

/// The history starts with the first event and may end anywhere, also within a workflow task.
ReplayReport Replay(const temporal::api::history::v1::History& history, const sdk::WorkflowRegistry& registry,
                    const ReplayOptions& options = {});

}  // namespace wfe::core
