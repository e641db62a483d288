// What a workflow needs to know about the checks: the activities' names, inputs and results.
//
//   preflightBuild        claims the working directory, says what the project is, records the protected files
//   installDependencies   fills the dependency cache (npm ci, pip, ...) before the agent's first turn
//   probeChecks           starts every check's program where the checks will run, before a token is spent
//   runComplianceChecks   runs the profile's commands and classifies what they found
//   releaseWorkingDir     gives the claim back
//
// All of them may run more than once for the same run (activities are at-least-once) and then do no harm.
// Unknown keys of every record survive a read and a write in `extra`.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::build {

// ---- failure types (ApplicationFailure::type)
// ------------------------------------------------------------------------

/// Another run owns the working directory; the message names it.  Not retried.
inline constexpr std::string_view kFailureDirectoryClaimed = "WORKING_DIR_CLAIMED";
/// The working directory is missing, not writable or not a directory.  Not retried.
inline constexpr std::string_view kFailureWorkingDir = "WORKING_DIR";
/// A tool the profile needs does not start or is too old (the sandbox too, when the profile requires it).  Not retried.
/// Also the fault_type of a report.
inline constexpr std::string_view kFailureMissingTool = "MISSING_TOOL";
/// Unknown or malformed profile.  Not retried.
inline constexpr std::string_view kFailureProfile = "PROFILE";
/// Too little free disk space.  Retried.
inline constexpr std::string_view kFailureDiskSpace = "DISK_SPACE";
/// The dependencies could not be installed.  Retried unless the lock file itself is wrong or missing.
inline constexpr std::string_view kFailureDependencies = "DEPENDENCIES";
/// The project's own configuration of a check cannot be loaded, before the agent touched anything.  Not retried.
inline constexpr std::string_view kFailureCheckConfig = "CHECK_CONFIG";
/// A check looked at none of the project's source files.  Not retried.
inline constexpr std::string_view kFailureNoFiles = "CHECK_NO_FILES";
/// The sandbox could not be set up for a check.  Not retried.
inline constexpr std::string_view kFailureSandbox = "COMMAND_FAILED_SANDBOX";

// ---- preflightBuild
// --------------------------------------------------------------------------------------------------

struct PreflightRequest {
  std::string working_dir;  ///< Absolute.
  std::string profile;      ///< Name, e.g. "typescript"; "": what the project itself says (the report names it).
  /// "create": a new project, starter files are written; "change": an existing one, nothing is; "auto": "create" in an
  /// empty directory, "change" otherwise.
  std::string mode = "auto";
  std::vector<std::string> checks;  ///< Commands that replace the profile's checks, e.g. "npm test"; empty: its own.
  std::string policy = "strict";    ///< "strict" | "warn": what integrity findings do.
  /// Who owns the directory; empty: the run id of the calling workflow.  Give the first run's id when a run continues
  /// as new, so that the chain keeps its directory.
  std::string claim_id;
  std::string workflow_id;          ///< Written into the claim for people; empty: the calling workflow's.
  bool create_if_missing = true;    ///< Make the directory (and parents).
  bool write_starter_files = true;  ///< In mode "create": write the profile's starter files (package.json ...).
  /// Take the claim over when exactly this claim id holds it (an owner known to be dead); empty: never.
  std::string take_over_from;
  uint64_t min_free_bytes = 256ull << 20;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(PreflightRequest, working_dir, profile, mode, checks, policy, claim_id, workflow_id, create_if_missing,
           write_starter_files, take_over_from, min_free_bytes);

struct PreflightReport {
  std::string working_dir;   ///< With links resolved.
  std::string profile;       ///< Never "": give this one to the later activities.
  std::string profile_hash;  ///< SHA-256 of the profile's text.
  std::string detection;     ///< Why this profile, one sentence; "" when the request named it.
  std::string mode;          ///< "create" | "change".
  std::string template_id;   ///< The profile's GEMINI.md template for that mode.
  std::string claim_id;
  /// Relative path → SHA-256 of every protected file; "" for one that does not exist and must not appear.
  /// Pass it on to every runComplianceChecks; set "GEMINI.md" to the hash of the context once that is written.
  std::map<std::string, std::string> protected_hashes;
  /// The tests and configuration that stood there before the first step; opaque, for ComplianceRequest.
  nlohmann::json baseline = nlohmann::json::object();
  std::map<std::string, std::string> tools;  ///< Tool → version as printed.
  std::vector<std::string> check_commands;   ///< What will be run, in order, for people and for GEMINI.md.
  std::string sandbox;                       ///< "bwrap" or "none".
  std::string sandbox_reason;                ///< Why "none"; empty for "bwrap".
  bool needs_dependencies = false;           ///< True: call installDependencies before the first check.
  std::vector<std::string> starter_files;    ///< Written now, sorted.
  uint64_t free_bytes = 0;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(PreflightReport, working_dir, profile, profile_hash, detection, mode, template_id, claim_id,
           protected_hashes, baseline, tools, check_commands, sandbox, sandbox_reason, needs_dependencies,
           starter_files, free_bytes);

// ---- installDependencies
// ---------------------------------------------------------------------------------------------

struct InstallDependenciesRequest {
  std::string working_dir;
  std::string profile;
  std::string claim_id;  ///< As in PreflightRequest.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(InstallDependenciesRequest, working_dir, profile, claim_id);

struct InstallDependenciesReport {
  bool needed = false;               ///< False: the profile has no dependencies, or the directory brings its own.
  bool installed = false;            ///< True: this call ran the installer; false: the cache had them.
  std::string dependency_hash;       ///< SHA-256 over manifest and lock file; the cache key.
  std::string dependency_directory;  ///< Where they are on this machine.
  std::vector<std::string> commands_attempted;
  int64_t duration_ms = 0;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(InstallDependenciesReport, needed, installed, dependency_hash, dependency_directory, commands_attempted,
           duration_ms);

// ---- probeChecks
// -----------------------------------------------------------------------------------------------------

struct ProbeChecksRequest {
  std::string working_dir;
  std::string profile;
  std::string claim_id;             ///< As in PreflightRequest.
  std::vector<std::string> checks;  ///< As in PreflightRequest.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(ProbeChecksRequest, working_dir, profile, claim_id, checks);

/// Every check's program started.  One that does not is a failure (MISSING_TOOL, CHECK_CONFIG, ...) with a sentence.
struct ProbeChecksReport {
  std::map<std::string, std::string> tools;  ///< Check id → first line of what its program says it is.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(ProbeChecksReport, tools);

// ---- runComplianceChecks
// ---------------------------------------------------------------------------------------------

struct ComplianceRequest {
  std::string working_dir;
  std::string profile;
  std::string step_name;                                ///< e.g. "initial_verification"; shown in heartbeats.
  std::string claim_id;                                 ///< As in PreflightRequest.
  bool stop_on_failure = false;                         ///< Later checks are "skipped" after the first failing one.
  std::map<std::string, std::string> protected_hashes;  ///< From PreflightReport; empty: nothing is compared.
  std::vector<std::string> checks;                      ///< As in PreflightRequest.
  std::string policy = "strict";                        ///< As in PreflightRequest.
  nlohmann::json baseline = nlohmann::json::object();   ///< From PreflightReport.
  /// What the agent has touched so far: a check that rewrites one of these fails the verification (RW-D3).
  std::vector<std::string> agent_files = {};
  int max_findings_per_class = 20;                      ///< Shown in the error log; all of them are counted.
  int64_t max_error_log_chars = 65'536;                 ///< The report's `error_log` keeps head and tail above this.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(ComplianceRequest, working_dir, profile, step_name, claim_id, stop_on_failure, protected_hashes, checks,
           policy, baseline, agent_files, max_findings_per_class, max_error_log_chars);
constexpr RecordRules RulesOf(const ComplianceRequest*) { return {.seldom = "agent_files"}; }

/// One command of the profile.
struct CheckReport {
  std::string id;
  std::string command;  ///< As attempted, arguments joined for reading, secrets masked.
  std::string outcome;  ///< "pass" | "fail" | "timeout" | "missing_tool" | "error" (could not do its work) | "skipped".
  std::string error_type;        ///< First class found; "" on a pass.
  std::optional<int> exit_code;  ///< Absent when it did not start or a signal ended it.
  std::optional<int> signal;
  int64_t duration_ms = 0;
  int64_t findings = 0;  ///< All, not only the rendered ones.
  std::optional<int64_t> tests_total;
  std::optional<int64_t> tests_failed;
  std::optional<int64_t> tests_skipped;
  std::optional<int64_t> files_examined;  ///< Of the project's own sources; absent when the tool does not tell.
  int64_t suppressed = 0;                 ///< Findings silenced in the source (eslint-disable).
  uint64_t output_bytes = 0;              ///< Both streams, before any cut.
  std::string output_sha256;              ///< SHA-256 over the SHA-256 digests of both whole streams (stdout, stderr).
  bool output_truncated = false;
  nlohmann::json extra = nlohmann::json::object();
  /// What the result rests on (reporters.h): "reporter", "file" or "exit_code".
  std::string evidence;
  int64_t leftover_processes = 0;  ///< Still running when the command had ended; killed.
  /// Test files that hold no test the runner knows, so that how they ended is all there is (scripts with asserts).
  int64_t files_by_exit_code = 0;
};
WFE_RECORD(CheckReport, id, command, outcome, error_type, exit_code, signal, duration_ms, findings, tests_total,
           tests_failed, tests_skipped, files_examined, suppressed, output_bytes, output_sha256, output_truncated,
           evidence, leftover_processes, files_by_exit_code);

struct ComplianceReport {
  bool passed = false;
  std::string status;  ///< "pass" | "fail": `validation_status` of LG-8.
  /// Not empty: the examination itself could not be done (a missing tool, a configuration that cannot load, a check
  /// that looked at no file), one sentence.  Never a pass and never the agent's fault: the build ends with it.
  std::string fault;
  std::string fault_type;  ///< MISSING_TOOL, CHECK_CONFIG, CHECK_NO_FILES, COMMAND_FAILED_SANDBOX; "" without a fault.
  std::string profile;
  std::string profile_hash;
  std::vector<CheckReport> checks;              ///< In the profile's order.
  std::string error_type;                       ///< `validation_error_type` (TX-3); "" on a pass.
  std::map<std::string, int64_t> error_counts;  ///< Class → findings: `ext.validation_error_counts`.
  /// For the agent: `path:line:col CLASS text`, one finding a paragraph, relative paths, no ANSI or control
  /// characters, no run of three backquotes (so it can be fenced).  "" on a pass.
  std::string error_log;
  bool error_truncated = false;                 ///< `error_log` was cut to max_error_log_chars.
  int64_t error_log_chars = 0;                  ///< Unicode code points of the whole log, before the cut.
  std::string error_log_hash;                   ///< SHA-256 of the whole log; equal findings give equal hashes (AB-9).
  std::vector<std::string> commands_attempted;  ///< LG-14: secrets masked, in order.
  std::string sandbox;                          ///< "bwrap" | "none": `ext.sandbox`.
  std::string sandbox_reason;                   ///< Why "none".
  int64_t suppressed_count = 0;
  std::vector<std::string> policy_violations;  ///< Protected files found changed, sorted.
  std::vector<std::string> restored_files;     ///< Those of them that were put back.
  int64_t duration_ms = 0;
  nlohmann::json extra = nlohmann::json::object();
  /// As the request's, with what this verification has seen; give this one to the next (SEC-H8).
  nlohmann::json baseline = nlohmann::json::object();
  std::string policy;                            ///< "strict" | "warn", as applied.
  std::map<std::string, int64_t> policy_counts;  ///< POLICY_VIOLATION_<X> → findings, those only recorded too.
  std::vector<std::string> policy_notes;         ///< Policy "warn": what was recorded and did not decide.
  int64_t tests_total = 0;                       ///< Over all checks (SEC-M8).
  int64_t tests_skipped = 0;
  int64_t files_examined = 0;  ///< Source files that the integrity of the project was read from.
  int64_t leftover_processes = 0;
  std::vector<std::string> planted_files;  ///< Taken away: .env, hooks, sockets, set-user-id programs …
  /// Files that stood there and that a check changed or deleted, each as a sentence; they were put back (RW-D3).
  std::vector<std::string> changed_by_checks = {};
  std::string limits;                      ///< Memory and processes were limited by "cgroup" or "watch".
};
WFE_RECORD(ComplianceReport, passed, status, fault, fault_type, profile, profile_hash, checks, error_type,
           error_counts, error_log, error_truncated, error_log_chars, error_log_hash, commands_attempted, sandbox,
           sandbox_reason, suppressed_count, policy_violations, restored_files, duration_ms, baseline, policy,
           policy_counts, policy_notes, tests_total, tests_skipped, files_examined, leftover_processes, planted_files,
           changed_by_checks, limits);
constexpr RecordRules RulesOf(const ComplianceReport*) { return {.seldom = "changed_by_checks"}; }

// ---- releaseWorkingDir
// -----------------------------------------------------------------------------------------------

struct ReleaseRequest {
  std::string working_dir;
  std::string claim_id;  ///< As in PreflightRequest.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(ReleaseRequest, working_dir, claim_id);

struct ReleaseReport {
  bool released = false;  ///< False: there was nothing to release, or another run holds it (`holder`).
  std::string holder;     ///< Claim id that still holds the directory; "" for none.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(ReleaseReport, released, holder);

// ---- names
// -----------------------------------------------------------------------------------------------------------

inline constexpr sdk::ActivityType<PreflightRequest, PreflightReport> kPreflight{"preflightBuild"};
inline constexpr sdk::ActivityType<InstallDependenciesRequest, InstallDependenciesReport> kInstallDependencies{
    "installDependencies"};
inline constexpr sdk::ActivityType<ProbeChecksRequest, ProbeChecksReport> kProbeChecks{"probeChecks"};
inline constexpr sdk::ActivityType<ComplianceRequest, ComplianceReport> kRunComplianceChecks{"runComplianceChecks"};
inline constexpr sdk::ActivityType<ReleaseRequest, ReleaseReport> kReleaseWorkingDir{"releaseWorkingDir"};

// ---- JSON (absent optionals are omitted; a missing key keeps its default; a wrong type throws json::exception)
// ---------

}  // namespace wfe::build
