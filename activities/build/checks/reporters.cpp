#include "activities/build/checks/reporters.h"

#include <re2/re2.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "activities/build/checks/embedded_reporters.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/toolchain.h"
#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

std::string FileOf(Reporter reporter) {
  switch (reporter) {
    case Reporter::kJest:
      return "jest_reporter.cjs";
    case Reporter::kVitest:
      return "vitest_reporter.mjs";
    case Reporter::kNode:
      return "node_reporter.mjs";
    case Reporter::kUnittest:
      return "wfe_unittest.py";
    case Reporter::kPytest:
      return "wfe_pytest.py";
    case Reporter::kNone:
      break;
  }
  return "";
}

/// 20012 for the 20.12.1 that `program` means; 0: it does not say.
int NodeVersion(const std::string& program, const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, int> known;
  const sandbox::ToolLocation location = sandbox::LocateTool(program, path);
  const std::lock_guard lock(mutex);
  const auto found = known.find(location.program);
  if (location.program.empty() || found != known.end()) return location.program.empty() ? 0 : found->second;
  sandbox::ProcessSpec spec;
  spec.argv = {location.start_as, "--version"};
  spec.environment = {{"PATH", location.PathFor(path)}, {"LANG", "C.UTF-8"}, {"HOME", "/nonexistent"}};
  spec.limits.wall_clock = std::chrono::seconds(30);
  spec.limits.max_output_bytes = 4096;
  int major = 0;
  int minor = 0;
  RE2::PartialMatch(sandbox::RunProcess(spec).out.text, "v(\\d+)\\.(\\d+)\\.", &major, &minor);
  return known[location.program] = major * 1000 + std::min(minor, 999);
}

/// Whether a run of `node --test` says enough to a reporter: 18.19, 20.12, and from 22 on.  Others take no reporter, or
/// do not tell it which file an event is of; and before 22, --test-force-exit ends the runner before its reporters have
/// read all.
bool NodeTellsReporters(const std::vector<std::string>& argv, const std::string& path) {
  const int version = NodeVersion(argv[0], path);
  if (version >= 22'000) return true;
  if (std::find(argv.begin(), argv.end(), "--test-force-exit") != argv.end()) return false;
  return (version >= 20'012 && version < 21'000) || (version >= 18'019 && version < 19'000);
}

/// How often the option `name` stands among `words`, as `name=value` or `name value`.
size_t TimesGiven(const std::vector<std::string>& words, const std::string& name) {
  return static_cast<size_t>(std::count_if(words.begin(), words.end(), [&](const std::string& word) {
    return word == name || word.starts_with(name + "=");
  }));
}

/// node writes each reporter to a destination of its own, in the order in which both are named; one reporter without a
/// destination writes to stdout, and with no reporter at all there is a usual one.
void AttachNodeReporter(const std::string& file, sandbox::ProcessSpec& spec) {
  std::vector<std::string> inherited;
  for (const auto& [key, value] : spec.environment) {
    if (key != "NODE_OPTIONS") continue;
    std::istringstream words(value);
    for (std::string word; words >> word;) inherited.push_back(word);
  }
  const std::string reporter = "--test-reporter";
  const std::string destination = "--test-reporter-destination";
  const size_t before = TimesGiven(inherited, reporter);
  const size_t reporters = before + TimesGiven(spec.argv, reporter);
  const size_t destinations = TimesGiven(inherited, destination) + TimesGiven(spec.argv, destination);
  // Ours stands behind those of the environment and before those of the command.  It prints nothing.
  std::vector<std::string> ours = {reporter + "=" + file};
  if (destinations == 0 && before == 1 && reporters == 1) ours.push_back(destination + "=stdout");
  ours.push_back(destination + "=stderr");
  if (reporters == 0) ours.push_back(reporter + "=spec");
  if (destinations == 0 && before == 0 && reporters <= 1) ours.push_back(destination + "=stdout");
  spec.argv.insert(spec.argv.begin() + 1, ours.begin(), ours.end());
}

/// Beside the usual reporter, unless the command names another: one that is named takes its place.
void AttachVitestReporter(const std::string& file, sandbox::ProcessSpec& spec) {
  if (TimesGiven(spec.argv, "--reporter") == 0) spec.argv.emplace_back("--reporter=default");
  spec.argv.push_back("--reporter=" + file);
}

void AttachPythonReporter(Reporter reporter, const std::string& directory, sandbox::ProcessSpec& spec) {
  size_t behind = 1;
  if (const size_t at = PythonModuleAt(spec.argv); at > 0) {
    // As a file in the place of `-m NAME`: a module of the project would be found first.
    spec.argv[at] = directory + "/" + FileOf(reporter);
    spec.argv.erase(spec.argv.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    behind = at + 1;
  }
  if (reporter != Reporter::kPytest) return;
  spec.argv.insert(spec.argv.begin() + static_cast<std::ptrdiff_t>(behind), {"-p", "wfe_pytest"});
  if (behind > 1) return;
  for (auto& [key, value] : spec.environment) {
    if (key != "PYTHONPATH") continue;
    value = directory + ":" + value;
    return;
  }
  spec.environment.emplace_back("PYTHONPATH", directory);
}

void ReadSuites(const json& end, ReporterRecord& record) {
  const auto suites = end.value("suites", int64_t{0});
  const auto expected = end.value("expected", int64_t{0});
  if (suites < expected) {
    record.problem =
        "only " + std::to_string(suites) + " of " + std::to_string(expected) + " test files reported a result";
  }
  const json result = ParseJson(record.result.value_or(""));
  if (!result.is_object()) return;
  record.total = result.value("numTotalTests", int64_t{0});
  record.failed = result.value("numFailedTests", int64_t{0}) + result.value("numRuntimeErrorTestSuites", int64_t{0});
  record.skipped = result.value("numPendingTests", int64_t{0}) + result.value("numTodoTests", int64_t{0});
}

void ReadNodeFiles(const json& end, ReporterRecord& record) {
  int64_t told = 0;
  for (const json& report : end.value("reports", json::array())) {
    UnendedFile file{.path = report.value("file", ""),
                     .tests = report.value("tests", int64_t{0}),
                     .begun = report.value("begun", int64_t{0}),
                     .done = report.value("done", int64_t{0})};
    told += file.tests;
    if (!report.value("ended", false)) record.unended.push_back(std::move(file));
  }
  if (record.failed == 0 && told > record.total) {
    record.problem = "the test files reported " + std::to_string(told) + " tests, and the runner " +
                     std::to_string(record.total);
  }
}

/// What pytest and unittest have in common.
void ReadPythonTests(const json& end, ReporterRecord& record) {
  const auto collected = end.value("collected", int64_t{0});
  if (const json forged = end.value("forged", json::array()); !forged.empty()) {
    record.problem = "a hook turned the failure of " + forged.front().get<std::string>() + " into a pass";
  } else if (const json replaced = end.value("replaced", json::array()); !replaced.empty()) {
    record.problem = "the code under test replaced " + replaced.front().get<std::string>() + " of unittest";
  } else if (end.value("unfinished", int64_t{0}) > 0) {
    record.problem = std::to_string(end.value("unfinished", int64_t{0})) + " tests began and did not end";
  } else if (record.failed == 0 && end.value("exit", 1) == 0 && record.total < collected) {
    record.problem =
        "only " + std::to_string(record.total) + " of " + std::to_string(collected) + " collected tests ran";
  }
}

void ReadEnd(Reporter reporter, const json& end, ReporterRecord& record) {
  if (reporter == Reporter::kJest || reporter == Reporter::kVitest) return ReadSuites(end, record);
  record.total = end.value("total", int64_t{0});
  record.failed = end.value("failed", int64_t{0});
  record.skipped = end.value("skipped", int64_t{0});
  if (reporter == Reporter::kNode) return ReadNodeFiles(end, record);
  ReadPythonTests(end, record);
}

}  // namespace

Reporter ReporterOf(const CheckSpec& check, const std::string& path) {
  const Reporter reporter = ReporterFor(check.argv);
  return reporter == Reporter::kNode && !NodeTellsReporters(check.argv, path) ? Reporter::kNone : reporter;
}

std::string_view EvidenceOf(const CheckSpec& check, const std::string& path) {
  if (ReporterOf(check, path) != Reporter::kNone) return kEvidenceReporter;
  return check.output_file.empty() ? kEvidenceExitCode : kEvidenceFile;
}

Result<std::string> PlaceReporters(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return Internal("cannot make " + directory);
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory, {.reserved = {}}));
  // Every time: without a sandbox the last run's code could have changed them.
  for (const EmbeddedReporter& file : EmbeddedReporters()) {
    const auto present = dir.Read(file.name);
    if (present && *present == file.content) continue;
    WFE_RETURN_IF_ERROR(dir.Write(file.name, file.content, 0444));
  }
  return directory;
}

void AttachReporter(Reporter reporter, const std::string& directory, int major_version, sandbox::ProcessSpec& spec) {
  const auto add = [&](std::string argument) { spec.argv.push_back(std::move(argument)); };
  switch (reporter) {
    case Reporter::kNone:
      return;
    case Reporter::kJest:
      add("--reporters=default");
      add("--reporters=" + directory + "/" + FileOf(reporter));
      // Only this makes jest run tests in processes of their own, however few and fast they are.
      if (major_version >= 29) add("--workerIdleMemoryLimit=1GB");
      return;
    case Reporter::kVitest:
      return AttachVitestReporter(directory + "/" + FileOf(reporter), spec);
    case Reporter::kNode:
      return AttachNodeReporter(directory + "/" + FileOf(reporter), spec);
    case Reporter::kUnittest:
    case Reporter::kPytest:
      return AttachPythonReporter(reporter, directory, spec);
  }
}

std::string NewNonce() {
  char bytes[32];
  WFE_CHECK(::getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
  return ToHex(std::string_view(bytes, sizeof bytes));
}

ReporterRecord ReadReporter(Reporter reporter, std::string_view channel, const std::string& nonce) {
  ReporterRecord record;
  while (!channel.empty()) {
    const size_t newline = channel.find('\n');
    const std::string_view line = channel.substr(0, newline);
    channel.remove_prefix(newline == std::string_view::npos ? channel.size() : newline + 1);
    // The sandbox's own word; who forges it can only add to it.
    if (line.starts_with("leftover ")) {
      record.leftover = std::max<int64_t>(record.leftover, std::atoll(std::string(line.substr(9)).c_str()));
      continue;
    }
    if (!line.starts_with(nonce + " ") || newline == std::string_view::npos) {
      record.forged = true;
      continue;
    }
    std::string_view rest = line.substr(nonce.size() + 1);
    const std::string_view kind = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), kind.size() + 1));
    if (record.ended || (kind == "result" && record.result.has_value())) {
      record.forged = true;
    } else if (kind == "result") {
      record.result = std::string(rest);
    } else if (kind == "end") {
      const json end = ParseJson(rest);
      record.ended = end.is_object();
      try {
        if (record.ended) ReadEnd(reporter, end, record);
      } catch (const json::exception&) {
        record.forged = true;
      }
    }
  }
  return record;
}

}  // namespace wfe::build
