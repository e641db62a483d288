// Which of the project's files a check looked at.  A check that looked at none of them has proved nothing, however it
// ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/build/parsers/findings.h"
#include "activities/build/profile/profile.h"
#include "activities/build/profile/project_facts.h"

namespace wfe::build {

struct Examined {
  bool known = false;              ///< False: the tool does not tell.
  int64_t count = 0;               ///< Of the project's sources (or tests); of all files when no names are told.
  std::vector<std::string> files;  ///< Relative paths as told, sorted; empty when only a count is.
};

/// What the check looked at, from its result (`parsed`), its output (files_pattern), `listed` (what files_argv printed)
/// or `file_list` (the text of files_file).
Examined FilesExamined(const CheckSpec& check, const Profile& profile, const ProjectFacts& facts,
                       const ParsedOutput& parsed, const ToolOutput& output, const std::optional<std::string>& listed,
                       const std::optional<std::string>& file_list);

/// "" when the check looked at some of the files it must look at, or there are none; otherwise one sentence.
std::string LooksAtNone(const CheckSpec& check, const Profile& profile, const ProjectFacts& facts,
                        const Examined& examined);

}  // namespace wfe::build
