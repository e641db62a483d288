#include "activities/context/rules/profile.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace wfe::context {
namespace {

using agent::StepHooks;

/// The files of one step, with what they weigh.
using FilesOfStep = std::vector<StepFile>;

void ChooseSet(ContextProfile& profile, const ProfileRules& rules) {
  if (profile.steps < rules.min_steps) {
    profile.why = "it takes " + std::to_string(rules.min_steps) + " successful steps, and there are " +
                  std::to_string(profile.steps);
    return;
  }
  double rates = 0;
  for (ProfileFile& file : profile.files) {
    const auto size = static_cast<double>(profile.recommended.size() + 1);
    if (100 * (rates + file.rate) / size < rules.target_percent) break;
    // A file that no step has loaded was made by the step: it cannot be given beforehand.
    if (file.tokens == 0 || profile.set_tokens + file.tokens > rules.max_tokens) continue;
    rates += file.rate;
    file.recommended = true;
    profile.set_tokens += file.tokens;
    profile.recommended.push_back(file.path);
  }
  std::ranges::sort(profile.recommended);
  if (profile.recommended.empty()) profile.why = "no file is accessed often enough";
}

/// The profile's own steps once more, as if they had been given the set.
void TryOnSteps(ContextProfile& profile, const std::vector<FilesOfStep>& steps) {
  const std::set<std::string> set(profile.recommended.begin(), profile.recommended.end());
  int64_t given = 0;
  int64_t used = 0;
  for (const FilesOfStep& step : steps) {
    profile.expected_tokens += profile.set_tokens;
    given += static_cast<int64_t>(set.size());
    for (const StepFile& file : step) {
      if (file.loaded) profile.loaded_tokens += file.tokens;
      if (!file.accessed) continue;
      if (set.contains(file.path)) {
        ++used;
      } else if (file.loaded) {
        profile.expected_tokens += file.tokens;
        ++given;
        ++used;
      }
    }
  }
  if (set.empty()) {
    profile.expected_tokens = 0;
    return;
  }
  profile.expected_percent = EfficiencyOf(used, given);
  if (profile.loaded_tokens > 0) {
    profile.saving_percent = 100 * (1 - static_cast<double>(profile.expected_tokens) /
                                            static_cast<double>(profile.loaded_tokens));
  }
}

ContextProfile MakeProfile(const std::vector<const StepHooks*>& steps, const ProfileRules& rules) {
  ContextProfile profile{.category = steps.front()->category, .project = steps.front()->project};
  std::map<std::string, ProfileFile> files;
  std::vector<FilesOfStep> of_steps;
  const size_t from = steps.size() > rules.window ? steps.size() - rules.window : 0;
  for (size_t i = from; i < steps.size(); ++i) {
    FilesOfStep of_step = FilesOf(*steps[i]);
    for (const StepFile& file : of_step) {
      ProfileFile& row = files[file.path];
      row.path = file.path;
      if (file.accessed) ++row.accessed;
      if (!file.loaded) continue;
      ++row.loads;
      row.tokens = file.tokens;
      ++profile.loaded;
      if (file.accessed) ++profile.accessed;
    }
    of_steps.push_back(std::move(of_step));
  }
  profile.steps = static_cast<int64_t>(of_steps.size());
  profile.percent = EfficiencyOf(profile.accessed, profile.loaded);
  for (auto& [path, file] : files) {
    file.rate = static_cast<double>(file.accessed) / static_cast<double>(profile.steps);
    profile.files.push_back(std::move(file));
  }
  std::ranges::stable_sort(profile.files, std::ranges::greater(), &ProfileFile::accessed);
  ChooseSet(profile, rules);
  TryOnSteps(profile, of_steps);
  return profile;
}

}  // namespace

std::vector<ContextProfile> ProfilesOf(const std::vector<StepHooks>& steps, const ProfileRules& rules) {
  std::map<std::string, const StepHooks*> once;
  for (const StepHooks& step : steps) {
    if (step.success) once.emplace(step.id, &step);
  }
  std::map<std::pair<std::string, std::string>, std::vector<const StepHooks*>> groups;
  for (const auto& [id, step] : once) groups[{step->category, step->project}].push_back(step);
  std::vector<ContextProfile> profiles;
  for (auto& [key, group] : groups) {
    std::ranges::sort(group, [](const StepHooks* a, const StepHooks* b) {
      return std::pair(a->at, a->id) < std::pair(b->at, b->id);
    });
    profiles.push_back(MakeProfile(group, rules));
  }
  return profiles;
}

}  // namespace wfe::context
