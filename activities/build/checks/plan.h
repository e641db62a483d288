// What a build would do in a directory, before anything is written or money is spent: which profile fits and why, which
// commands would run, where the dependencies come from, which tools are there.  Reads, starts `--version`s, writes
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "activities/build/checks/register.h"
#include "engine/base/record.h"
#include "engine/base/result.h"

namespace wfe::build {

struct PlannedCheck {
  std::string id;
  std::string command;          ///< As it would be attempted, arguments joined for reading.
  std::string examines;         ///< "sources" | "tests" | "": which files its result is compared with.
  int64_t timeout_s = 0;
  std::string program;          ///< The real program behind it; "" when it comes with the dependencies.
  std::string program_problem;  ///< Why it would not start; "" when it would, or when only installing can tell.
  std::string evidence;         ///< What its result would rest on (reporters.h).
};
WFE_RECORD(PlannedCheck, id, command, examines, timeout_s, program, program_problem, evidence);

struct BuildPlan {
  std::string directory;  ///< With links resolved.
  std::string profile;
  std::string detection;    ///< Why this profile, one sentence; "" when it was named.
  std::string mode;         ///< "create" | "change".
  std::string template_id;
  std::vector<PlannedCheck> checks;
  std::map<std::string, std::string> left_out;  ///< Check id → why this project does not get it.
  std::string dependencies;                     ///< One sentence: from where, by which command, or why none.
  std::map<std::string, std::string> tools;     ///< Tool → version as printed.
  std::vector<std::string> starter_files;       ///< Would be written (mode "create").
  int64_t source_files = 0;                     ///< Of the profile's `sources`, git-ignored ones left out.
  int64_t test_files = 0;
  std::string sandbox;                ///< "bwrap" | "none".
  std::string sandbox_reason;         ///< Why "none".
  std::vector<std::string> problems;  ///< Sentences that would end the build in its pre-flight; empty: it can start.
};
WFE_RECORD(BuildPlan, directory, profile, detection, mode, template_id, checks, left_out, dependencies, tools,
           starter_files, source_files, test_files, sandbox, sandbox_reason, problems);

/// `profile` "": detected.  `checks`: commands that replace the profile's.  `mode`: auto | create | change.
/// An error when the directory or the profile cannot be read, or when nothing fits: one sentence with what to say.
Result<BuildPlan> PlanChecks(const ComplianceConfig& config, const std::string& directory, const std::string& profile,
                             const std::vector<std::string>& checks, const std::string& mode = "auto");

}  // namespace wfe::build
