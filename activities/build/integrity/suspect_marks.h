// What a file holds that weakens the examination beyond its own tests: mocks of the subject, code where no checker
// looks, scripts that always succeed, sources that ask whether they are being tested.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activities/build/integrity/test_scan.h"

namespace wfe::build {

/// `files`: all paths of the project.  `checks_javascript`: its TypeScript compiler looks at .js files too.
struct ProjectView {
  std::set<std::string> files;
  bool typescript = false;
  bool checks_javascript = true;
};

std::vector<Mark> ScanSubjectMocks(std::string_view path, const SourceText& text, const ProjectView& project);
std::vector<Mark> ScanUnexaminedImports(std::string_view path, const SourceText& text, const ProjectView& project);
/// In a source that is no test.
std::vector<Mark> ScanTestDetection(const SourceText& text);
/// In a source that is no test: it puts something else in the place of the runner's own functions.  (Files that set tests up
/// may: `global.expect = chai.expect`.)
std::vector<Mark> ScanReplacedRunner(const SourceText& text);
/// package.json, CMakeLists.txt, Makefile: a step that is meant to check and cannot fail.
std::vector<Mark> ScanBuildFile(std::string_view path, const std::string& raw);
bool IsBuildFile(std::string_view path);

}  // namespace wfe::build
