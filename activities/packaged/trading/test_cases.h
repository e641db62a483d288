// Generated test cases: a file that anybody can run beside the algorithm, and how its cases end in the sandbox.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "activities/nodes/settings.h"
#include "activities/packaged/trading/sources.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::trading {

inline constexpr std::string_view kTestFile = "test_trading_algorithm.py";

/// The file for that algorithm.
std::string GenerateTestFile(const AlgorithmEntry& entry, const nlohmann::json& parameters);

/// Runs it in the sandbox, each case for at most five seconds.  Cases that a limit has kept from running are "not run".
/// FAILED_PRECONDITION: the machine has no Python.
Result<TestCases> RunGeneratedTests(const nodes::NodeSettings& settings, const std::vector<LoadedSource>& loaded,
                                    const AlgorithmEntry& entry, const nlohmann::json& parameters,
                                    const sandbox::ProcessWatch& watch);

}  // namespace wfe::trading
