// What a workflow needs to know about nodes: the activities' names, inputs and results (AC-7).
//
//   analyzeStatic   examines a file of generated code, repairs it on disk, gives the report (RC-1)
//   runNodeTests    runs the file on given inputs, in the sandbox
//
// Both may run more than once for the same run: the second time they find the repaired file and say the same of it, but
// for what was repaired.  A request with `source` writes the file first and so gives the same report every time.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activities/nodes/node_tests.h"
#include "activities/nodes/report.h"
#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::nodes {

/// ApplicationFailure::type: the machine lacks Python, a compiler or a sandbox that it must have.  Not retried.
inline constexpr std::string_view kFailureNodeTool = "MISSING_TOOL";
/// The directory or the file is not there or may not be used.  Not retried.
inline constexpr std::string_view kFailureNodeFile = "WORKING_DIR";

struct AnalyzeStaticRequest {
  std::string working_dir;            ///< Absolute.  Empty: nothing is on disk, and `source` is examined.
  std::string file;                   ///< Relative to it; "" with a source: "node.py" or "node.cpp".
  std::optional<std::string> source;  ///< Absent: the file as it stands.
  std::string language = "python";
  bool repair = true;
  std::optional<std::vector<std::string>> tools;  ///< Names that call_tool() knows; absent: any.
  std::vector<std::string> required_tools;
  std::string node_id;
  std::string workflow_run_id;  ///< Empty: the calling workflow's.
  std::string template_id;
  int64_t template_version = 0;
  std::string model;
};
WFE_RECORD(AnalyzeStaticRequest, working_dir, file, source, language, repair, tools, required_tools, node_id,
           workflow_run_id, template_id, template_version, model);
constexpr RecordRules RulesOf(const AnalyzeStaticRequest*) { return {.subject = "input"}; }

struct AnalyzeStaticResult {
  GenerationReport report;
  bool passes_gate = false;           ///< SG-2
  std::string feedback;               ///< For the prompt of an escalation; "" when nothing is left.
  std::optional<std::string> source;  ///< The text as it is now, when the request brought one.
};
WFE_RECORD(AnalyzeStaticResult, report, passes_gate, feedback, source);
constexpr RecordRules RulesOf(const AnalyzeStaticResult*) { return {.required = "report passes_gate"}; }

struct RunNodeTestsRequest {
  std::string working_dir;
  std::string file;
  std::optional<std::string> source;  ///< Absent: the file as it stands.
  std::string language = "python";
  std::vector<NodeTestCase> cases;  ///< None: one run with an empty object.
  nlohmann::json tools;             ///< As a tools file has them; null: none.
};
WFE_RECORD(RunNodeTestsRequest, working_dir, file, source, language, cases, tools);
constexpr RecordRules RulesOf(const RunNodeTestsRequest*) { return {.subject = "input"}; }

inline constexpr sdk::ActivityType<AnalyzeStaticRequest, AnalyzeStaticResult> kAnalyzeStatic{"analyzeStatic"};
inline constexpr sdk::ActivityType<RunNodeTestsRequest, NodeTestReport> kRunNodeTests{"runNodeTests"};

}  // namespace wfe::nodes
