// A client of the service: carries a plan out, repeats what was not answered, and remembers what was acknowledged.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/network.h"
#include "tests/simulation/engine_process.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/process.h"

namespace wfe::simulation {

/// What the engine has told a client about one workflow: it must be true for ever.
struct Told {
  std::optional<std::string> first_run_id;  ///< The start is acknowledged.
  std::vector<bool> signal_acknowledged;    ///< By number.
  std::optional<Instant> cancel_acknowledged;  ///< On the engine's clock.
  bool terminate_acknowledged = false;
  std::optional<enums::WorkflowExecutionStatus> status;  ///< How the last run of the chain has ended.
  std::optional<int64_t> value;                          ///< Its result, when it has completed.
  std::string last_run_id;
  std::vector<std::string> violations;  ///< Answers that cannot be.
};

/// Lives on one strand of a process that never dies.
class Client {
 public:
  Client(Process& process, Strand& strand, Link& link, const EngineClock& engine_clock, const Plan& plan);
  ~Client();

  void Start();
  /// The workflow has ended and everything planned was answered.
  bool done() const;
  const Plan& plan() const;
  const Told& told() const;
  static std::string SignalRequestId(const Plan& plan, size_t number);
  static std::string StartRequestId(const Plan& plan);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace wfe::simulation
