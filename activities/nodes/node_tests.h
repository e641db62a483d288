// Tests of a node: what it is given on standard input, and what must stand on its standard output.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "activities/nodes/settings.h"
#include "activities/sandbox/process_runner.h"
#include "engine/base/record_json.h"

namespace wfe::nodes {

struct NodeExpectation {
  /// "equals": the same JSON, numbers within 1e-9 of each other; "contains": every member of `value` is there and
  /// equal, at any depth, in objects; "has_keys": an object with these keys (a list); "type": "object", "array",
  /// "string", "number", "boolean" or "null"; "fails": the node says no, by its exit code or a JSON object with
  /// "error".
  std::string kind;
  nlohmann::json value;
  bool operator==(const NodeExpectation&) const = default;
};
WFE_RECORD(NodeExpectation, kind, value);
constexpr RecordRules RulesOf(const NodeExpectation*) {
  return {.refuses_unknown = true, .subject = "expectation", .required = "kind"};
}
void CheckRecord(const NodeExpectation& expectation);

struct NodeTestCase {
  std::string name;                     ///< "" becomes "case 3".
  nlohmann::json input;                 ///< Handed over on one line.
  std::vector<NodeExpectation> expect;  ///< All must hold; none: any JSON value is right.
  bool operator==(const NodeTestCase&) const = default;
};
WFE_RECORD(NodeTestCase, name, input, expect);

/// NodeCaseReport::outcome.
inline constexpr std::string_view kCasePassed = "passed";
inline constexpr std::string_view kCaseWrongOutput = "wrong_output";  ///< JSON, but not what was expected.
inline constexpr std::string_view kCaseNotJson = "not_json";          ///< Nothing, or no single JSON value.
inline constexpr std::string_view kCaseExitCode = "exit_code";        ///< It failed, or did not where it must.
inline constexpr std::string_view kCaseNotCode = "not_code";          ///< It is not Python, or does not compile.
inline constexpr std::string_view kCaseTimeLimit = "time_limit";
inline constexpr std::string_view kCaseOutputLimit = "output_limit";
inline constexpr std::string_view kCaseMemoryLimit = "memory_limit";
inline constexpr std::string_view kCaseProcessLimit = "process_limit";
inline constexpr std::string_view kCaseDiskLimit = "disk_limit";
inline constexpr std::string_view kCaseNotRun = "not_run";  ///< After one that reached a limit.

struct NodeCaseReport {
  std::string name;
  std::string outcome;
  std::string message;  ///< One sentence; "" when it passed.
  int64_t exit_code = 0;
  int64_t duration_ms = 0;
  std::string output;        ///< Head of standard output, masked, when it did not pass.
  std::string error_output;  ///< Tail of standard error, likewise.
  bool passed() const { return outcome == kCasePassed; }
};
WFE_RECORD(NodeCaseReport, name, outcome, message, exit_code, duration_ms, output, error_output);
constexpr RecordRules RulesOf(const NodeCaseReport*) {
  return {.required = "name outcome", .seldom = "message output error_output"};
}

struct NodeTestReport {
  bool passed = false;
  int64_t total = 0;
  int64_t failed = 0;   ///< Those that were not run count.
  std::string message;  ///< Of the first that failed; "" when all passed.
  std::vector<NodeCaseReport> cases;
  std::string sandbox;         ///< "bwrap" or "none".
  std::string sandbox_reason;  ///< Why "none".
  std::string runs_with;       ///< "Python 3.11.2"
  int64_t duration_ms = 0;
};
WFE_RECORD(NodeTestReport, passed, total, failed, message, cases, sandbox, sandbox_reason, runs_with, duration_ms);
constexpr RecordRules RulesOf(const NodeTestReport*) { return {.required = "passed total failed cases"}; }

struct NodeUnderTest {
  std::string language;
  std::string text;
  nlohmann::json tools;             ///< As a tools file has them ({"weather": {"answers": […]}}); null: none.
  std::vector<NodeTestCase> cases;  ///< None: one run with an empty object.
};

/// Runs every case in a directory of its own.  INVALID_ARGUMENT for what cannot be run as it is asked,
/// FAILED_PRECONDITION when the machine lacks what it needs, CANCELLED when the watch said so.
Result<NodeTestReport> RunNodeTests(const NodeSettings& settings, const NodeUnderTest& node,
                                    const sandbox::ProcessWatch& watch);

/// Why `output` is not as expected, to follow a subject ("is a list and not an object"); "" when it is.
std::string Mismatch(const NodeExpectation& expectation, const nlohmann::json& output);

}  // namespace wfe::nodes
