// The algorithm at work, in the sandbox: what it decides on given prices and what that comes to, whether it looks
// ahead, how its work grows, and which generated cases it fails.
#pragma once

#include <string>

#include "activities/nodes/settings.h"
#include "activities/packaged/trading/backtest.h"
#include "activities/packaged/trading/examine.h"
#include "activities/packaged/trading/sources.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::trading {

/// How long an algorithm may run, all runs of one step together.
inline constexpr auto kAlgorithmTime = std::chrono::seconds(60);

/// What the algorithm said of the bars (python/harness.py).
struct AlgorithmRun {
  std::vector<double> weights;                     ///< Empty: it failed.
  std::vector<std::optional<double>> weights_cut;  ///< Decided from the bars up to each alone; as `cut_at`.
  std::vector<size_t> cut_at;
  std::vector<WorkCount> work;
  double seconds = 0;
  std::string fault;  ///< "ZeroDivisionError: division by zero"
  std::string fault_file;
  int64_t fault_line = 0;
  bool breaks_contract = false;  ///< It came to an end, and gave no list of one finite number for each bar.
  std::vector<std::string> notes;
  bool sandboxed = false;
};
/// FAILED_PRECONDITION: the machine has no Python.
Result<AlgorithmRun> RunAlgorithm(const nodes::NodeSettings& settings, const std::vector<LoadedSource>& loaded,
                                  const AlgorithmEntry& entry, const nlohmann::json& parameters,
                                  const std::vector<Bar>& bars, const sandbox::ProcessWatch& watch,
                                  Duration limit = kAlgorithmTime);

/// How many decisions changed once later bars were taken away.
LookAhead CompareCut(const AlgorithmRun& run, const std::vector<Bar>& bars);

/// The whole step.  FAILED_PRECONDITION and INVALID_ARGUMENT: it could not be made, with the reason; an algorithm that
/// fails on the prices is a finding, and its report has a fault and no courses.
Result<BacktestReport> BacktestFolder(const nodes::NodeSettings& settings, const std::string& directory,
                                      const TradingSources& sources, const ExaminedFolder& folder,
                                      const sandbox::ProcessWatch& watch);

}  // namespace wfe::trading
