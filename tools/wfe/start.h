// Starting a workflow, as `wfe submit`, `wfe audit run` and others do.
#pragma once

#include <optional>
#include <string>

#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"

namespace wfe::cli {

struct StartOptions {
  std::string type;
  std::optional<nlohmann::json> input;
  std::string id;     ///< Empty: "<type>-" and eight random digits.
  std::string queue;  ///< Empty: client.queue of the configuration.
  double run_timeout_s = 0;
  bool id_was_chosen = false;  ///< By a person, who is told when an earlier run has the same.
};

/// Starts it on the server of `globals`.
Result<Target> StartWorkflow(Globals& globals, const StartOptions& options);

/// Why a run has no result, in words for people, with its ids on a line of their own.
std::string FailurePage(const Outcome& outcome, const Target& target);
/// Prints how a run ended, with its result or its failure; the exit code tells it, too.
int ReportOutcome(const Outcome& outcome, const Target& target, OutputFormat format);

}  // namespace wfe::cli
