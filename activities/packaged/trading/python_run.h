// The Python of the worker's machine, in the sandbox: for the parser that reads an algorithm, and for the algorithm.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/nodes/settings.h"
#include "activities/packaged/trading/sources.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::trading {

/// A program file that is compiled into this one (python/).
struct TradingProgram {
  std::string_view name;
  std::string_view content;
};
const std::vector<TradingProgram>& EmbeddedTradingPrograms();

struct PythonTask {
  std::string_view task;    ///< analyze, run or test (python/__main__.py).
  nlohmann::json request;   ///< Its standard input.
  /// Put into the directory where it runs, below algorithm/; their faults are not looked at.
  const std::vector<LoadedSource>* files = nullptr;
  std::string test_file;  ///< Likewise, as test_trading_algorithm.py.
  Duration wall_clock = std::chrono::seconds(60);
};

struct PythonAnswer {
  std::vector<nlohmann::json> lines;  ///< What it has answered, as far as it came.
  std::string fault;  ///< Why it did not end well: "it did not end within 60 s".  Else empty.
  bool sandboxed = false;
  std::string sandbox_reason;  ///< Why not.
};

/// Where an algorithm's files are while it runs, below its working directory.
inline constexpr std::string_view kAlgorithmDirectory = "algorithm";

/// FAILED_PRECONDITION: the machine has no Python; CANCELLED when the watch said so; INTERNAL: the program of ours
/// failed.
Result<PythonAnswer> RunTradingPython(const nodes::NodeSettings& settings, const PythonTask& task,
                                      const sandbox::ProcessWatch& watch);

}  // namespace wfe::trading
