// tsc with project references ("files": [] and "references" in tsconfig.json, as starters of today have it): the plain
// command looks at no file of the project and succeeds, so the referenced projects are examined one by one.
#pragma once

#include <string>
#include <vector>

#include "activities/build/profile/project_facts.h"

namespace wfe::build {

/// The commands to run in place of `argv`: `argv` itself for a project without references, one with "-p CONFIG" for each
/// referenced project, or one "-b" when these refer to one another, because then each needs the other's declarations.
/// `listing`: `argv` only lists files, so it never needs "-b".
std::vector<std::vector<std::string>> TscCommands(const ProjectFacts& facts, const std::vector<std::string>& argv,
                                                  bool listing);

/// JSON with comments and trailing commas, as tsconfig.json may be; a null value when it is none.
nlohmann::json ParseJsonWithComments(const std::string& text);

}  // namespace wfe::build
