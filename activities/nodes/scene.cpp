#include "activities/nodes/scene.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "activities/sandbox/safe_files.h"

namespace wfe::nodes {

Result<NodeScene> NodeScene::Make(const NodeSettings& settings) {
  const std::string parent = settings.config().work_root + "/nodes";
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  std::string directory = parent + "/run-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    return Internal("cannot make a directory below " + parent + ": " + std::strerror(errno));
  }
  NodeScene scene(settings, std::move(directory));
  WFE_ASSIGN_OR_RETURN(scene.sandbox_, settings.ChooseSandbox());
  return scene;
}

NodeScene::NodeScene(NodeScene&& other) noexcept
    : settings_(other.settings_),
      directory_(std::exchange(other.directory_, std::string())),
      sandbox_(std::move(other.sandbox_)),
      shown_(std::move(other.shown_)) {}

NodeScene::~NodeScene() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Status NodeScene::Write(const std::string& name, std::string_view bytes, uint32_t mode) const {
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory_, {.reserved = {}}));
  return dir.Write(name, bytes, mode);
}

Result<std::string> NodeScene::Read(const std::string& name, uint64_t max_bytes) const {
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory_, {.reserved = {}}));
  return dir.Read(name, max_bytes);
}

std::string NodeScene::seen_as() const { return sandboxed() ? std::string(sandbox::kSandboxWorkDir) : directory_; }

std::string NodeScene::Show(const std::string& host_path, const std::string& place) {
  if (!sandboxed()) return host_path;
  shown_.emplace_back(host_path, place);
  return place;
}

void NodeScene::ShowTool(const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) Show(directory, directory);
}

sandbox::ProcessOutcome NodeScene::Run(const Command& command, const sandbox::ProcessWatch& watch) const {
  sandbox::ProcessSpec spec;
  spec.argv = command.argv;
  spec.standard_input = command.standard_input;
  spec.working_dir = seen_as();
  const std::string temporary = sandboxed() ? "/tmp" : directory_;
  spec.environment = {{"PATH", sandboxed() ? "/usr/local/bin:/usr/bin:/bin" : settings_->path()},
                      {"HOME", temporary},
                      {"TMPDIR", temporary},
                      {"LANG", "C.UTF-8"},
                      {"TZ", "UTC"}};
  spec.environment.insert(spec.environment.end(), command.environment.begin(), command.environment.end());
  spec.limits = command.limits;
  spec.limits.disk_directories = {directory_};
  if (!sandboxed()) return sandbox::RunProcess(spec, watch);
  sandbox::SandboxPlan plan;
  plan.program = sandbox_.program;
  plan.work_dir = directory_;
  plan.read_only = shown_;
  plan.tmp_bytes = settings_->config().limits.disk_bytes;
  return sandbox::RunProcess(sandbox::WrapInSandbox(plan, spec), watch);
}

sandbox::ProcessLimits LimitsOfNode(const NodeLimits& limits) {
  sandbox::ProcessLimits all;
  all.wall_clock = limits.wall_clock;
  all.grace = std::chrono::milliseconds(500);
  all.max_output_bytes = limits.output_bytes;
  all.cpu_seconds = static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(limits.wall_clock).count()) + 5;
  all.file_bytes = limits.disk_bytes;
  all.open_files = 256;
  all.total_memory_bytes = limits.memory_bytes;
  all.total_processes = limits.processes;
  all.disk_growth_bytes = limits.disk_bytes;
  return all;
}

sandbox::ProcessLimits LimitsOfTool(Duration wall_clock, uint64_t output_bytes) {
  sandbox::ProcessLimits all;
  all.wall_clock = wall_clock;
  all.max_output_bytes = output_bytes;
  all.total_memory_bytes = 2ull << 30;
  all.total_processes = 64;
  all.disk_growth_bytes = 256ull << 20;
  return all;
}

}  // namespace wfe::nodes
