#include "activities/compliance/check_runner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "activities/compliance/claim.h"
#include "activities/compliance/classify.h"
#include "activities/compliance/dependencies.h"
#include "activities/compliance/error_log.h"
#include "activities/compliance/protected_files.h"
#include "engine/base/hash.h"

namespace wfe::activities {
namespace {

constexpr uint64_t kMaxOutputFileBytes = 64ull << 20;

/// Where one run of the checks finds its things; paths as the commands see them and as this process does.
struct Scene {
  SandboxChoice sandbox;
  std::string host_out;      ///< Output files, on the host.
  std::string out;           ///< The same as the command sees it ($OUT).
  std::string work;          ///< The working directory as the command sees it.
  std::string dependencies;  ///< Host directory; "" when the profile has none or they are missing.
  std::string dependency_name;
  Environment environment;
  SandboxPlan plan;
  std::vector<std::string> roots;
};

class Runner {
 public:
  Runner(const ComplianceSettings& settings, const Profile& profile, const ComplianceRequest& request,
         const SafeDir& dir, sdk::ActivityContext& context)
      : settings_(settings), profile_(profile), request_(request), dir_(dir), context_(context) {}

  Result<std::optional<ComplianceReport>> Run() {
    const auto started = std::chrono::steady_clock::now();
    report_.profile = profile_.name;
    report_.profile_hash = profile_.hash;
    WFE_RETURN_IF_ERROR(EnforcePolicy());
    WFE_RETURN_IF_ERROR(SetScene());
    bool stopped = false;
    for (const CheckSpec& check : profile_.checks) {
      if (stopped) {
        CheckVerdict skipped;
        skipped.report.id = check.id;
        skipped.report.outcome = "skipped";
        verdicts_.push_back(std::move(skipped));
        continue;
      }
      WFE_ASSIGN_OR_RETURN(std::optional<CheckVerdict> verdict, RunOne(check));
      if (!verdict.has_value()) return std::optional<ComplianceReport>();
      const bool passed = verdict->report.outcome == "pass";
      verdicts_.push_back(*std::move(verdict));
      stopped = !passed && (request_.stop_on_failure || check.stop_on_fail);
    }
    WFE_RETURN_IF_ERROR(EnforcePolicy());
    const auto duration = std::chrono::steady_clock::now() - started;
    report_.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    WFE_RETURN_IF_ERROR(Conclude());
    return std::optional<ComplianceReport>(std::move(report_));
  }

 private:
  /// Before the checks, so that they run against the true examiner's files; and after them, since without a sandbox the
  /// examined code could change these while it runs.
  Status EnforcePolicy() {
    WFE_ASSIGN_OR_RETURN(const ProtectedCheck check,
                         EnforceProtected(dir_, profile_.protected_files, request_.protected_hashes));
    for (const std::string& path : check.changed) {
      // What could not be put back before the checks is still wrong after them; it is one finding.
      if (std::find(report_.policy_violations.begin(), report_.policy_violations.end(), path) !=
          report_.policy_violations.end()) {
        continue;
      }
      report_.policy_violations.push_back(path);
      const bool restored = std::find(check.restored.begin(), check.restored.end(), path) != check.restored.end();
      if (restored) report_.restored_files.push_back(path);
      policy_.findings.push_back({.path = path,
                                  .line = 0,
                                  .column = 0,
                                  .error_class = "POLICY_VIOLATION",
                                  .text = std::string("this file belongs to the examination and may not be changed; ") +
                                          (restored ? "it was put back as it was" : "it could not be put back")});
    }
    std::sort(report_.policy_violations.begin(), report_.policy_violations.end());
    std::sort(report_.restored_files.begin(), report_.restored_files.end());
    return Ok();
  }

  Status SetScene() {
    WFE_ASSIGN_OR_RETURN(scene_.sandbox, ChooseSandbox(settings_, profile_));
    const bool sandboxed = scene_.sandbox.sandboxed;
    report_.sandbox = sandboxed ? "bwrap" : "none";
    report_.sandbox_reason = scene_.sandbox.reason;
    const std::string state(kStateDirectory);
    // Build trees remember absolute paths, so each view of the directory has its own.
    const std::string out = state + (sandboxed ? "/out-bwrap" : "/out-none");
    for (const std::string& folder : {out, state + "/home", state + "/tmp"}) {
      WFE_RETURN_IF_ERROR(dir_.MakeDirectories(folder, 0700));
    }
    scene_.host_out = dir_.path() + "/" + out;
    scene_.out = sandboxed ? std::string(kSandboxOutDir) : scene_.host_out;
    scene_.work = sandboxed ? std::string(kSandboxWorkDir) : dir_.path();
    scene_.roots = {dir_.path(), std::string(kSandboxWorkDir)};
    WFE_RETURN_IF_ERROR(PlaceDependencies());

    std::string path = settings_.path;
    std::vector<std::string> tools;
    for (const ToolSpec& tool : profile_.requires_tools) tools.push_back(tool.program);
    const std::vector<std::string> tool_directories = ToolDirectories(tools, settings_.path);
    if (sandboxed) {
      path.clear();
      for (const std::string& directory : tool_directories) path += directory + ":";
      path += "/usr/local/bin:/usr/bin:/bin";
    }
    scene_.environment = {{"PATH", path},
                          {"HOME", sandboxed ? "/tmp" : dir_.path() + "/" + state + "/home"},
                          {"TMPDIR", sandboxed ? "/tmp" : dir_.path() + "/" + state + "/tmp"},
                          {"LANG", "C.UTF-8"},
                          {"TZ", "UTC"},
                          {"NO_COLOR", "1"},
                          {"CI", "true"}};
    for (const auto& variable : profile_.environment) scene_.environment.push_back(variable);
    if (sandboxed) WFE_RETURN_IF_ERROR(PlanSandbox(tool_directories));
    return Ok();
  }

  /// Shows the cache to the checks: a mount point inside the sandbox, a link without one.
  Status PlaceDependencies() {
    if (!profile_.dependencies.has_value()) return Ok();
    auto place = LocateDependencies(settings_, profile_, dir_);
    // A project without manifest or lock file has no dependencies; its checks then say MISSING_TOOL themselves.
    if (!place || !place->ready) return Ok();
    scene_.dependencies = place->directory;
    scene_.dependency_name = profile_.dependencies->directory;
    if (!place->needed) return Ok();  // The project's own.
    const std::string& name = scene_.dependency_name;
    WFE_ASSIGN_OR_RETURN(const auto present, dir_.Stat(name));
    const bool link = present.has_value() && present->kind == FileKind::kSymlink;
    if (link) WFE_RETURN_IF_ERROR(dir_.Remove(name));
    if (scene_.sandbox.sandboxed) return dir_.MakeDirectories(name);
    if (present.has_value() && present->kind == FileKind::kDirectory) ::unlinkat(dir_.fd(), name.c_str(), AT_REMOVEDIR);
    if (::symlinkat(scene_.dependencies.c_str(), dir_.fd(), name.c_str()) != 0) {
      return Internal("cannot link " + dir_.path() + "/" + name + ": " + std::strerror(errno));
    }
    return Ok();
  }

  Status PlanSandbox(const std::vector<std::string>& tool_directories) {
    SandboxPlan& plan = scene_.plan;
    plan.program = scene_.sandbox.program;
    plan.work_dir = dir_.path();
    plan.out_dir = scene_.host_out;
    const std::string work(kSandboxWorkDir);
    plan.hidden = {work + "/" + std::string(kStateDirectory)};
    for (const std::string& directory : tool_directories) plan.read_only.emplace_back(directory, directory);
    if (!scene_.dependencies.empty())
      plan.read_only.emplace_back(scene_.dependencies, work + "/" + scene_.dependency_name);
    // The examiner's files and the record of the run cannot be changed by what is examined.
    std::vector<std::string> fixed = {"audit_trace.jsonl", ".git", ".gemini"};
    for (const auto& [path, hash] : request_.protected_hashes) {
      if (!hash.empty()) fixed.push_back(path);
    }
    for (const std::string& path : fixed) {
      WFE_ASSIGN_OR_RETURN(const auto entry, dir_.Stat(path));
      if (!entry.has_value() || (entry->kind != FileKind::kFile && entry->kind != FileKind::kDirectory)) continue;
      plan.read_only.emplace_back(dir_.path() + "/" + path, work + "/" + path);
    }
    return Ok();
  }

  /// "" when the program is there; otherwise why it is not.  Inside the sandbox only bubblewrap could tell, less
  /// clearly.
  std::string MissingProgram(const std::string& program) const {
    if (program.find('/') == std::string::npos) {
      return FindProgram(program, settings_.path).empty() ? "there is no program " + program + " in PATH" : "";
    }
    std::string host = program.starts_with('/') ? program : dir_.path() + "/" + program;
    const std::string prefix = scene_.dependency_name + "/";
    bool of_dependencies = false;
    if (profile_.dependencies.has_value() && program.starts_with(profile_.dependencies->directory + "/")) {
      of_dependencies = true;
      if (!scene_.dependencies.empty()) host = scene_.dependencies + "/" + program.substr(prefix.size());
    }
    struct stat status = {};
    if (::stat(host.c_str(), &status) == 0) return "";
    std::string why = "there is no " + program;
    if (of_dependencies && scene_.dependencies.empty())
      why += "; the dependencies are not installed (installDependencies)";
    return why;
  }

  Result<std::optional<CheckVerdict>> RunOne(const CheckSpec& check) {
    std::vector<std::string> argv = check.argv;
    for (std::string& argument : argv) {
      size_t at = 0;
      while ((at = argument.find("$OUT", at)) != std::string::npos) {
        argument.replace(at, 4, scene_.out);
        at += scene_.out.size();
      }
    }
    // As in the profile: the same text on every machine.
    const std::string command = settings_.mask.Apply(JoinCommand(check.argv));
    report_.commands_attempted.push_back(command);

    // An old result must not be taken for a new one.
    WFE_ASSIGN_OR_RETURN(const SafeDir out, SafeDir::Open(scene_.host_out, {.reserved = {}}));
    if (!check.output_file.empty()) WFE_RETURN_IF_ERROR(out.Remove(check.output_file));
    const auto started = std::chrono::system_clock::now();

    ProcessOutcome outcome;
    const std::string missing = MissingProgram(argv[0]);
    if (!missing.empty()) {
      outcome.kind = ProcessOutcome::Kind::kCouldNotStart;
      outcome.program_missing = true;
      outcome.start_error = missing;
    } else {
      outcome = RunProcess(Command(check, std::move(argv)),
                           WatchFor(context_, settings_, {{"step", request_.step_name}, {"check", check.id}}));
    }
    if (outcome.kind == ProcessOutcome::Kind::kCancelled) return std::optional<CheckVerdict>();

    ToolOutput output{.out = outcome.out.text, .err = outcome.err.text, .file = std::nullopt, .roots = scene_.roots};
    if (!check.output_file.empty()) output.file = FreshFile(out, check.output_file, started);
    CheckVerdict verdict = Classify(check, outcome, output, scene_.sandbox.sandboxed);
    verdict.report.command = command;
    return std::optional<CheckVerdict>(std::move(verdict));
  }

  ProcessSpec Command(const CheckSpec& check, std::vector<std::string> argv) const {
    ProcessSpec spec;
    spec.argv = std::move(argv);
    spec.working_dir = scene_.work;
    spec.environment = scene_.environment;
    spec.limits.wall_clock = check.timeout;
    spec.limits.max_output_bytes = settings_.config.max_output_bytes;
    spec.limits.cpu_seconds =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(check.timeout).count()) * 2 + 10;
    spec.limits.file_bytes = profile_.file_bytes_limit;
    spec.limits.open_files = 4096;
    // Without a namespace of its own the limit would count every process of the user.
    if (!scene_.sandbox.sandboxed) return spec;
    spec.limits.processes = profile_.processes_limit;
    return WrapInSandbox(scene_.plan, spec);
  }

  static std::optional<std::string> FreshFile(const SafeDir& out, const std::string& name,
                                              std::chrono::system_clock::time_point started) {
    const auto entry = out.Stat(name);
    if (!entry || !entry->has_value() || (*entry)->kind != FileKind::kFile) return std::nullopt;
    const auto oldest = started - std::chrono::seconds(1);  // File times are a little coarser than the clock.
    const int64_t oldest_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(oldest.time_since_epoch()).count();
    if ((*entry)->modified_ns < oldest_ns) return std::nullopt;
    auto text = out.Read(name, kMaxOutputFileBytes);
    if (!text) return std::nullopt;
    return *std::move(text);
  }

  Status Conclude() {
    std::vector<CheckVerdict> all;
    all.push_back(std::move(policy_));
    for (CheckVerdict& verdict : verdicts_) all.push_back(std::move(verdict));
    bool passed = all.front().findings.empty();
    if (!passed) report_.error_type = "POLICY_VIOLATION";
    for (size_t i = 1; i < all.size(); ++i) {
      const CheckReport& check = all[i].report;
      report_.suppressed_count += check.suppressed;
      report_.checks.push_back(check);
      // TX-3: the first failing check in the profile's order gives the headline.
      if (check.outcome != "pass" && report_.error_type.empty()) report_.error_type = check.error_type;
      passed = passed && check.outcome == "pass";
    }
    for (const CheckVerdict& verdict : all) {
      for (const Finding& finding : verdict.findings) ++report_.error_counts[finding.error_class];
    }
    report_.passed = passed;
    report_.status = passed ? "pass" : "fail";
    if (passed) return Ok();
    const std::string log = RenderErrorLog(all, request_.max_findings_per_class, settings_.mask);
    report_.error_log_chars = CountCodePoints(log);
    report_.error_log_hash = ToHex(Sha256(log));
    report_.error_log = KeepHeadAndTail(log, request_.max_error_log_chars, &report_.error_truncated);
    if (settings_.config.store_blob) WFE_RETURN_IF_ERROR(settings_.config.store_blob(report_.error_log_hash, log));
    return Ok();
  }

  const ComplianceSettings& settings_;
  const Profile& profile_;
  const ComplianceRequest& request_;
  const SafeDir& dir_;
  sdk::ActivityContext& context_;
  Scene scene_;
  ComplianceReport report_;
  CheckVerdict policy_;
  std::vector<CheckVerdict> verdicts_;
};

}  // namespace

Result<std::optional<ComplianceReport>> RunChecks(const ComplianceSettings& settings, const Profile& profile,
                                                  const ComplianceRequest& request, const SafeDir& dir,
                                                  sdk::ActivityContext& context) {
  return Runner(settings, profile, request, dir, context).Run();
}

}  // namespace wfe::activities
