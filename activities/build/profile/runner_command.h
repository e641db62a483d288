// Which test runner a command starts, and how a check whose command hides one (`npm test`, `sh -c`) starts it itself,
// so that a reporter of ours can sit in it (reporters.h, SEC-H8).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "activities/build/profile/profile.h"
#include "activities/build/profile/project_facts.h"

namespace wfe::build {

/// The reporters there are, by the runner they sit in.
enum class Reporter { kNone, kJest, kVitest, kPytest, kNode, kUnittest };

/// The reporter for a command, by its program: jest, vitest, pytest, `python -m pytest`, `python -m unittest`,
/// `node --test`.  Through another program (`npx jest`, `tsx --test`) the socket does not reach the runner, so there is
/// none.
Reporter ReporterFor(const std::vector<std::string>& argv);

/// Where `-m` stands in a command of Python's interpreter; 0: it starts no module.
size_t PythonModuleAt(const std::vector<std::string>& argv);

/// The words of `command` as sh takes them, with `*` and `?` filled in from the project's files.  nullopt: it needs a
/// shell (a variable, a pipe, an assignment, ...).
std::optional<std::vector<std::string>> PlainWords(const std::string& command, const ProjectFacts& facts);

/// `npm test`, `npm run NAME`, and what a person named in words of the shell: when that is one plain command that
/// starts a runner with a reporter, the check becomes that command, with what npm would have put into its environment.
/// Anything else stays as it is, and so does a script with a `pre` or `post` of its own.
void StartRunnerItself(const ProjectFacts& facts, CheckSpec& check);

}  // namespace wfe::build
