// Where the commands of a profile run: the sandbox, the environment, the tools, the dependencies and the place for output
// files.  The probe and the checks share it, so that what the probe saw start is what the checks start.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "activities/build/checks/dependencies.h"
#include "activities/build/checks/settings.h"
#include "activities/build/profile/profile.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::build {

class CheckScene {
 public:
  /// `fixed`: relative paths that the commands cannot change (the examiner's files).  FAILED_PRECONDITION when the
  /// profile requires a sandbox that is not there.  `dir` reserves nothing; it and `settings` must outlive the scene.
  static Result<CheckScene> Set(const ComplianceSettings& settings, const Profile& profile, const sandbox::SafeDir& dir,
                                const std::vector<std::string>& fixed);

  bool sandboxed() const { return sandbox_.sandboxed; }
  const std::string& sandbox_reason() const { return sandbox_.reason; }
  const PlacedDependencies& dependencies() const { return dependencies_; }
  const std::string& host_out() const { return host_out_; }  ///< Output files, on the host.
  /// Absolute names of the working directory, to be cut from what commands print.
  const std::vector<std::string>& roots() const { return roots_; }

  /// "" when the program is there; otherwise why it is not.  Inside the sandbox only bubblewrap could tell, less
  /// clearly.
  std::string MissingProgram(const std::string& program) const;
  /// `argv` with $OUT, $DEPS, $WORK and $PYTHON as the command sees them.
  std::vector<std::string> Expand(std::vector<std::string> argv) const;
  /// Changes a command and its sandbox before it is wrapped: limits, reporters, hidden files.
  using Equip = std::function<Status(sandbox::ProcessSpec& spec, sandbox::SandboxPlan& plan)>;
  /// The command (expanded here) as it is run.
  Result<sandbox::ProcessSpec> Command(std::vector<std::string> argv, Duration timeout,
                                       const Equip& equip = nullptr) const;
  /// The text of a file below $OUT that is from after `started`; nullopt when there is none.
  std::optional<std::string> FreshFile(const std::string& name, std::chrono::system_clock::time_point started) const;
  /// An old result must not be taken for a new one.
  Status RemoveOutput(const std::string& name) const;

 private:
  CheckScene(const ComplianceSettings& settings, const Profile& profile, const sandbox::SafeDir& dir)
      : settings_(&settings), profile_(&profile), dir_(&dir) {}
  Status SetDirectories();
  Status SetDependencies();
  void SetTools();
  void SetEnvironment();
  Status PlanSandbox(const std::vector<std::string>& fixed);
  std::string ExpandText(std::string text) const;

  const ComplianceSettings* settings_;
  const Profile* profile_;
  const sandbox::SafeDir* dir_;
  SandboxChoice sandbox_;
  std::string host_out_;
  std::string out_;   // As the command sees it ($OUT).
  std::string work_;  // The working directory as the command sees it.
  std::string python_;  // $PYTHON: of the project's environment, else of PATH.
  PlacedDependencies dependencies_;
  std::vector<std::string> tool_directories_;                 // Shown read-only.
  std::vector<std::string> path_directories_;                 // First in PATH: the real programs, not their shims.
  std::vector<std::pair<std::string, std::string>> missing_;  // Program → why.
  sandbox::Environment environment_;
  sandbox::SandboxPlan plan_;
  std::vector<std::string> roots_;
};

}  // namespace wfe::build
