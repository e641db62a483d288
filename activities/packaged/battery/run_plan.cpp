#include "activities/packaged/battery/run_plan.h"

#include <map>

#include "activities/nodes/compile.h"
#include "activities/nodes/scene.h"
#include "activities/sandbox/text.h"

namespace wfe::battery {
namespace {

using sandbox::ProcessOutcome;
using ProcessEnd = ProcessOutcome::Kind;

bool EndedWell(const ProcessOutcome& outcome) { return outcome.kind == ProcessEnd::kExited && outcome.exit_code == 0; }

/// The first line of a compiler's words that says what is wrong.
std::string CompilerWords(const ProcessOutcome& outcome) {
  if (outcome.kind == ProcessEnd::kTimedOut) return "the compiler takes too long";
  for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(outcome.err.text))) {
    if (line.find("error") != std::string::npos) return sandbox::Printable(line);
  }
  return outcome.start_error.empty() ? "the compiler fails" : outcome.start_error;
}

PlanRun NotRun(PlanRun run, std::string why) {
  run.outcome = "not run";
  run.reason = std::move(why);
  return run;
}

}  // namespace

void JudgePlan(const TestPlan& plan, const std::string& printed, PlanRun& run) {
  std::map<std::string, std::string> said;  // "" where it passed
  for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(printed))) {
    constexpr std::string_view kFailed = "not ok ";
    if (line.starts_with("ok ")) {
      said.try_emplace(line.substr(3), "");
    } else if (line.starts_with(kFailed)) {
      const size_t colon = line.find(": ");
      const std::string why = colon == std::string::npos ? "it failed" : line.substr(colon + 2);
      said[line.substr(kFailed.size(), colon - kFailed.size())] = "line " + why;
    }
  }
  run.cases = static_cast<int64_t>(plan.cases.size());
  run.passed = 0;
  run.failures.clear();
  for (const PlanCase& one : plan.cases) {
    const auto found = said.find(one.id);
    if (found != said.end() && found->second.empty()) {
      ++run.passed;
    } else {
      run.failures.push_back({.id = one.id, .why = found == said.end() ? "it was not played" : found->second});
    }
  }
  run.outcome = run.passed == run.cases && run.cases > 0 ? "passed" : "failed";
}

Result<PlanRun> RunTestPlan(const nodes::NodeSettings& settings, const std::vector<GeneratedFile>& firmware,
                            const TestPlan& plan, const sandbox::ProcessWatch& watch) {
  PlanRun run;
  run.cases = static_cast<int64_t>(plan.cases.size());
  const Result<nodes::CppCompiler> compiler = nodes::FindCppCompiler(settings);
  if (!compiler) {
    return NotRun(std::move(run), "no compiler: this machine has no " + settings.config().cxx);
  }
  run.compiler = compiler->program;
  Result<nodes::NodeScene> scene = nodes::NodeScene::Make(settings);
  if (!scene && scene.error().code == StatusCode::kFailedPrecondition) {
    return NotRun(std::move(run), scene.error().message);
  }
  if (!scene) return scene.error();
  run.sandbox = scene->sandboxed() ? "bwrap" : "none";
  scene->ShowTool(compiler->directories);
  for (const GeneratedFile& file : firmware) {
    WFE_RETURN_IF_ERROR(scene->Write(file.path.substr(file.path.rfind('/') + 1), file.text));
  }
  WFE_RETURN_IF_ERROR(scene->Write(std::string(kPlanName), PlanScript(plan)));
  nodes::NodeScene::Command compile;
  compile.argv = {compiler->program, "-std=c++17",           "-O1",     "-Wall", "-Wextra", "-fdiagnostics-color=never",
                  "-I.",             "-x",                   "c++",     std::string(kSketchName),
                  std::string(kSimulatorName), "-o",         "run_plan"};
  compile.environment = {{"LC_ALL", "C"}};
  compile.limits = nodes::LimitsOfTool(std::chrono::minutes(3), 256 << 10);
  const ProcessOutcome compiled = scene->Run(compile, watch);
  if (compiled.kind == ProcessEnd::kCancelled) return Cancelled("the compilation was cancelled");
  if (!EndedWell(compiled)) {
    run.outcome = "does not compile";
    run.reason = CompilerWords(compiled);
    return run;
  }
  nodes::NodeScene::Command play;
  play.argv = {scene->seen_as() + "/run_plan", std::string(kPlanName)};
  play.limits = nodes::LimitsOfTool(std::chrono::minutes(5), 4 << 20);
  const ProcessOutcome played = scene->Run(play, watch);
  if (played.kind == ProcessEnd::kCancelled) return Cancelled("the test plan was cancelled");
  if (played.kind == ProcessEnd::kCouldNotStart) return NotRun(std::move(run), played.start_error);
  JudgePlan(plan, played.out.text, run);
  if (played.kind == ProcessEnd::kTimedOut) run.reason = "the plan did not end within 5 minutes";
  return run;
}

}  // namespace wfe::battery
