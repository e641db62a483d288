#include "activities/build/checks/check_runner.h"

#include <algorithm>
#include <map>
#include <set>

#include "activities/build/checks/check_scene.h"
#include "activities/build/checks/classify.h"
#include "activities/build/checks/error_log.h"
#include "activities/build/checks/examination.h"
#include "activities/build/checks/examined.h"
#include "activities/build/checks/probe.h"
#include "activities/build/checks/protected_files.h"
#include "activities/build/checks/tsc_references.h"
#include "activities/build/profile/resolve_profile.h"
#include "engine/base/hash.h"

namespace wfe::build {
namespace {

/// Outcomes of several commands of one check as one: both outputs in order, the first failure, the whole time.
void Join(sandbox::ProcessOutcome& all, sandbox::ProcessOutcome next) {
  if (all.kind == sandbox::ProcessOutcome::Kind::kCouldNotStart && all.start_error.empty()) {
    all = std::move(next);
    return;
  }
  for (const auto& [into, from] : {std::pair(&all.out, &next.out), std::pair(&all.err, &next.err)}) {
    into->text += from->text;
    into->total_bytes += from->total_bytes;
    into->truncated = into->truncated || from->truncated;
  }
  all.output_sha256 = ToHex(Sha256(all.output_sha256 + next.output_sha256));
  all.duration += next.duration;
  all.leftover_processes += next.leftover_processes;
  all.all_gone = all.all_gone && next.all_gone;
  all.channel += next.channel;
  all.limit = std::max(all.limit, next.limit);
  all.limits_kind = next.limits_kind;
  if (all.kind == sandbox::ProcessOutcome::Kind::kExited && all.exit_code != 0 &&
      next.kind == sandbox::ProcessOutcome::Kind::kExited) {
    return;
  }
  all.kind = next.kind;
  all.exit_code = next.exit_code;
  all.signal = next.signal;
  all.start_error = next.start_error;
  all.program_missing = next.program_missing;
}

class Runner {
 public:
  Runner(const ComplianceSettings& settings, const ComplianceRequest& request, const sandbox::SafeDir& dir,
         sdk::ActivityContext& context)
      : settings_(settings),
        request_(request),
        dir_(dir),
        context_(context),
        examination_(settings, profile_, request, dir) {}

  Result<std::optional<ComplianceReport>> Run() {
    const auto started = std::chrono::steady_clock::now();
    WFE_ASSIGN_OR_RETURN(profile_, LoadProfile(request_.profile, settings_.config.profile_dirs));
    report_.profile = profile_.name;
    report_.profile_hash = profile_.hash;
    WFE_RETURN_IF_ERROR(EnforcePolicy());
    WFE_RETURN_IF_ERROR(examination_.Begin(report_));
    // After the examiner's files are as they were: they decide which checks the project gets.
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
      if (!verdict.has_value()) {
        WFE_RETURN_IF_ERROR(examination_.Stop());
        return std::optional<ComplianceReport>();
      }
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
    WFE_ASSIGN_OR_RETURN(const ProjectFacts facts, ProjectFacts::Read(dir_));
    WFE_ASSIGN_OR_RETURN(ResolvedProfile resolved,
                         ResolveProfile(settings_.config.profile_dirs, profile_.name, facts, request_.checks,
                                settings_.config.command_timeout));
    profile_ = std::move(resolved.profile);
    std::vector<std::string> fixed;
    for (const auto& [path, hash] : request_.protected_hashes) {
      if (!hash.empty()) fixed.push_back(path);
    }
    WFE_ASSIGN_OR_RETURN(CheckScene scene, CheckScene::Set(settings_, profile_, dir_, fixed));
    scene_.emplace(std::move(scene));
    report_.sandbox = scene_->sandboxed() ? "bwrap" : "none";
    report_.sandbox_reason = scene_->sandbox_reason();
    probed_ = ReadProbed(dir_);
    return Ok();
  }

  Result<std::optional<CheckVerdict>> RunOne(const CheckSpec& check) {
    // As in the profile: the same text on every machine.
    const std::string command = settings_.mask.Apply(ShownCommand(check));
    report_.commands_attempted.push_back(command);
    if (!check.output_file.empty()) WFE_RETURN_IF_ERROR(scene_->RemoveOutput(check.output_file));
    const auto started = std::chrono::system_clock::now();
    WFE_ASSIGN_OR_RETURN(const sandbox::ProcessOutcome outcome, RunAll(check, check.argv, /*listing=*/false));
    if (outcome.kind == sandbox::ProcessOutcome::Kind::kCancelled) return std::optional<CheckVerdict>();

    ToolOutput output{.out = outcome.out.text, .err = outcome.err.text, .file = std::nullopt, .roots = scene_->roots()};
    if (!check.output_file.empty()) output.file = scene_->FreshFile(check.output_file, started);
    const bool began = outcome.kind != sandbox::ProcessOutcome::Kind::kCouldNotStart;
    if (began) examination_.TakeResult(outcome, output);
    CheckVerdict verdict = Classify(check, outcome, output, scene_->sandboxed());
    verdict.report.command = command;
    if (began) WFE_RETURN_IF_ERROR(examination_.Judge(check, outcome, verdict));
    WFE_ASSIGN_OR_RETURN(const bool goes_on, Examine(check, outcome, output, verdict));
    if (!goes_on) return std::optional<CheckVerdict>();
    NoteFault(check, verdict);
    return std::optional<CheckVerdict>(std::move(verdict));
  }

  /// Every command of the check, in order; the first that does not end by itself is the last.
  Result<sandbox::ProcessOutcome> RunAll(const CheckSpec& check, const std::vector<std::string>& argv, bool listing) {
    std::vector<std::vector<std::string>> commands = {argv};
    if (check.tsc_references) {
      const auto facts = ProjectFacts::Read(dir_);
      if (facts) commands = TscCommands(*facts, argv, listing);
    }
    sandbox::ProcessOutcome all;
    for (std::vector<std::string>& one : commands) {
      const std::string missing = scene_->MissingProgram(scene_->Expand({one.front()}).front());
      sandbox::ProcessOutcome outcome;
      if (!missing.empty()) {
        outcome.kind = sandbox::ProcessOutcome::Kind::kCouldNotStart;
        outcome.program_missing = true;
        outcome.start_error = missing;
      } else {
        const auto equip = [&](sandbox::ProcessSpec& spec, sandbox::SandboxPlan& plan) {
          AddEnvironment(check, spec);
          return examination_.Equip(
              check,
              {.reports = !listing, .sandboxed = scene_->sandboxed(), .dependencies = scene_->dependencies().directory},
              spec, plan);
        };
        WFE_ASSIGN_OR_RETURN(const sandbox::ProcessSpec command, scene_->Command(std::move(one), check.timeout, equip));
        outcome = sandbox::RunProcess(
            command, WatchFor(context_, settings_, {{"step", request_.step_name}, {"check", check.id}}));
      }
      Join(all, std::move(outcome));
      if (all.kind != sandbox::ProcessOutcome::Kind::kExited) break;
    }
    return all;
  }

  void AddEnvironment(const CheckSpec& check, sandbox::ProcessSpec& spec) const {
    for (const auto& [name, value] : check.environment) {
      const std::string text = scene_->Expand({value}).front();
      const auto same = std::find_if(spec.environment.begin(), spec.environment.end(),
                                     [&key = name](const auto& variable) { return variable.first == key; });
      if (same == spec.environment.end()) {
        spec.environment.emplace_back(name, text);
        continue;
      }
      if (name == "PATH") {
        // What starts is the machine's program, whatever the project has of that name.
        const std::string program = sandbox::FindProgram(spec.argv.front(), same->second);
        if (spec.argv.front().find('/') == std::string::npos && !program.empty()) spec.argv.front() = program;
      }
      same->second = name == "PATH" ? text + ":" + same->second : text;
    }
  }

  /// Which files the check looked at; none of the project's is a finding, however well it ended.  False: cancelled.
  Result<bool> Examine(const CheckSpec& check, const sandbox::ProcessOutcome& outcome, const ToolOutput& output,
                       CheckVerdict& verdict) {
    if (check.examines.empty() || outcome.kind != sandbox::ProcessOutcome::Kind::kExited) return true;
    WFE_ASSIGN_OR_RETURN(const ProjectFacts facts, ProjectFacts::Read(dir_));
    std::optional<std::string> listed;
    if (!check.files_argv.empty()) {
      WFE_ASSIGN_OR_RETURN(const sandbox::ProcessOutcome listing, RunAll(check, check.files_argv, /*listing=*/true));
      if (listing.kind == sandbox::ProcessOutcome::Kind::kCancelled) return false;
      // A program that cannot list has said why in its own run.
      if (listing.kind == sandbox::ProcessOutcome::Kind::kExited && !listing.out.truncated &&
          (listing.exit_code == 0 || !listing.out.text.empty())) {
        listed = listing.out.text;
      }
    }
    std::optional<std::string> file_list;
    if (!check.files_file.empty()) file_list = scene_->FreshFile(check.files_file, {});
    const Examined examined = FilesExamined(check, profile_, facts, verdict.parsed, output, listed, file_list);
    if (!examined.known) return true;
    verdict.report.files_examined = examined.count;
    verdict.examined_files = examined.files;
    const std::string none = LooksAtNone(check, profile_, facts, examined);
    if (none.empty() || verdict.report.outcome != "pass") return true;
    verdict.findings.push_back(
        {.path = "", .line = 0, .column = 0, .error_class = check.error_class + "_NO_FILES", .text = none});
    verdict.report.outcome = "fail";
    verdict.report.error_type = check.error_class + "_NO_FILES";
    verdict.report.findings = static_cast<int64_t>(verdict.findings.size());
    return true;
  }

  /// What no change of the code could repair is said apart from the findings (RW-D6).
  void NoteFault(const CheckSpec& check, const CheckVerdict& verdict) {
    if (!report_.fault.empty() || verdict.findings.empty()) return;
    const std::string& error_type = verdict.report.error_type;
    std::string_view type;
    if (verdict.report.outcome == "missing_tool") {
      type = kFailureMissingTool;
    } else if (error_type == "COMMAND_FAILED_SANDBOX" || error_type == "COMMAND_FAILED_START") {
      type = kFailureSandbox;
    } else if (verdict.could_not_load && !probed_.contains(check.id)) {
      // With a probe that saw it load, whoever changed something since is to blame, and that is the agent.
      type = kFailureCheckConfig;
    } else {
      return;
    }
    report_.fault_type = type;
    const std::string text = verdict.findings.front().text;
    report_.fault = "the check " + check.id + " could not be done: " + settings_.mask.Apply(sandbox::FenceSafe(text));
  }

  Status Conclude() {
    std::vector<CheckVerdict> all;
    all.emplace_back();
    for (CheckVerdict& verdict : verdicts_) all.push_back(std::move(verdict));
    for (size_t i = 1; i < all.size(); ++i) {
      const CheckReport& check = all[i].report;
      report_.suppressed_count += check.suppressed;
      report_.checks.push_back(check);
    }
    WFE_RETURN_IF_ERROR(examination_.End(report_, policy_));
    all.front() = std::move(policy_);
    bool passed = all.front().findings.empty();
    if (!passed) report_.error_type = Headline(all.front().findings, "POLICY_VIOLATION");
    for (const CheckReport& check : report_.checks) {
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
    report_.error_log_chars = sandbox::CountCodePoints(log);
    report_.error_log_hash = ToHex(Sha256(log));
    report_.error_log = sandbox::KeepHeadAndTail(log, request_.max_error_log_chars, &report_.error_truncated);
    if (settings_.config.store_blob) WFE_RETURN_IF_ERROR(settings_.config.store_blob(report_.error_log_hash, log));
    return Ok();
  }

  const ComplianceSettings& settings_;
  const ComplianceRequest& request_;
  const sandbox::SafeDir& dir_;
  sdk::ActivityContext& context_;
  Profile profile_;                  // As the project gets it.
  std::optional<CheckScene> scene_;  // Refers to profile_.
  std::set<std::string> probed_;     // Checks whose configuration loaded before the first step.
  ComplianceReport report_;
  CheckVerdict policy_;
  Examination examination_;  // Refers to profile_.
  std::vector<CheckVerdict> verdicts_;
};

}  // namespace

Result<std::optional<ComplianceReport>> RunChecks(const ComplianceSettings& settings, const ComplianceRequest& request,
                                                  const sandbox::SafeDir& dir, sdk::ActivityContext& context) {
  return Runner(settings, request, dir, context).Run();
}

}  // namespace wfe::build
