// Stands between the checks and what they examine: compares the project with its baseline, equips each command with a
// reporter and limits, and says afterwards what the command's own word could not be trusted for (SEC-H5, SEC-H8, SEC-H10, SEC-M8, SEC-M9).
// One object for one verification; used from the activity's thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activities/build/checks/changed_by_checks.h"
#include "activities/build/checks/classify.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/checks/dependency_guard.h"
#include "activities/build/checks/planted_files.h"
#include "activities/build/checks/reporters.h"
#include "activities/build/checks/settings.h"
#include "activities/build/checks/test_baseline.h"
#include "activities/sandbox/check_products.h"

namespace wfe::build {

inline constexpr std::string_view kResultForged = "RESULT_FORGED";
inline constexpr std::string_view kLeftoverProcess = "POLICY_VIOLATION_LEFTOVER_PROCESS";
inline constexpr std::string_view kCheckChangedSource = "CHECK_CHANGED_SOURCE";
inline constexpr std::string_view kPolicyStrict = "strict";
inline constexpr std::string_view kPolicyWarn = "warn";

class Examination {
 public:
  Examination(const ComplianceSettings& settings, const Profile& profile, const ComplianceRequest& request,
              const sandbox::SafeDir& dir);

  /// Before the first check, after the examiner's own files are as they should be.
  Status Begin(ComplianceReport& report);

  struct Place {
    bool reports = true;  ///< False: a command that only lists files, whose word decides nothing.
    bool sandboxed = false;
    std::string dependencies;  ///< Their directory on this machine; "" for none.
  };
  /// What one command needs beyond its profile.  `inner` is not wrapped yet; `plan` is its own copy.
  Status Equip(const CheckSpec& check, const Place& place, sandbox::ProcessSpec& inner, sandbox::SandboxPlan& plan);
  /// Replaces the result that the command left in a file by the one its reporter told us.
  void TakeResult(const sandbox::ProcessOutcome& outcome, ToolOutput& output);
  /// Adds to the verdict what the command's own word hides.
  Status Judge(const CheckSpec& check, const sandbox::ProcessOutcome& outcome, CheckVerdict& verdict);

  /// Instead of End, when the verification was stopped in a check: what that check changed is put back.
  Status Stop();
  /// After the last check.
  Status End(ComplianceReport& report, CheckVerdict& policy);

 private:
  bool strict() const { return request_.policy != kPolicyWarn; }
  void Note(Finding finding, bool always_fails);
  Status CompareWithBaseline(ComplianceReport& report);
  /// Puts back what the checks changed, and says so.
  void UndoChanges(ComplianceReport& report);
  /// What the reporter told, and what it did not.
  void JudgeReport(const CheckSpec& check, int exit_code, CheckVerdict& verdict);
  /// A run of node's or Python's own tests that has passed: whether each file told what it holds, and whether there was
  /// anything to tell.
  void JudgePass(const CheckSpec& check, CheckVerdict& verdict);
  Status AddReporter(const CheckSpec& check, const Place& place, sandbox::ProcessSpec& inner,
                     sandbox::SandboxPlan& plan);

  const ComplianceSettings& settings_;
  const Profile& profile_;
  const ComplianceRequest& request_;
  const sandbox::SafeDir& dir_;
  std::optional<TestBaseline> baseline_;
  std::optional<PlantGuard> plants_;
  sandbox::CheckProducts products_;
  ChangedByChecks changes_;
  std::optional<DependencyGuard> dependencies_;
  std::vector<Finding> failing_;         ///< Policy findings that decide.
  std::vector<Finding> recorded_;        ///< Those that the policy "warn" only records.
  std::set<std::string> mount_points_;   ///< Made by bubblewrap in the working directory; removed again.
  Reporter reporter_ = Reporter::kNone;  ///< Of the command that runs.
  bool sandboxed_ = false;
  std::string nonce_;
  ReporterRecord record_;
  std::string limits_kind_;
  int64_t leftover_ = 0;
  int64_t files_examined_ = 0;
  int64_t suppressed_ = 0;
};

}  // namespace wfe::build
