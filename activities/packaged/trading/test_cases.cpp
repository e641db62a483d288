#include "activities/packaged/trading/test_cases.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <set>

#include "activities/packaged/trading/python_run.h"
#include "activities/packaged/trading/rules.h"
#include "engine/base/check.h"
#include "engine/base/parse_json.h"

namespace wfe::trading {
namespace {

using nlohmann::json;

constexpr double kCaseSeconds = 5;
constexpr auto kAllCases = std::chrono::seconds(60);

std::string TemplateOfCases() {
  const auto& programs = EmbeddedTradingPrograms();
  const auto found = std::ranges::find(programs, std::string_view("cases_template.py"), &TradingProgram::name);
  WFE_CHECK(found != programs.end(), "the template of test cases is not compiled in");
  return std::string(found->content);
}

void ReplaceAll(std::string& text, const std::string& mark, const std::string& value) {
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size())) {
    text.replace(at, mark.size(), value);
  }
}

std::vector<std::string> NamesOfCases(const std::string& text) {
  static const RE2 kCase(R"(\n    def (test_\w+)\()");
  std::vector<std::string> names;
  re2::StringPiece rest(text);
  std::string name;
  while (RE2::FindAndConsume(&rest, kCase, &name)) names.push_back(name);
  return names;
}

/// What a case shows when its own assertion failed; one that could not be finished shows only that.
std::string_view RuleOfCase(const std::string& name, bool asserted) {
  if (!asserted) return "case-failed";
  if (name == "test_does_not_look_ahead") return "look-ahead";
  if (name == "test_weight_keeps_its_limit") return "unlimited-weight";
  return "case-failed";
}

TestOutcome ReadOutcome(const json& line, const sandbox::SecretMask& mask) {
  TestOutcome outcome;
  outcome.name = TextAt(line, "name");
  outcome.says = TextAt(line, "says");
  outcome.outcome = TextAt(line, "outcome");
  outcome.message = mask.Apply(sandbox::CleanTerminalText(TextAt(line, "message")));
  outcome.file = TextAt(line, "file");
  outcome.line = CountAt(line, "line");
  return outcome;
}

}  // namespace

std::string GenerateTestFile(const AlgorithmEntry& entry, const nlohmann::json& parameters) {
  std::string text = TemplateOfCases();
  double limit = 1;
  if (const auto found = parameters.find("max_weight"); found != parameters.end() && found->is_number()) {
    limit = found->get<double>();
  }
  ReplaceAll(text, "@FILE@", json(entry.file).dump());
  ReplaceAll(text, "@ENTRY@", json(entry.function).dump());
  ReplaceAll(text, "@LIMIT@", json(limit).dump());
  ReplaceAll(text, "@NAME@", sandbox::Printable(entry.file));
  // A JSON text as a Python one: its escapes are Python's, too.
  ReplaceAll(text, "@PARAMETERS@", json(parameters.dump()).dump());
  return text;
}

Result<TestCases> RunGeneratedTests(const nodes::NodeSettings& settings, const std::vector<LoadedSource>& loaded,
                                    const AlgorithmEntry& entry, const nlohmann::json& parameters,
                                    const sandbox::ProcessWatch& watch) {
  TestCases cases{.file = std::string(kTestFile), .text = GenerateTestFile(entry, parameters)};
  const PythonTask task{.task = "test",
                        .request = {{"directory", "."}, {"file", kTestFile}, {"case_s", kCaseSeconds}},
                        .files = &loaded,
                        .test_file = cases.text,
                        .wall_clock = kAllCases};
  WFE_ASSIGN_OR_RETURN(const PythonAnswer answer, RunTradingPython(settings, task, watch));
  cases.sandboxed = answer.sandboxed;
  const sandbox::SecretMask mask = MaskOf(loaded);
  std::string whole_fault;
  std::set<std::string> asserted;
  for (const json& line : answer.lines) {
    TestOutcome outcome = ReadOutcome(line, mask);
    if (outcome.name.empty()) {
      whole_fault = outcome.message;
    } else {
      if (line.value("asserted", false)) asserted.insert(outcome.name);
      const std::string prefix = std::string(kAlgorithmDirectory) + "/";
      if (outcome.file.starts_with(prefix)) {
        outcome.file.erase(0, prefix.size());
      } else if (outcome.file == kTestFile) {
        outcome.file.clear();
        outcome.line = 0;
      }
      cases.outcomes.push_back(std::move(outcome));
    }
  }
  if (whole_fault.empty()) whole_fault = answer.fault;
  int64_t not_run = 0;
  for (const std::string& name : NamesOfCases(cases.text)) {
    if (std::ranges::find(cases.outcomes, name, &TestOutcome::name) != cases.outcomes.end()) continue;
    cases.outcomes.push_back({.name = name, .says = "", .outcome = "not run", .message = whole_fault});
    ++not_run;
  }
  if (not_run > 0) {
    cases.fault = fmt::format("{} of {} generated cases did not run{}", not_run, cases.outcomes.size(),
                              whole_fault.empty() ? "" : ": " + whole_fault);
  }
  for (const TestOutcome& outcome : cases.outcomes) {
    if (outcome.outcome != "failed") continue;
    TradingFinding finding = MakeFinding(RuleOfCase(outcome.name, asserted.contains(outcome.name)), outcome.file.empty() ? entry.file : outcome.file,
                                         outcome.line, outcome.name + ": " + outcome.message, kByRun);
    cases.findings.push_back(std::move(finding));
  }
  AddEvidence(cases.findings, loaded);
  return cases;
}

}  // namespace wfe::trading
