// A profile as one project gets it: the checks whose conditions hold there, its way of installing, or the commands that
// a person named instead; and which profile a project asks for when nobody names one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "activities/build/profile/profile.h"
#include "activities/build/profile/project_facts.h"

namespace wfe::build {

struct ResolvedProfile {
  Profile profile;                              ///< `checks` and `dependencies` are the project's.
  std::map<std::string, std::string> left_out;  ///< Check id → why this project does not get it.
  std::string detection;                        ///< Why this profile, one sentence; "" when it was named.
};

/// `name` "" means detect.  `commands`: replace the profile's checks; with them a project that no profile fits gets the
/// profile "commands", which has nothing of its own.  NOT_FOUND, FAILED_PRECONDITION: one sentence with what to say.
Result<ResolvedProfile> ResolveProfile(const std::vector<std::string>& directories, const std::string& name,
                                       const ProjectFacts& facts, const std::vector<std::string>& commands,
                                       Duration command_timeout = std::chrono::minutes(10));

/// The name of the profile that fits best.  NOT_FOUND when none does, FAILED_PRECONDITION when several do equally.
struct Detected {
  std::string profile;
  std::string evidence;
};
Result<Detected> DetectProfile(const std::vector<std::string>& directories, const ProjectFacts& facts);

/// Makes `profile.dependencies` the project's choice; nothing when none of the profile's fits.
void ChooseDependencies(const ProjectFacts& facts, Profile& profile);

/// The GEMINI.md template for "create" or "change"; a profile that names none gets the general one.
std::string TemplateFor(const Profile& profile, const std::string& mode);

/// As people read it: the person's own words, or the arguments joined.
std::string ShownCommand(const CheckSpec& check);

/// A command as a person types it, as a check: split at blanks, through `sh -c` when it has characters of the shell.
/// `index` from 1 makes the id when the command gives none.  INVALID_ARGUMENT for an empty one.
Result<CheckSpec> CheckFromCommand(const std::string& command, size_t index);

}  // namespace wfe::build
