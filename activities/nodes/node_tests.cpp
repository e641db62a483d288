#include "activities/nodes/node_tests.h"

#include <re2/re2.h>

#include <algorithm>

#include "activities/nodes/compile.h"
#include "activities/nodes/examine.h"
#include "activities/nodes/scene.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::nodes {
namespace {

using nlohmann::json;
using sandbox::ProcessOutcome;
using Kind = ProcessOutcome::Kind;
using Limit = ProcessOutcome::Limit;

constexpr int64_t kKeptChars = 2000;

std::string Seconds(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

/// "KeyError: 'text' (line 12)": the last line that is not blank, and of a traceback the innermost line of the node.
std::string LastWords(const std::string& err) {
  static const RE2 kPlace(R"re(File "[^"]*node\.py", line (\d+))re");
  std::string line_number;
  std::string last;
  for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(err))) {
    RE2::PartialMatch(line, kPlace, &line_number);
    if (line.find_first_not_of(" \t^~") != std::string::npos) last = line;
  }
  last.erase(0, last.find_first_not_of(' '));
  last = sandbox::Printable(last);
  return last + (last.empty() || line_number.empty() ? "" : " (line " + line_number + ")");
}

/// One run of a node, judged.
class Judge {
 public:
  Judge(const NodeLimits& limits, const NodeTestCase& test, const ProcessOutcome& run, NodeCaseReport& report)
      : limits_(limits), test_(test), run_(run), report_(report) {}

  void Decide() {
    if (ReachedALimit() || IsNoCode()) return;
    const std::string_view text = Trimmed(run_.out.text);
    const json output = ParseJson(text);
    const bool fails = std::ranges::any_of(test_.expect, [](const auto& e) { return e.kind == "fails"; });
    const bool says_no = output.is_object() && output.contains("error");
    if (run_.exit_code != 0 && !says_no && !fails) {
      const std::string words = LastWords(run_.err.text);
      return Say(kCaseExitCode,
                 "ended with exit code " + std::to_string(run_.exit_code) + (words.empty() ? "" : ": " + words));
    }
    if (fails) {
      if (run_.exit_code == 0 && !says_no) Say(kCaseExitCode, "took an input that it must refuse");
      return;
    }
    if (output.is_discarded()) return Say(kCaseNotJson, WhyNoValue(text));
    if (run_.exit_code != 0 && !test_.expect.empty()) {
      return Say(kCaseExitCode, "refused an input that it must take: " + sandbox::Printable(output["error"].dump()));
    }
    for (const NodeExpectation& expectation : test_.expect) {
      const std::string why = Mismatch(expectation, output);
      if (!why.empty()) return Say(kCaseWrongOutput, "wrote what " + why);
    }
  }

 private:
  void Say(std::string_view outcome, const std::string& sentence) {
    report_.outcome = outcome;
    report_.message = "the node " + sentence + " (" + report_.name + ")";
  }

  bool ReachedALimit() {
    if (run_.limit == Limit::kMemory) {
      Say(kCaseMemoryLimit, "took more than " + std::to_string(limits_.memory_bytes >> 20) + " MiB of memory");
    } else if (run_.limit == Limit::kProcesses) {
      Say(kCaseProcessLimit, "started more than " + std::to_string(limits_.processes) + " processes");
    } else if (run_.limit == Limit::kDisk) {
      Say(kCaseDiskLimit, "wrote more than " + std::to_string(limits_.disk_bytes >> 20) + " MiB of files");
    } else if (run_.out.total_bytes > limits_.output_bytes) {
      Say(kCaseOutputLimit, "wrote " + std::to_string(run_.out.total_bytes) + " bytes to standard output; at most " +
                                std::to_string(limits_.output_bytes) + " are read");
    } else if (run_.kind == Kind::kTimedOut) {
      Say(kCaseTimeLimit, "did not end within " + Seconds(limits_.wall_clock));
    } else if (run_.kind == Kind::kSignalled) {
      Say(kCaseExitCode, "was ended by signal " + std::to_string(run_.signal));
    } else {
      return false;
    }
    return true;
  }

  bool IsNoCode() {
    static const RE2 kSyntax(R"((SyntaxError|IndentationError|TabError): )");
    // Of the node itself: a traceback would begin with a line of its own.
    if (run_.exit_code != 1 || run_.err.text.find("Traceback (most recent call last)") != std::string::npos)
      return false;
    if (!RE2::PartialMatch(run_.err.text, kSyntax)) return false;
    Say(kCaseNotCode, "is not Python: " + LastWords(run_.err.text));
    return true;
  }

  static std::string_view Trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  }

  std::string WhyNoValue(std::string_view text) const {
    if (text.empty()) return "wrote nothing to standard output";
    // A whole value before the end of a line: then there are several, or something stands beside it.
    for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
      if (!ParseJson(text.substr(0, end)).is_discarded()) return "wrote more than one JSON value to standard output";
    }
    return "wrote no JSON to standard output; it begins with \"" + sandbox::Printable(text.substr(0, 40)) + "\"";
  }

  const NodeLimits& limits_;
  const NodeTestCase& test_;
  const ProcessOutcome& run_;
  NodeCaseReport& report_;
};

class Runner {
 public:
  Runner(const NodeSettings& settings, const NodeUnderTest& node, const sandbox::ProcessWatch& watch)
      : settings_(settings), node_(node), watch_(watch), limits_(settings.config().limits) {}

  Result<NodeTestReport> Run() {
    const auto started = std::chrono::steady_clock::now();
    WFE_RETURN_IF_ERROR(Check());
    std::vector<NodeTestCase> cases = node_.cases;
    if (cases.empty()) cases.push_back({.name = "an empty object", .input = json::object(), .expect = {}});
    WFE_RETURN_IF_ERROR(Prepare());
    bool at_a_limit = false;
    for (size_t i = 0; i < cases.size(); ++i) {
      if (cases[i].name.empty()) cases[i].name = "case " + std::to_string(i + 1);
      NodeCaseReport report{.name = cases[i].name, .outcome = std::string(kCasePassed)};
      if (!not_code_.empty()) {
        report.outcome = kCaseNotCode;
        report.message = not_code_;
      } else if (at_a_limit) {
        report.outcome = kCaseNotRun;
        report.message = "not run after a case that reached a limit";
      } else {
        WFE_RETURN_IF_ERROR(RunCase(cases[i], report));
        at_a_limit = report.outcome.ends_with("_limit");
      }
      report_.cases.push_back(std::move(report));
    }
    Conclude();
    report_.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started).count();
    return std::move(report_);
  }

 private:
  Status Check() const {
    if (WeightsOf(node_.language).empty()) {
      return InvalidArgument("there are no nodes in the language \"" + sandbox::Printable(node_.language) +
                             "\"; it may be python or cpp");
    }
    if (node_.text.size() > limits_.source_bytes) {
      return InvalidArgument("the node has " + std::to_string(node_.text.size()) + " bytes; at most " +
                             std::to_string(limits_.source_bytes) + " are run");
    }
    if (node_.cases.size() > limits_.cases) {
      return InvalidArgument("there are " + std::to_string(node_.cases.size()) + " tests of the node; at most " +
                             std::to_string(limits_.cases) + " are run");
    }
    if (!node_.tools.is_null() && !node_.tools.is_object()) return InvalidArgument("tools must be an object of tools");
    return Ok();
  }

  Status Prepare() {
    if (node_.language == kPython) {
      WFE_ASSIGN_OR_RETURN(python_, settings_.Python());
      WFE_ASSIGN_OR_RETURN(runtime_, settings_.RuntimeDirectory());
      report_.runs_with = "Python " + python_.version;
      return Ok();
    }
    return Build();
  }

  Status Build() {
    WFE_ASSIGN_OR_RETURN(const CppCompiler compiler, FindCppCompiler(settings_));
    report_.runs_with = compiler.program;
    WFE_ASSIGN_OR_RETURN(NodeScene scene, NodeScene::Make(settings_));
    scene.ShowTool(compiler.directories);
    WFE_RETURN_IF_ERROR(scene.Write("node.cpp", node_.text));
    NodeScene::Command command;
    command.argv = compiler.Command();
    command.argv.insert(command.argv.end(), {"-O1", "-w", "-fno-diagnostics-show-caret", "-o", "node", "node.cpp"});
    command.environment = {{"LC_ALL", "C"}};
    command.limits = LimitsOfTool(limits_.compile_time, 256 << 10);
    const ProcessOutcome outcome = scene.Run(command, watch_);
    if (outcome.kind == Kind::kCancelled) return Cancelled("the tests were cancelled");
    if (outcome.kind == Kind::kExited && outcome.exit_code == 0) {
      WFE_ASSIGN_OR_RETURN(binary_, scene.Read("node", 64ull << 20));
      return Ok();
    }
    std::string why = outcome.kind == Kind::kTimedOut ? "it takes too long" : outcome.start_error;
    for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(outcome.err.text))) {
      if (why.empty() && line.find("error") != std::string::npos) why = line;
    }
    not_code_ = "the node does not compile: " + sandbox::Printable(why);
    return Ok();
  }

  Status RunCase(const NodeTestCase& test, NodeCaseReport& report) {
    // Of its own, so that no case finds what another left behind.
    WFE_ASSIGN_OR_RETURN(NodeScene scene, NodeScene::Make(settings_));
    report_.sandbox = scene.sandboxed() ? "bwrap" : "none";
    report_.sandbox_reason = scene.sandbox_reason();
    NodeScene::Command command;
    if (node_.language == kPython) {
      scene.ShowTool(python_.directories);
      WFE_RETURN_IF_ERROR(scene.Write("node.py", node_.text));
      command.argv = {python_.program, "-B", "node.py"};
      command.environment = {
          {"PYTHONPATH", scene.Show(runtime_, "/wfe/python")}, {"PYTHONUTF8", "1"}, {"PYTHONHASHSEED", "0"}};
    } else {
      WFE_RETURN_IF_ERROR(scene.Write("node", binary_, 0755));
      command.argv = {scene.seen_as() + "/node"};
    }
    if (node_.tools.is_object()) {
      WFE_RETURN_IF_ERROR(scene.Write("tools.json", json{{"tools", node_.tools}}.dump()));
      command.environment.emplace_back("WFE_NODE_TOOLS", scene.seen_as() + "/tools.json");
    }
    command.standard_input = test.input.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    command.limits = LimitsOfNode(limits_);
    const ProcessOutcome outcome = scene.Run(command, watch_);
    if (outcome.kind == Kind::kCancelled) return Cancelled("the tests were cancelled");
    if (outcome.kind == Kind::kCouldNotStart)
      return FailedPrecondition("the node could not be started: " + outcome.start_error);
    report.exit_code = outcome.exit_code;
    report.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(outcome.duration).count();
    Judge(limits_, test, outcome, report).Decide();
    if (!report.passed()) Keep(outcome, report);
    return Ok();
  }

  void Keep(const ProcessOutcome& outcome, NodeCaseReport& report) const {
    bool cut = false;
    const auto masked = [&](const std::string& text) {
      return sandbox::KeepHeadAndTail(settings_.mask().Apply(sandbox::CleanTerminalText(text)), kKeptChars, &cut);
    };
    report.output = masked(outcome.out.text);
    report.error_output = masked(outcome.err.text);
    report.message = settings_.mask().Apply(report.message);
  }

  void Conclude() {
    report_.total = static_cast<int64_t>(report_.cases.size());
    for (const NodeCaseReport& one : report_.cases) {
      if (one.passed()) continue;
      ++report_.failed;
      if (report_.message.empty()) report_.message = one.message;
    }
    report_.passed = report_.failed == 0;
  }

  const NodeSettings& settings_;
  const NodeUnderTest& node_;
  const sandbox::ProcessWatch& watch_;
  const NodeLimits& limits_;
  PythonTool python_;
  std::string runtime_;
  std::string binary_;
  std::string not_code_;
  NodeTestReport report_;
};

}  // namespace

Result<NodeTestReport> RunNodeTests(const NodeSettings& settings, const NodeUnderTest& node,
                                    const sandbox::ProcessWatch& watch) {
  WFE_ASSIGN_OR_RETURN(NodeTestReport report, Runner(settings, node, watch).Run());
  const auto not_code = std::ranges::find(report.cases, kCaseNotCode, &NodeCaseReport::outcome);
  if (node.language != kPython || not_code == report.cases.end()) return report;
  // The examiner says in plain words what the interpreter's error means: prose, Markdown, Python 2.
  const NodeSource source{.text = node.text, .tools = {}, .required_tools = {}, .repair = false};
  WFE_ASSIGN_OR_RETURN(const std::vector<ExaminedNode> examined, ExamineNodes(settings, kPython, {&source, 1}, watch));
  const std::string& why = examined.front().checks.front().message;
  for (NodeCaseReport& one : report.cases) {
    if (one.outcome == kCaseNotCode && !why.empty()) one.message = why;
  }
  if (!why.empty()) report.message = why;
  return report;
}

}  // namespace wfe::nodes
