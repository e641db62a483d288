// The tests that stood there before the agent's first step, and how much weakened the examination then.
// Recorded at pre-flight, handed through the workflow as JSON, compared at every verification (SEC-H8).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "activities/build/integrity/project_scan.h"

namespace wfe::build {

struct TestBaseline {
  struct File {
    std::string hash;
    bool is_test = false;
    int64_t tests = 0;
    std::vector<std::string> bodies;
    std::map<std::string, int64_t> marks;  ///< "CLASS kind" → how often.
  };
  std::map<std::string, File> files;
  int64_t tests = 0;  ///< The most that a verification has seen so far.
  int64_t assertions = 0;
  std::map<std::string, int64_t> ran;        ///< Check → most tests that it ran so far.
  std::map<std::string, std::string> plants; ///< What stands there of the names that planted files have.
};

/// The project as it is; copies of its test files go below .wfe, to be put back.  `dir` reserves nothing.
Result<TestBaseline> RecordBaseline(const sandbox::SafeDir& dir);

/// Keeps the content of a test file below .wfe, to be put back.
Status KeepCopy(const sandbox::SafeDir& dir, const std::string& path, const std::string& content);

/// The permission bits of that copy, which are those of the file.
uint32_t BaselineMode(const sandbox::SafeDir& dir, const std::string& path);

/// The copy of a test file, when it is there and is what the baseline saw.
std::string BaselineCopy(const sandbox::SafeDir& dir, const std::string& path, const TestBaseline::File& file,
                         bool* found);

nlohmann::json ToJson(const TestBaseline& baseline);
/// FAILED_PRECONDITION when it is not what ToJson has written.
Result<TestBaseline> BaselineFromJson(const nlohmann::json& json);

std::string MarkKey(const Mark& mark);

}  // namespace wfe::build
