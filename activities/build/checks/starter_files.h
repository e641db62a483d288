// A new project or an existing one, and the files that only a new one is given (RW-D3): nothing of wfe's is put beside a
// user's own configuration.
#pragma once

#include <string>
#include <vector>

#include "activities/build/profile/profile.h"
#include "activities/build/profile/project_facts.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/result.h"

namespace wfe::build {

struct ModeRequest {
  std::string mode;            ///< auto | create | change.
  bool profile_named = false;  ///< A person named the profile; an existing project may only be told by its files.
  bool again = false;          ///< This run was here before: what stands here may be what it wrote.
};

/// "create" or "change".  FAILED_PRECONDITION when "create" was asked for where a project stands, INVALID_ARGUMENT for
/// another word.
///   auto: "create" in an empty directory; when the profile was named also beside loose files (no manifest of any kind)
///   and beside a manifest that stands alone, with nothing to examine yet.
Result<std::string> ResolveMode(const ModeRequest& request, const Profile& profile, const ProjectFacts& facts,
                                const sandbox::SafeDir& dir);

/// Those of the profile's starter files that a new project lacks.  A file of the same kind that is there already
/// (jest.config.js for our jest.config.cjs) keeps ours away.
std::vector<const StarterFile*> MissingStarterFiles(const Profile& profile, const ProjectFacts& facts);

}  // namespace wfe::build
