// An audited build as its history tells it: what was asked, the steps and their verdicts, where the result is.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activities/build/workspace/workspace.h"
#include "temporal/api/history/v1/message.pb.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"

namespace wfe::cli {

/// One entry of the trace that is a step: an agent's or a verification's.
struct BuildStep {
  std::string name;  ///< scaffold, implement_v1, initial_verification, fix_attempt_1 …
  bool agent = false;
  bool ok = false;      ///< An agent's step that did its work; a verification that passed.
  std::string verdict;  ///< "pass", "fail TEST_FAILURE", an agent's error; empty for an agent's step that worked.
  std::string timestamp;
  std::string entry_id;
  int64_t tokens = 0;
  std::optional<Money> cost_usd;
  std::vector<std::string> files;
  std::string said;                ///< The agent's last words, bounded and redacted.
  std::string snapshot_blob_hash;  ///< The tree after an agent's step.
  std::string commit;              ///< On the build's branch.
};

struct BuildRecord {
  Target target;
  nlohmann::json input = nlohmann::json::object();
  std::string started;
  std::optional<Outcome> outcome;  ///< nullopt: it runs.
  build::OpenWorkspaceReport place;
  bool opened = false;  ///< The workspace was made.
  std::string profile;  ///< Resolved by pre-flight.
  std::string mode;     ///< Resolved: create | change.
  std::string template_id;
  nlohmann::json baseline;          ///< What the first pre-flight saw; null: there was none.
  nlohmann::json protected_hashes;
  std::string context_path;  ///< wfe's own file in the working directory …
  std::string context_hash;  ///< … and its content.
  std::vector<BuildStep> steps;
  std::vector<std::string> notes;  ///< What activities wanted people to know.
  std::string running;             ///< The activity that is open, if any.
  std::vector<std::string> by_exit_code;  ///< Checks of the last verification with no evidence but how they ended.
  std::vector<std::string> findings;      ///< The first of the last verification that failed: "path:line:col CLASS text".
  bool branch_is_gone = false;            ///< The repository is on this machine and has no such branch; see LookForBranch.
  /// The runs that this one goes on with, oldest first.  LoadBuild reads them; ReadBuild cannot.
  std::vector<BuildRecord> earlier;

  /// "passed", "not_passed" …; of a run that closed otherwise its status in small letters; "running".
  std::string Status() const;
  /// It passed, and the agent has changed no file.
  bool NothingChanged() const;
  int64_t Tokens() const;  ///< With those of the builds it continues.
  std::optional<Money> CostUsd() const;
  int FixAttempts() const;
  /// The newest tree: after the last agent's step that was kept.  Empty: none.
  std::string LastSnapshot() const;
  /// Of this run, or what it began with: some step of an agent has ended since the tree before the build.
  bool KeptATree() const;
  std::string WorkingDir() const;
  /// Where the user's project is: the directory that was asked for, or the working directory.
  std::string ProjectDir() const;
};

/// Entries that were offered twice (another host) count once.
BuildRecord ReadBuild(const temporal::api::history::v1::History& history, const Target& target);

/// Looks the build up and reads its history and those of the runs that it goes on with, as far as they are still kept.
/// INVALID_ARGUMENT for a run of another workflow type.
Result<BuildRecord> LoadBuild(Globals& globals, const Target& target);

/// Every run that has the build's id, newest first; with a run id only that one.
Result<std::vector<BuildRecord>> LoadRuns(Globals& globals, const Target& target);

}  // namespace wfe::cli
