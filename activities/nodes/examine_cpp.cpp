// The C++ profile: the compiler, clang-format and clang-tidy where they are installed, and a look at the text for what
// makes it a node.
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "activities/build/integrity/source_text.h"
#include "activities/nodes/compile.h"
#include "activities/nodes/examine.h"
#include "activities/nodes/scene.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/toolchain.h"

namespace wfe::nodes {
namespace {

using EndKind = sandbox::ProcessOutcome::Kind;

constexpr std::string_view kStyle = "{BasedOnStyle: Google, ColumnLimit: 120}";
constexpr std::string_view kTidyChecks =
    "-*,bugprone-*,clang-analyzer-*,performance-*,-bugprone-easily-swappable-parameters";

struct Diagnostic {
  int64_t line = 0;
  bool error = false;
  std::string text;
  std::string rule;  ///< "-Wunused-variable", "bugprone-…"
};

std::vector<Diagnostic> ReadDiagnostics(const sandbox::ProcessOutcome& outcome) {
  static const RE2 kLine(R"(^\S*node\.cpp:(\d+):\d+: (fatal error|error|warning): (.*?)(?: \[([-\w.,=]+)\])?$)");
  std::vector<Diagnostic> diagnostics;
  for (const std::string* stream : {&outcome.out.text, &outcome.err.text}) {
    for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(*stream))) {
      Diagnostic diagnostic;
      std::string kind;
      if (!RE2::FullMatch(line, kLine, &diagnostic.line, &kind, &diagnostic.text, &diagnostic.rule)) continue;
      diagnostic.error = kind != "warning";
      diagnostics.push_back(std::move(diagnostic));
    }
  }
  return diagnostics;
}

bool IsOfAName(const std::string& text) {
  static const RE2 kName(
      "was not declared in this scope|has not been declared|does not name a type|is not a member of|no member named|"
      "use of undeclared identifier|No such file or directory|file not found|has no member named");
  return RE2::PartialMatch(text, kName);
}

class CppNode {
 public:
  CppNode(const NodeSettings& settings, NodeScene& scene, const sandbox::ProcessWatch& watch)
      : settings_(settings), scene_(scene), watch_(watch) {}

  Result<ExaminedNode> Examine(const NodeSource& source) {
    for (const CheckWeight& weighted : WeightsOf(kCpp)) {
      node_.checks.push_back({.name = std::string(weighted.check), .status = {}, .score = 1});
    }
    WFE_ASSIGN_OR_RETURN(const CppCompiler compiler, FindCppCompiler(settings_));
    compiler_ = compiler;
    scene_.ShowTool(compiler_.directories);
    text_ = source.text;
    WFE_ASSIGN_OR_RETURN(const std::vector<Diagnostic> diagnostics, Compile());
    bool compiles = true;
    for (const Diagnostic& diagnostic : diagnostics) {
      compiles = compiles && !diagnostic.error;
      const bool of_name = diagnostic.error && IsOfAName(diagnostic.text);
      Add(!diagnostic.error ? "warnings" : of_name ? "undefined_names" : "syntax", diagnostic, diagnostic.error);
    }
    WFE_RETURN_IF_ERROR(Format(source.repair, compiles));
    WFE_RETURN_IF_ERROR(Tidy(compiles));
    LookAtText();
    for (NodeCheck& check : node_.checks) Settle(check);
    return std::move(node_);
  }

 private:
  NodeCheck& Check(std::string_view name) { return *std::ranges::find(node_.checks, name, &NodeCheck::name); }

  void Add(std::string_view name, const Diagnostic& diagnostic, bool serious) {
    NodeCheck& check = Check(name);
    check.score = serious ? 0 : std::min(check.score, 0.5);
    if (check.findings.size() >= 20) return;
    check.findings.push_back({.rule = diagnostic.rule.empty() ? "compiler" : diagnostic.rule,
                              .line = diagnostic.line,
                              .message = sandbox::Printable(diagnostic.text)});
  }
  void Add(std::string_view name, const std::string& rule, const std::string& text, bool serious) {
    Add(name, Diagnostic{.line = 0, .error = true, .text = text, .rule = rule}, serious);
  }

  Result<sandbox::ProcessOutcome> Run(std::vector<std::string> argv) {
    WFE_RETURN_IF_ERROR(scene_.Write("node.cpp", text_));
    NodeScene::Command command;
    command.argv = std::move(argv);
    command.environment = {{"LC_ALL", "C"}};
    command.limits = LimitsOfTool(settings_.config().limits.compile_time, 1 << 20);
    sandbox::ProcessOutcome outcome = scene_.Run(command, watch_);
    if (outcome.kind == EndKind::kCancelled) return Cancelled("the examination was cancelled");
    return outcome;
  }

  Result<std::vector<Diagnostic>> Compile() {
    std::vector<std::string> argv = compiler_.Command();
    argv.insert(argv.end(), {"-fsyntax-only", "-Wall", "-Wextra", "-fno-diagnostics-show-caret", "node.cpp"});
    WFE_ASSIGN_OR_RETURN(const sandbox::ProcessOutcome outcome, Run(argv));
    if (outcome.kind == EndKind::kCouldNotStart) {
      return FailedPrecondition("the compiler could not be started: " + outcome.start_error);
    }
    std::vector<Diagnostic> diagnostics = ReadDiagnostics(outcome);
    const bool said = std::ranges::any_of(diagnostics, &Diagnostic::error);
    if (!said && (outcome.kind != EndKind::kExited || outcome.exit_code != 0)) {
      diagnostics.push_back({.line = 0, .error = true, .text = WhyNoCompiler(outcome), .rule = "compiler"});
    }
    return diagnostics;
  }

  static std::string WhyNoCompiler(const sandbox::ProcessOutcome& outcome) {
    if (outcome.kind == EndKind::kTimedOut) return "the file takes too long to compile";
    if (outcome.limit == sandbox::ProcessOutcome::Limit::kMemory) return "the file takes too much memory to compile";
    const std::vector<std::string> lines = sandbox::SplitLines(sandbox::CleanTerminalText(outcome.err.text));
    return "the file does not compile: " + (lines.empty() ? "the compiler gives no reason" : lines.front());
  }

  /// The first of the names that is installed; otherwise the check is skipped and says so.
  std::string Tool(const std::string& name, std::string_view check) {
    for (const std::string& version : {std::string(), std::string("-19"), std::string("-16"), std::string("-14")}) {
      const sandbox::ToolLocation location = sandbox::LocateTool(name + version, settings_.path());
      if (!location.problem.empty()) continue;
      scene_.ShowTool(location.directories);
      return location.start_as;
    }
    Check(check).status = kSkipped;
    Check(check).message = name + " is not installed";
    return "";
  }

  Status Format(bool repair, bool compiles) {
    const std::string tool = Tool("clang-format", "formatting");
    if (tool.empty()) return Ok();
    WFE_ASSIGN_OR_RETURN(const sandbox::ProcessOutcome outcome,
                         Run({tool, "--style=" + std::string(kStyle), "node.cpp"}));
    NodeCheck& check = Check("formatting");
    if (outcome.kind != EndKind::kExited || outcome.exit_code != 0 || outcome.out.truncated) {
      check.status = kSkipped;
      check.message = "clang-format failed on the file";
      return Ok();
    }
    if (outcome.out.text == text_) return Ok();
    const std::string before = std::exchange(text_, outcome.out.text);
    bool taken_back = !repair;
    if (repair && compiles) {  // the order of headers can matter
      WFE_ASSIGN_OR_RETURN(const std::vector<Diagnostic> after, Compile());
      taken_back = std::ranges::any_of(after, &Diagnostic::error);
    }
    if (taken_back) {
      text_ = before;
      Add("formatting", "clang-format", repair ? "clang-format would break the file" : "the file is not formatted",
          true);
      return Ok();
    }
    check.auto_fixed = true;
    check.message = "repaired: the file was not formatted";
    check.rule = "clang-format";
    node_.repaired = text_;
    return Ok();
  }

  Status Tidy(bool compiles) {
    const std::string tool = Tool("clang-tidy", "clang_tidy");
    if (tool.empty()) return Ok();
    if (!compiles) {
      Check("clang_tidy").status = kBlocked;
      Check("clang_tidy").score = 0;
      Check("clang_tidy").message = "the file does not compile";
      return Ok();
    }
    WFE_ASSIGN_OR_RETURN(
        const sandbox::ProcessOutcome outcome,
        Run({tool, "--quiet", "--checks=" + std::string(kTidyChecks), "node.cpp", "--", "-std=c++20"}));
    for (const Diagnostic& diagnostic : ReadDiagnostics(outcome)) Add("clang_tidy", diagnostic, /*serious=*/false);
    return Ok();
  }

  void LookAtText() {
    static const RE2 kMain(R"(\b(?:int|auto)\s+main\s*\()");
    static const RE2 kStdin(
        R"(\bcin\b|\bstdin\b|\bgetchar\s*\(|\bscanf\s*\(|\bread\s*\(\s*(?:0|STDIN_FILENO)\b|\bgets\s*\()");
    static const RE2 kStdout(
        R"(\bcout\b|\bstdout\b|\bprintf\s*\(|\bputs\s*\(|\bputchar\s*\(|)"
        R"(\bwrite\s*\(\s*(?:1|STDOUT_FILENO)\b|\bprintln?\s*\()");
    static const RE2 kMakesJson(
        R"(\.dump\s*\(|<<\s*(?:std::setw\s*\([^)]*\)\s*<<\s*)?\w+|\bWriter\b|\bserialize\s*\(|\bto_string\s*\()");
    static const RE2 kJsonText(R"re("(?:[{\[]|\\")|R"\w*\(\s*[{\[])re");
    static const RE2 kNamesJson(R"(\b(?:nlohmann|rapidjson|simdjson|boost::json|Json::)|\bjson\b)");
    const build::SourceText source = build::ReadSourceText(build::Language::kCpp, text_);
    if (!RE2::PartialMatch(source.code, kMain))
      Add("main_function", "main-missing", "there is no function main()", true);
    if (!RE2::PartialMatch(source.code, kStdin)) {
      Add("stdin_use", "stdin-not-read", "standard input is never read", true);
    }
    if (!RE2::PartialMatch(source.code, kStdout)) {
      Add("json_output", "output-missing", "nothing is written to standard output", true);
    } else if (!(RE2::PartialMatch(source.code, kNamesJson) && RE2::PartialMatch(source.code, kMakesJson)) &&
               !RE2::PartialMatch(source.raw, kJsonText)) {
      Add("json_output", "output-not-json", "what is written to standard output is not JSON", true);
    }
  }

  const NodeSettings& settings_;
  NodeScene& scene_;
  const sandbox::ProcessWatch& watch_;
  CppCompiler compiler_;
  std::string text_;
  ExaminedNode node_;
};

}  // namespace

Result<ExaminedNode> ExamineCpp(const NodeSettings& settings, const NodeSource& source,
                                const sandbox::ProcessWatch& watch) {
  WFE_ASSIGN_OR_RETURN(NodeScene scene, NodeScene::Make(settings));
  return CppNode(settings, scene, watch).Examine(source);
}

}  // namespace wfe::nodes
