// Which files a kind of task usually needs, and the set that is worth giving to its next steps unasked (CE-5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/context/rules/efficiency.h"

namespace wfe::context {

struct ProfileRules {
  int64_t min_steps = 5;        ///< Successful steps before anything is recommended.
  double target_percent = kTargetPercent;
  int64_t max_tokens = 100'000;  ///< Of the recommended set.
  size_t window = 200;           ///< Of the latest steps.
};

struct ProfileFile {
  std::string path;
  int64_t accessed = 0;  ///< Steps that accessed it.
  double rate = 0;       ///< Of all steps of the profile.
  int64_t loads = 0;     ///< Steps whose conversation had it.
  int64_t tokens = 0;    ///< Of one load, the last one known; 0: it was never loaded.
  bool recommended = false;
};
WFE_RECORD(ProfileFile, path, accessed, rate, loads, tokens, recommended);

/// Of one category in one project.
struct ContextProfile {
  std::string category;
  std::string project;
  int64_t steps = 0;
  int64_t loaded = 0;  ///< Sum over the steps, as the next two.
  int64_t accessed = 0;
  std::optional<double> percent;  ///< Efficiency as it was.
  std::vector<ProfileFile> files;  ///< What is accessed most often first.

  /// The recommended set: empty when there is none, and then `why` says why not.
  std::vector<std::string> recommended;
  std::string why;
  int64_t set_tokens = 0;
  std::optional<double> expected_percent;  ///< Efficiency if the steps of this profile had been given the set.
  /// Tokens of one load of each file, summed over the steps: as they were loaded, and with the set (where a file outside
  /// of the set that was accessed is read by the agent itself).
  int64_t loaded_tokens = 0;
  int64_t expected_tokens = 0;
  double saving_percent = 0;  ///< Of `loaded_tokens`; below 0 where the set would cost more than it saves.
};
WFE_RECORD(ContextProfile, category, project, steps, loaded, accessed, percent, files, recommended, why, set_tokens,
           expected_percent, loaded_tokens, expected_tokens, saving_percent);
constexpr RecordRules RulesOf(const ContextProfile*) { return {.seldom = "why"}; }

/// One profile for each category and project, by category.  Only successful steps count: what a step that failed read
/// says little of what the work needs.
///
/// The set: files in the order of how often they are accessed, as long as the mean of their rates (the efficiency to be
/// expected of giving them) stays at the target or above, and they fit into the tokens.
std::vector<ContextProfile> ProfilesOf(const std::vector<agent::StepHooks>& steps, const ProfileRules& rules = {});

}  // namespace wfe::context
