#include "activities/packaged/trading/python_run.h"

#include <fmt/format.h>

#include "activities/nodes/scene.h"
#include "engine/base/parse_json.h"

namespace wfe::trading {
namespace {

constexpr uint64_t kMaxAnswer = 32 << 20;
constexpr uint64_t kAlgorithmMemory = 1ull << 30;

sandbox::ProcessLimits LimitsOf(const PythonTask& task) {
  return nodes::LimitsOfNode({.wall_clock = task.wall_clock,
                              .compile_time = {},
                              .output_bytes = kMaxAnswer,
                              .memory_bytes = kAlgorithmMemory,
                              .processes = 32,
                              .disk_bytes = 64ull << 20});
}

std::string WhyItEnded(const PythonTask& task, const sandbox::ProcessOutcome& outcome) {
  using Outcome = sandbox::ProcessOutcome;
  if (outcome.limit == Outcome::Limit::kMemory) {
    return fmt::format("it took more than {} MiB of memory", kAlgorithmMemory >> 20);
  }
  if (outcome.limit == Outcome::Limit::kProcesses) return "it started more than 32 processes";
  if (outcome.limit == Outcome::Limit::kDisk) return "it wrote more than 64 MiB of files";
  if (outcome.kind == Outcome::Kind::kTimedOut) {
    return fmt::format("it did not end within {} s",
                       std::chrono::duration_cast<std::chrono::seconds>(task.wall_clock).count());
  }
  if (outcome.kind == Outcome::Kind::kSignalled) return fmt::format("it was ended by signal {}", outcome.signal);
  if (outcome.out.truncated) return "it wrote more than is read of it";
  if (outcome.exit_code == 0) return "";
  const std::vector<std::string> said = sandbox::SplitLines(sandbox::CleanTerminalText(outcome.err.text));
  return fmt::format("it ended with exit code {}{}", outcome.exit_code,
                     said.empty() ? "" : ": " + sandbox::Printable(said.back()));
}

Status Place(const nodes::NodeScene& scene, const PythonTask& task) {
  for (const TradingProgram& program : EmbeddedTradingPrograms()) {
    WFE_RETURN_IF_ERROR(scene.Write("wfe/" + std::string(program.name), program.content, 0444));
  }
  if (task.files != nullptr) {
    for (const LoadedSource& source : *task.files) {
      WFE_RETURN_IF_ERROR(scene.Write(std::string(kAlgorithmDirectory) + "/" + source.file.path, source.text));
    }
  }
  if (!task.test_file.empty()) WFE_RETURN_IF_ERROR(scene.Write("test_trading_algorithm.py", task.test_file));
  return Ok();
}

}  // namespace

Result<PythonAnswer> RunTradingPython(const nodes::NodeSettings& settings, const PythonTask& task,
                                      const sandbox::ProcessWatch& watch) {
  WFE_ASSIGN_OR_RETURN(const nodes::PythonTool python, settings.Python());
  WFE_ASSIGN_OR_RETURN(nodes::NodeScene scene, nodes::NodeScene::Make(settings));
  scene.ShowTool(python.directories);
  WFE_RETURN_IF_ERROR(Place(scene, task));
  nodes::NodeScene::Command command;
  command.argv = {python.program, "-I", "-B", scene.seen_as() + "/wfe", std::string(task.task)};
  command.standard_input = task.request.dump();
  command.environment = {{"ALGORITHM_DIR", std::string(kAlgorithmDirectory)}};
  command.limits = LimitsOf(task);
  const sandbox::ProcessOutcome outcome = scene.Run(command, watch);
  if (outcome.kind == sandbox::ProcessOutcome::Kind::kCancelled) return Cancelled("the run was cancelled");
  if (outcome.kind == sandbox::ProcessOutcome::Kind::kCouldNotStart) {
    return FailedPrecondition("Python could not be started: " + outcome.start_error);
  }
  PythonAnswer answer{.sandboxed = scene.sandboxed(), .sandbox_reason = scene.sandbox_reason()};
  answer.fault = WhyItEnded(task, outcome);
  for (const std::string& line : sandbox::SplitLines(outcome.out.text)) {
    nlohmann::json json = ParseJson(line);
    if (json.is_object()) answer.lines.push_back(std::move(json));
  }
  return answer;
}

}  // namespace wfe::trading
