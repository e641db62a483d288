#include "activities/build/checks/check_scene.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "activities/build/checks/claim.h"
#include "activities/build/checks/lent.h"
#include "activities/sandbox/toolchain.h"

namespace wfe::build {
namespace {

constexpr uint64_t kMaxOutputFileBytes = 64ull << 20;
constexpr uint64_t kMaxScriptBytes = 1 << 20;

/// Interpreters of the project's own scripts that a command names: `./tools/check.py`, also behind `sh -c`.
void AddInterpreters(const std::vector<std::string>& argv, const sandbox::SafeDir& dir,
                     std::set<std::string>& programs) {
  if (argv.empty()) return;
  std::string line = argv[0] == "sh" && argv.size() > 2 ? argv[2] : argv[0];
  for (char& c : line) {
    if (std::string_view(";&|()<>\"'").find(c) != std::string_view::npos) c = ' ';
  }
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (word.starts_with("./")) word.erase(0, 2);
    if (word.starts_with('/') || word.starts_with('$')) continue;
    const Result<std::string> text = dir.Read(word, kMaxScriptBytes);  // no link and no pipe is followed
    const std::string interpreter = text ? sandbox::InterpreterOf(*text) : "";
    if (!interpreter.empty() && interpreter.find('/') == std::string::npos) programs.insert(interpreter);
  }
}

/// Programs a command names, as far as it can be told without running it.
void AddPrograms(const std::vector<std::string>& argv, std::set<std::string>& programs) {
  if (argv.empty()) return;
  if (argv[0] == "$PYTHON") programs.insert("python3");
  if (argv[0].starts_with("node_modules/.bin/")) programs.insert("node");
  std::vector<std::string> words = {argv[0]};
  // What stands behind `sh -c` is a person's command: its words may be programs that live in a home directory.
  if (argv[0] == "sh" && argv.size() > 2) {
    std::string word;
    for (const char c : argv[2] + " ") {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("._+-").find(c) != std::string_view::npos) {
        word += c;
      } else if (!word.empty()) {
        words.push_back(std::exchange(word, ""));
      }
    }
  }
  for (const std::string& word : words) {
    if (word.empty() || word.find_first_of("/$") != std::string::npos) continue;
    programs.insert(word);
    // Package managers are scripts.
    for (const std::string_view script : {"npm", "npx", "yarn", "pnpm", "corepack"}) {
      if (word == script) programs.insert("node");
    }
    if (word == "ctest" || word == "cmake") programs.insert({"c++", "make"});
    if (word == "cargo") programs.insert({"rustc", "cc"});
  }
}

}  // namespace

Result<CheckScene> CheckScene::Set(const ComplianceSettings& settings, const Profile& profile,
                                   const sandbox::SafeDir& dir, const std::vector<std::string>& fixed) {
  CheckScene scene(settings, profile, dir);
  WFE_ASSIGN_OR_RETURN(scene.sandbox_, ChooseSandbox(settings, profile));
  WFE_RETURN_IF_ERROR(scene.SetDirectories());
  WFE_RETURN_IF_ERROR(scene.SetDependencies());
  scene.SetTools();
  scene.SetEnvironment();
  if (scene.sandboxed()) WFE_RETURN_IF_ERROR(scene.PlanSandbox(fixed));
  return scene;
}

Status CheckScene::SetDirectories() {
  const std::string state(sandbox::kStateDirectory);
  // Build trees remember absolute paths, so each view of the directory has its own.
  const std::string out = state + (sandboxed() ? "/out-bwrap" : "/out-none");
  for (const std::string& folder : {out, state + "/home", state + "/tmp"}) {
    WFE_RETURN_IF_ERROR(dir_->MakeDirectories(folder, 0700));
  }
  host_out_ = dir_->path() + "/" + out;
  out_ = sandboxed() ? std::string(sandbox::kSandboxOutDir) : host_out_;
  work_ = sandboxed() ? std::string(sandbox::kSandboxWorkDir) : dir_->path();
  roots_ = {dir_->path(), std::string(sandbox::kSandboxWorkDir)};
  return Ok();
}

Status CheckScene::SetDependencies() {
  WFE_ASSIGN_OR_RETURN(dependencies_, PlaceDependencies(*settings_, *profile_, *dir_, sandboxed()));
  python_ = "python3";
  struct stat status = {};
  const std::string own = dir_->path() + "/.venv";
  const bool placed = !dependencies_.directory.empty() && !dependencies_.seen_as.empty();
  if (placed && ::stat((dependencies_.directory + "/bin/python").c_str(), &status) == 0) {
    python_ = dependencies_.seen_as + "/bin/python";
  } else if (!placed && ::stat((own + "/bin/python").c_str(), &status) == 0) {
    python_ = work_ + "/.venv/bin/python";
    dependencies_.directory = own;
    dependencies_.seen_as = work_ + "/.venv";
  } else if (const std::string lent = placed ? "" : LentDirectory(*dir_, ".venv");
             !lent.empty() && ::stat((lent + "/bin/python").c_str(), &status) == 0) {
    python_ = work_ + "/.venv/bin/python";
    dependencies_.directory = lent;
    dependencies_.seen_as = work_ + "/.venv";
  }
  return Ok();
}

void CheckScene::SetTools() {
  std::set<std::string> programs;
  for (const ToolSpec& tool : profile_->requires_tools) programs.insert(tool.program);
  for (const CheckSpec& check : profile_->checks) {
    AddPrograms(check.argv, programs);
    AddInterpreters(check.argv, *dir_, programs);
    AddPrograms(check.files_argv, programs);
    AddPrograms(check.probe.version_argv, programs);
    AddPrograms(check.probe.argv, programs);
  }
  std::set<std::string> shown;
  for (const std::string& program : programs) {
    const sandbox::ToolLocation location = sandbox::LocateTool(program, settings_->path);
    if (!location.problem.empty()) {
      missing_.emplace_back(program, location.problem);
      continue;
    }
    shown.insert(location.directories.begin(), location.directories.end());
    std::vector<std::string> first_in_path = {location.start_as.substr(0, location.start_as.rfind('/'))};
    first_in_path.insert(first_in_path.end(), location.interpreter_directories.begin(),
                         location.interpreter_directories.end());
    for (const std::string& directory : first_in_path) {
      if (std::find(path_directories_.begin(), path_directories_.end(), directory) == path_directories_.end()) {
        path_directories_.push_back(directory);
      }
    }
  }
  // An environment of Python is a link to an interpreter that must be visible too.
  for (const char* program : {"/bin/python", "/bin/python3"}) {
    const std::string path = dependencies_.directory + program;
    struct stat status = {};
    if (dependencies_.directory.empty() || ::stat(path.c_str(), &status) != 0) continue;
    const std::vector<std::string> around = sandbox::DirectoriesOf(path);
    shown.insert(around.begin(), around.end());
  }
  for (const std::string& directory : shown) {
    // The project and its dependencies are mounted at their own places.
    const bool own = directory == dir_->path() || directory.starts_with(dir_->path() + "/") ||
                     (!dependencies_.directory.empty() && (directory == dependencies_.directory ||
                                                           directory.starts_with(dependencies_.directory + "/")));
    if (!own) tool_directories_.push_back(directory);
  }
}

void CheckScene::SetEnvironment() {
  const std::string state(sandbox::kStateDirectory);
  std::string path;
  for (const std::string& directory : path_directories_) path += directory + ":";
  path += sandboxed() ? "/usr/local/bin:/usr/bin:/bin" : settings_->path;
  environment_ = {{"PATH", path},
                  {"HOME", sandboxed() ? "/tmp" : dir_->path() + "/" + state + "/home"},
                  {"TMPDIR", sandboxed() ? "/tmp" : dir_->path() + "/" + state + "/tmp"},
                  {"LANG", "C.UTF-8"},
                  {"TZ", "UTC"},
                  {"NO_COLOR", "1"},
                  {"CI", "true"}};
  for (const auto& [name, value] : profile_->environment) environment_.emplace_back(name, ExpandText(value));
}

Status CheckScene::PlanSandbox(const std::vector<std::string>& fixed) {
  plan_.program = sandbox_.program;
  plan_.work_dir = dir_->path();
  plan_.out_dir = host_out_;
  const std::string work(sandbox::kSandboxWorkDir);
  plan_.hidden = {work + "/" + std::string(sandbox::kStateDirectory)};
  for (const std::string& directory : tool_directories_) plan_.read_only.emplace_back(directory, directory);
  for (const auto& mount : dependencies_.mounts) plan_.read_only.push_back(mount);
  plan_.scratch = dependencies_.scratch;
  // The examiner's files and the record of the run cannot be changed by what is examined.
  std::vector<std::string> all = {"audit_trace.jsonl", ".git", ".gemini"};
  all.insert(all.end(), fixed.begin(), fixed.end());
  for (const std::string& path : all) {
    // Our own folder is hidden as a whole; nothing can be mounted in what is empty and read-only.
    if (path.starts_with(std::string(sandbox::kStateDirectory) + "/")) continue;
    WFE_ASSIGN_OR_RETURN(const auto entry, dir_->Stat(path));
    if (!entry.has_value() || (entry->kind != sandbox::FileKind::kFile && entry->kind != sandbox::FileKind::kDirectory))
      continue;
    plan_.read_only.emplace_back(dir_->path() + "/" + path, work + "/" + path);
  }
  return Ok();
}

std::string CheckScene::ExpandText(std::string text) const {
  for (const auto& [name, value] : {std::pair<std::string, std::string>("$OUT", out_), {"$DEPS", dependencies_.seen_as}, {"$WORK", work_}, {"$PYTHON", python_}}) {
    size_t at = 0;
    while ((at = text.find(name, at)) != std::string::npos) {
      text.replace(at, name.size(), value);
      at += value.size();
    }
  }
  return text;
}

std::vector<std::string> CheckScene::Expand(std::vector<std::string> argv) const {
  for (std::string& argument : argv) argument = ExpandText(std::move(argument));
  return argv;
}

std::string CheckScene::MissingProgram(const std::string& program) const {
  if (program.find('/') == std::string::npos) {
    for (const auto& [name, why] : missing_) {
      if (name == program) return why;
    }
    return sandbox::FindProgram(program, settings_->path).empty() ? "there is no program " + program + " in PATH" : "";
  }
  std::string host = program.starts_with('/') ? program : dir_->path() + "/" + program;
  if (program.starts_with(work_ + "/")) host = dir_->path() + program.substr(work_.size());
  const std::string first = program.substr(0, program.find('/'));
  const std::string lent = first.empty() ? "" : LentDirectory(*dir_, first);
  if ((first == "node_modules" || first == ".venv") && !lent.empty()) host = lent + program.substr(first.size());
  const std::string& seen_as = dependencies_.seen_as;
  if (!seen_as.empty() && program.starts_with(seen_as + "/")) host = dependencies_.directory + program.substr(seen_as.size());
  bool of_dependencies = false;
  if (profile_->dependencies.has_value()) {
    const std::string prefix = profile_->dependencies->directory + "/";
    if (program.starts_with(prefix)) {
      of_dependencies = true;
      if (!dependencies_.directory.empty()) host = dependencies_.directory + "/" + program.substr(prefix.size());
    }
  }
  struct stat status = {};
  if (::stat(host.c_str(), &status) == 0) return "";
  std::string why = "there is no " + program;
  if (of_dependencies && dependencies_.directory.empty())
    why += "; the dependencies are not installed (installDependencies)";
  return why;
}

Result<sandbox::ProcessSpec> CheckScene::Command(std::vector<std::string> argv, Duration timeout,
                                                 const Equip& equip) const {
  sandbox::ProcessSpec spec;
  spec.argv = Expand(std::move(argv));
  spec.working_dir = work_;
  spec.environment = environment_;
  spec.limits.wall_clock = timeout;
  spec.limits.max_output_bytes = settings_->config.max_output_bytes;
  spec.limits.cpu_seconds =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(timeout).count()) * 2 + 10;
  spec.limits.file_bytes = profile_->file_bytes_limit;
  spec.limits.open_files = 4096;
  sandbox::SandboxPlan plan = plan_;
  if (equip) WFE_RETURN_IF_ERROR(equip(spec, plan));
  // Without a namespace of its own the limit would count every process of the user.
  if (!sandboxed()) return spec;
  spec.limits.processes = profile_->processes_limit;
  return sandbox::WrapInSandbox(plan, spec);
}

Status CheckScene::RemoveOutput(const std::string& name) const {
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir out, sandbox::SafeDir::Open(host_out_, {.reserved = {}}));
  return out.Remove(name);
}

std::optional<std::string> CheckScene::FreshFile(const std::string& name,
                                                 std::chrono::system_clock::time_point started) const {
  const auto out = sandbox::SafeDir::Open(host_out_, {.reserved = {}});
  if (!out) return std::nullopt;
  const auto entry = out->Stat(name);
  if (!entry || !entry->has_value() || (*entry)->kind != sandbox::FileKind::kFile) return std::nullopt;
  const auto oldest = started - std::chrono::seconds(1);  // File times are a little coarser than the clock.
  const int64_t oldest_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(oldest.time_since_epoch()).count();
  if ((*entry)->modified_ns < oldest_ns) return std::nullopt;
  auto text = out->Read(name, kMaxOutputFileBytes);
  if (!text) return std::nullopt;
  return *std::move(text);
}

}  // namespace wfe::build
