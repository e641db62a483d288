#include "activities/build/checks/test_baseline.h"

#include <nlohmann/json.hpp>

#include "activities/build/checks/claim.h"
#include "activities/build/checks/planted_files.h"
#include "activities/sandbox/text.h"
#include "engine/base/hash.h"

namespace wfe::build {
namespace {

using nlohmann::json;

// What goes through the workflow's history stays small: 8,000 files are about 1 MB.
constexpr size_t kMaxFiles = 8'000;
constexpr size_t kMaxBodies = 30'000;

std::string CopyPath(const std::string& path) {
  return std::string(sandbox::kStateDirectory) + "/baseline/tests/" + ToHex(Sha256(path));
}

// JSON holds text only, and names of files are bytes: one that is no UTF-8 is written in hexadecimal behind this mark.
constexpr char kHexMark = '\x01';

std::string NameToJson(const std::string& name) {
  return sandbox::IsUtf8(name) && !name.starts_with(kHexMark) ? name : kHexMark + ToHex(name);
}

/// Throws std::exception for what NameToJson has not written.
std::string NameFromJson(const std::string& text) {
  if (!text.starts_with(kHexMark)) return text;
  std::string name;
  for (size_t i = 1; i < text.size(); i += 2) name += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return name;
}

}  // namespace

std::string MarkKey(const Mark& mark) { return std::string(mark.error_class) + " " + mark.kind; }

Result<TestBaseline> RecordBaseline(const sandbox::SafeDir& dir) {
  WFE_ASSIGN_OR_RETURN(ProjectScan scan, ScanProject(dir));
  TestBaseline baseline;
  baseline.tests = scan.tests;
  baseline.assertions = scan.assertions;
  size_t bodies = 0;
  for (auto& [path, file] : scan.files) {
    if (baseline.files.size() >= kMaxFiles) break;
    TestBaseline::File& kept = baseline.files[path];
    kept.hash = file.hash;
    kept.is_test = file.is_test;
    kept.tests = file.tests;
    for (const Mark& mark : file.marks) ++kept.marks[MarkKey(mark)];
    bodies += file.bodies.size();
    if (bodies <= kMaxBodies) kept.bodies = std::move(file.bodies);
    if (!file.is_test) continue;
    WFE_ASSIGN_OR_RETURN(const std::string content, dir.Read(path));
    WFE_RETURN_IF_ERROR(KeepCopy(dir, path, content));
  }
  WFE_ASSIGN_OR_RETURN(baseline.plants, ListPlants(dir));
  return baseline;
}

Status KeepCopy(const sandbox::SafeDir& dir, const std::string& path, const std::string& content) {
  WFE_ASSIGN_OR_RETURN(const auto entry, dir.Stat(path));
  // With its own bits, so that it can be put back with them.
  return dir.Write(CopyPath(path), content, entry.has_value() ? entry->mode | 0400 : 0600);
}

uint32_t BaselineMode(const sandbox::SafeDir& dir, const std::string& path) {
  const auto copy = dir.Stat(CopyPath(path));
  return copy && copy->has_value() ? (*copy)->mode : 0644;
}

std::string BaselineCopy(const sandbox::SafeDir& dir, const std::string& path, const TestBaseline::File& file,
                         bool* found) {
  auto copy = dir.Read(CopyPath(path));
  *found = copy.has_value() && ShortHash(*copy) == file.hash;
  return *found ? *std::move(copy) : "";
}

json ToJson(const TestBaseline& baseline) {
  json files = json::object();
  for (const auto& [path, file] : baseline.files) {
    json entry = {{"h", file.hash}};
    if (file.is_test) entry["t"] = true;
    if (file.tests > 0) entry["n"] = file.tests;
    if (!file.bodies.empty()) entry["b"] = file.bodies;
    if (!file.marks.empty()) entry["m"] = file.marks;
    files[NameToJson(path)] = std::move(entry);
  }
  json plants = json::object();
  for (const auto& [path, what] : baseline.plants) plants[NameToJson(path)] = what;
  return {{"version", 1},          {"files", std::move(files)}, {"tests", baseline.tests},
          {"assertions", baseline.assertions}, {"ran", baseline.ran},       {"plants", std::move(plants)}};
}

Result<TestBaseline> BaselineFromJson(const json& document) {
  TestBaseline baseline;
  try {
    if (document.value("version", 0) != 1) return FailedPrecondition("the baseline of the tests has another version");
    for (const auto& [path, entry] : document.at("files").items()) {
      TestBaseline::File& file = baseline.files[NameFromJson(path)];
      entry.at("h").get_to(file.hash);
      file.is_test = entry.value("t", false);
      file.tests = entry.value("n", int64_t{0});
      if (entry.contains("b")) entry["b"].get_to(file.bodies);
      if (entry.contains("m")) entry["m"].get_to(file.marks);
    }
    document.at("tests").get_to(baseline.tests);
    document.at("assertions").get_to(baseline.assertions);
    if (document.contains("ran")) document["ran"].get_to(baseline.ran);
    const json plants = document.value("plants", json::object());
    for (const auto& [path, what] : plants.items()) {
      baseline.plants[NameFromJson(path)] = what.get<std::string>();
    }
  } catch (const std::exception&) {
    return FailedPrecondition("the baseline of the tests cannot be read");
  }
  return baseline;
}

}  // namespace wfe::build
