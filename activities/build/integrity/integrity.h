// Compares a project with its baseline before the checks run: what the agent did to the tests and to what examines them
// (SEC-H8).  Each way to weaken an examination is a class of its own; docs/verdict.md says what each means.
#pragma once

#include <string>
#include <vector>

#include "activities/build/checks/test_baseline.h"
#include "activities/build/parsers/findings.h"

namespace wfe::build {

struct IntegrityCheck {
  std::vector<Finding> findings;
  std::vector<std::string> changed;   ///< Tests that stood there before and are not what they were; sorted.
  std::vector<std::string> restored;  ///< Those put back.
  ProjectScan scan;                   ///< The project as it is after that.
};

/// `put_back`: changed tests become what they were (policy "strict").  `baseline` takes over renamed files, and the most
/// tests and assertions seen so far.
Result<IntegrityCheck> CheckIntegrity(const sandbox::SafeDir& dir, TestBaseline& baseline, bool put_back);

/// The new text keeps every test and every other line of the old one and only adds to them.
bool OnlyAdds(Language language, const std::string& path, const std::string& before, const std::string& after);

}  // namespace wfe::build
