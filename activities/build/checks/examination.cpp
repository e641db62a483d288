#include "activities/build/checks/examination.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "activities/build/checks/claim.h"
#include "activities/build/integrity/integrity.h"
#include "activities/sandbox/glob.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using Limit = sandbox::ProcessOutcome::Limit;

/// "jest/package.json" below the dependencies: the first number of its version; 0 when it cannot be read.
int MajorVersion(const std::string& dependencies, const std::string& package) {
  std::ifstream file(dependencies + "/" + package + "/package.json");
  const nlohmann::json document = ParseJson(std::string(std::istreambuf_iterator<char>(file), {}));
  if (!document.is_object() || !document.contains("version") || !document["version"].is_string()) return 0;
  return std::atoi(document["version"].get<std::string>().c_str());
}

void Replace(CheckVerdict& verdict, std::string error_class, std::string text) {
  verdict.findings.clear();
  verdict.findings.push_back({.path = "", .line = 0, .column = 0, .error_class = error_class, .text = std::move(text)});
  verdict.report.outcome = "error";
  verdict.report.error_type = std::move(error_class);
  verdict.report.findings = 1;
}

void Fail(CheckVerdict& verdict, std::string text) {
  verdict.findings.push_back(
      {.path = "", .line = 0, .column = 0, .error_class = std::string(kResultForged), .text = std::move(text)});
  verdict.report.outcome = "fail";
  verdict.report.error_type = Headline(verdict.findings, "");
  verdict.report.findings = static_cast<int64_t>(verdict.findings.size());
}

std::string LimitText(Limit limit, const std::string& id, const sandbox::SandboxLimits& limits) {
  const auto mib = [](uint64_t count) { return std::to_string(count) + " MiB"; };
  switch (limit) {
    case Limit::kMemory:
      return id + " used more than " + mib(limits.memory_mib) + " of memory and was stopped";
    case Limit::kProcesses:
      return id + " started more than " + std::to_string(limits.processes) + " processes and was stopped";
    case Limit::kDisk:
      return id + " wrote more than " + mib(limits.disk_mib) + " into the working directory and was stopped";
    case Limit::kNone:
      break;
  }
  return "";
}

/// Every test program that `cargo test` began has said its result; one that ends itself with success has not.
bool CargoEndedProperly(const std::string& out) {
  int64_t begun = 0;
  int64_t ended = 0;
  for (const std::string& line : sandbox::SplitLines(out)) {
    begun += line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test")) ? 1 : 0;
    ended += line.starts_with("test result: ") ? 1 : 0;
  }
  return begun == ended;
}

bool IsCargoTest(const std::vector<std::string>& argv) {
  return argv.size() > 1 && argv[0].substr(argv[0].rfind('/') + 1) == "cargo" && argv[1] == "test";
}

}  // namespace

Examination::Examination(const ComplianceSettings& settings, const Profile& profile, const ComplianceRequest& request,
                         const sandbox::SafeDir& dir)
    : settings_(settings), profile_(profile), request_(request), dir_(dir), products_(dir), changes_(dir) {}

void Examination::Note(Finding finding, bool always_fails) {
  (strict() || always_fails ? failing_ : recorded_).push_back(std::move(finding));
}

Status Examination::Begin(ComplianceReport& report) {
  report.policy = std::string(strict() ? kPolicyStrict : kPolicyWarn);
  std::map<std::string, std::string> known;
  if (!request_.baseline.empty()) {
    WFE_ASSIGN_OR_RETURN(baseline_, BaselineFromJson(request_.baseline));
    known = baseline_->plants;
  } else {
    WFE_ASSIGN_OR_RETURN(known, ListPlants(dir_));
  }
  plants_.emplace(dir_, std::move(known));
  WFE_RETURN_IF_ERROR(plants_->Sweep("the agent"));
  WFE_RETURN_IF_ERROR(plants_->Remember());
  if (baseline_.has_value()) WFE_RETURN_IF_ERROR(CompareWithBaseline(report));
  // After the examiner has put its own files back: they are no check's work, and this is the text that the verdict is
  // about.
  WFE_RETURN_IF_ERROR(products_.Before());
  return changes_.Before();
}

Status Examination::CompareWithBaseline(ComplianceReport& report) {
  WFE_ASSIGN_OR_RETURN(IntegrityCheck integrity, CheckIntegrity(dir_, *baseline_, strict()));
  for (Finding& finding : integrity.findings) Note(std::move(finding), false);
  const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    for (const std::string& path : from) {
      if (std::find(to.begin(), to.end(), path) == to.end()) to.push_back(path);
    }
    std::sort(to.begin(), to.end());
  };
  if (strict()) add(report.policy_violations, integrity.changed);
  add(report.restored_files, integrity.restored);
  files_examined_ = integrity.scan.files_examined;
  suppressed_ = integrity.scan.suppressed;
  return Ok();
}

Status Examination::Equip(const CheckSpec& check, const Place& place, sandbox::ProcessSpec& inner,
                          sandbox::SandboxPlan& plan) {
  const sandbox::SandboxLimits& limits = profile_.sandbox_limits;
  inner.limits.total_memory_bytes = limits.memory_mib << 20;
  inner.limits.total_processes = limits.processes;
  inner.limits.disk_growth_bytes = limits.disk_mib << 20;
  inner.limits.disk_directories = {dir_.path()};
  inner.limits.cgroup = settings_.config.use_cgroups;
  sandboxed_ = place.sandboxed;
  if (place.reports) WFE_RETURN_IF_ERROR(AddReporter(check, place, inner, plan));
  if (!place.sandboxed) {
    // Only what wfe installed itself may be thrown away: a project's own, and what its checkout lends, is the user's.
    if (!dependencies_.has_value() && place.dependencies.starts_with(settings_.config.work_root + "/deps/")) {
      dependencies_.emplace(place.dependencies);
    }
    return Ok();
  }
  plan.tmp_bytes = limits.tmp_mib << 20;
  // What is not there cannot be planted either.
  for (const std::string name : {".git", ".gemini"}) {
    WFE_ASSIGN_OR_RETURN(const auto present, dir_.Stat(name));
    if (present.has_value()) continue;
    plan.hidden.push_back(std::string(sandbox::kSandboxWorkDir) + "/" + name);
    mount_points_.insert(name);
  }
  return Ok();
}

Status Examination::AddReporter(const CheckSpec& check, const Place& place, sandbox::ProcessSpec& inner,
                                sandbox::SandboxPlan& plan) {
  record_ = {};
  nonce_ = NewNonce();
  inner.channel_greeting = nonce_;
  reporter_ = ReporterOf(check, settings_.path);
  plan.shields_runner = plan.inner_keeps_channel = reporter_ != Reporter::kNone;
  if (reporter_ == Reporter::kNone) return Ok();
  WFE_ASSIGN_OR_RETURN(const std::string reporters,
                       PlaceReporters(dir_.path() + "/" + std::string(sandbox::kStateDirectory) + "/reporters"));
  const std::string seen = place.sandboxed ? std::string(kSandboxReporterDir) : reporters;
  const bool jest = reporter_ == Reporter::kJest && !place.dependencies.empty();
  AttachReporter(reporter_, seen, jest ? MajorVersion(place.dependencies, "jest") : 0, inner);
  if (place.sandboxed) plan.read_only.emplace_back(reporters, seen);
  return Ok();
}

void Examination::TakeResult(const sandbox::ProcessOutcome& outcome, ToolOutput& output) {
  for (const std::string& name : mount_points_) ::unlinkat(dir_.fd(), name.c_str(), AT_REMOVEDIR);
  record_ = ReadReporter(reporter_, outcome.channel, nonce_);
  if (reporter_ == Reporter::kJest || reporter_ == Reporter::kVitest) output.file = record_.result;
}

void Examination::JudgeReport(const CheckSpec& check, int exit_code, CheckVerdict& verdict) {
  const bool ok = std::find(check.ok_exit.begin(), check.ok_exit.end(), exit_code) != check.ok_exit.end();
  // The report of jest and vitest takes the place of a file, where the check reads one.
  const bool suites = reporter_ == Reporter::kJest || reporter_ == Reporter::kVitest;
  if (record_.ended && (!suites || check.output_file.empty())) {
    verdict.report.tests_total = record_.total;
    verdict.report.tests_failed = record_.failed;
    verdict.report.tests_skipped = record_.skipped;
  }
  if (record_.forged) {
    Fail(verdict, "something else than " + check.id + " wrote into its report");
  } else if (!record_.ended && ok) {
    // The tool could say so itself when it failed; a success without an end is none.
    Replace(verdict, std::string(kResultForged),
            "the run of " + check.id + " did not end properly: it ended with exit code " + std::to_string(exit_code) +
                " and without the last word of its reporter");
  } else if (!record_.problem.empty()) {
    Fail(verdict, record_.problem);
  } else if (verdict.report.outcome == "pass" && record_.failed > 0) {
    Fail(verdict, std::to_string(record_.failed) + " tests failed, and " + check.id + " ended as if none had");
  } else if (verdict.report.outcome == "pass") {
    JudgePass(check, verdict);
  }
}

void Examination::JudgePass(const CheckSpec& check, CheckVerdict& verdict) {
  if (reporter_ != Reporter::kNode && reporter_ != Reporter::kUnittest) return;
  std::error_code error;
  // node names its files without links in their paths.
  const std::string real = std::filesystem::canonical(dir_.path(), error).string();
  const UnendedFiles files = JudgeUnendedFiles(
      dir_, {dir_.path(), error ? dir_.path() : real, std::string(sandbox::kSandboxWorkDir)}, record_.unended);
  verdict.report.files_by_exit_code = files.by_exit_code;
  if (!files.problem.empty()) return Fail(verdict, files.problem);
  if (record_.total > record_.skipped) return;
  if (files.by_exit_code > 0) {
    verdict.report.evidence = kEvidenceExitCode;
    return;
  }
  // As the checks of profiles have it; both runners call nothing at all a success.
  verdict.findings.push_back({.path = "",
                              .line = 0,
                              .column = 0,
                              .error_class = check.error_class + "_NO_TESTS",
                              .text = check.id + " ran 0 tests; at least 1 must run"});
  verdict.report.outcome = "fail";
  verdict.report.error_type = Headline(verdict.findings, "");
  verdict.report.findings = static_cast<int64_t>(verdict.findings.size());
}

Status Examination::Judge(const CheckSpec& check, const sandbox::ProcessOutcome& outcome, CheckVerdict& verdict) {
  if (limits_kind_.empty()) limits_kind_ = outcome.limits_kind;
  // What was stopped leaves processes behind that are not its fault; and bubblewrap's own first process may outlive the
  // command by a moment, so inside a sandbox only what was counted there counts.
  const bool by_itself = outcome.kind == sandbox::ProcessOutcome::Kind::kExited && outcome.limit == Limit::kNone;
  const int64_t left = !by_itself ? 0 : sandboxed_ ? record_.leftover : outcome.leftover_processes;
  leftover_ += left;
  verdict.report.leftover_processes = left;
  verdict.report.evidence = EvidenceOf(check, settings_.path);
  if (outcome.limit != Limit::kNone) {
    const char* name = outcome.limit == Limit::kMemory ? "MEMORY"
                       : outcome.limit == Limit::kDisk ? "DISK"
                                                       : "PROCESSES";
    Replace(verdict, std::string("COMMAND_FAILED_") + name,
            LimitText(outcome.limit, check.id, profile_.sandbox_limits));
  } else if (outcome.kind == sandbox::ProcessOutcome::Kind::kExited && reporter_ != Reporter::kNone) {
    JudgeReport(check, outcome.exit_code, verdict);
  }
  if (verdict.report.outcome == "pass" && IsCargoTest(check.argv) && !CargoEndedProperly(outcome.out.text)) {
    Fail(verdict, "a test program ended with success before it had said its result");
  }
  WFE_RETURN_IF_ERROR(plants_->Sweep("the check " + check.id));
  WFE_RETURN_IF_ERROR(changes_.After(check.id));
  if (left > 0) {
    Note({.path = "",
          .line = 0,
          .column = 0,
          .error_class = std::string(kLeftoverProcess),
          .text = "the check " + check.id + " left " + std::to_string(left) + (left == 1 ? " process" : " processes") +
                  " running; what a test starts it must also end"},
         false);
  }
  if (baseline_.has_value() && verdict.report.outcome == "pass" && verdict.report.tests_total.has_value()) {
    const int64_t ran = *verdict.report.tests_total - verdict.report.tests_skipped.value_or(0);
    int64_t& most = baseline_->ran[check.id];
    if (ran < most) {
      Note({.path = "",
            .line = 0,
            .column = 0,
            .error_class = std::string(kTestsRemoved),
            .text = check.id + " ran " + std::to_string(ran) + " tests; it ran " + std::to_string(most) + " before"},
           false);
    }
    most = std::max(most, ran);
  }
  return Ok();
}

void Examination::UndoChanges(ComplianceReport& report) {
  constexpr size_t kMaxListed = 100;
  const sandbox::GlobSet sources(profile_.sources);
  const std::vector<std::string>& agents = request_.agent_files;
  size_t count = 0;
  for (const CheckChange& change : changes_.PutBack()) {
    const std::string what = std::string(change.deleted ? "deleted" : "changed") + " by the check " + change.check +
                             (change.put_back ? ", put back" : ", could not be put back");
    if (++count <= kMaxListed) report.changed_by_checks.push_back(sandbox::Printable(change.path) + ": " + what);
    const bool of_agent = std::find(agents.begin(), agents.end(), change.path) != agents.end();
    // Data that tests write over and over is nobody's business; the text that they examine is.
    if (!of_agent && !sources.Matches(change.path)) continue;
    Note({.path = change.path,
          .line = 0,
          .column = 0,
          .error_class = std::string(kCheckChangedSource),
          .text = "the check " + change.check + (change.deleted ? " deleted" : " rewrote") +
                  " this file while it ran, so what it examined is not what is handed over; the file was put back: "
                  "make the same change in it, or have the check only look"},
         true);
  }
  if (count > kMaxListed) report.changed_by_checks.push_back(std::to_string(count - kMaxListed) + " more files");
}

Status Examination::Stop() {
  WFE_RETURN_IF_ERROR(changes_.After(""));
  changes_.PutBack();
  return Ok();
}

Status Examination::End(ComplianceReport& report, CheckVerdict& policy) {
  UndoChanges(report);
  WFE_RETURN_IF_ERROR(products_.After());
  if (dependencies_.has_value() && dependencies_->ThrowAwayWhenChanged()) {
    Note({.path = "",
          .line = 0,
          .column = 0,
          .error_class = std::string(kPlanted),
          .text = "the checked code changed the dependencies that all builds share; they were thrown away"},
         true);
  }
  for (Finding& finding : plants_->TakeFindings()) Note(std::move(finding), true);
  report.planted_files = plants_->removed();
  report.leftover_processes = leftover_;
  report.limits = limits_kind_;
  report.files_examined = files_examined_;
  report.suppressed_count = std::max(report.suppressed_count, suppressed_);
  for (const CheckReport& check : report.checks) {
    report.tests_total += check.tests_total.value_or(0);
    report.tests_skipped += check.tests_skipped.value_or(0);
  }
  for (const auto* findings : {&failing_, &recorded_}) {
    for (const Finding& finding : *findings) ++report.policy_counts[finding.error_class];
  }
  constexpr size_t kMaxNotes = 50;
  for (const Finding& finding : recorded_) {
    if (report.policy_notes.size() >= kMaxNotes) break;
    std::string note = finding.path.empty() ? "" : finding.path + ": ";
    note += finding.error_class + " " + finding.text;
    report.policy_notes.push_back(settings_.mask.Apply(std::move(note)));
  }
  if (baseline_.has_value()) report.baseline = ToJson(*baseline_);
  policy.findings.insert(policy.findings.end(), failing_.begin(), failing_.end());
  return Ok();
}

}  // namespace wfe::build
