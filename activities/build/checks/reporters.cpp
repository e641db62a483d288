#include "activities/build/checks/reporters.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "activities/build/checks/embedded_reporters.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string FileOf(Reporter reporter) {
  return reporter == Reporter::kJest ? "jest_reporter.cjs" : "vitest_reporter.mjs";
}

void ReadEnd(Reporter reporter, const json& end, ReporterRecord& record) {
  if (reporter != Reporter::kPytest) {
    if (end.value("suites", int64_t{0}) < end.value("expected", int64_t{0})) {
      record.problem = "only " + std::to_string(end.value("suites", int64_t{0})) + " of " +
                       std::to_string(end.value("expected", int64_t{0})) + " test files reported a result";
    }
    return;
  }
  record.total = end.value("total", int64_t{0});
  record.failed = end.value("failed", int64_t{0});
  record.skipped = end.value("skipped", int64_t{0});
  if (const json forged = end.value("forged", json::array()); !forged.empty()) {
    record.problem = "a hook turned the failure of " + forged.front().get<std::string>() + " into a pass";
  } else if (end.value("unfinished", int64_t{0}) > 0) {
    record.problem = std::to_string(end.value("unfinished", int64_t{0})) + " tests began and did not end";
  } else if (record.failed == 0 && end.value("exit", 1) == 0 && record.total < end.value("collected", int64_t{0})) {
    record.problem = "only " + std::to_string(record.total) + " of " +
                     std::to_string(end.value("collected", int64_t{0})) + " collected tests ran";
  }
}

}  // namespace

Reporter ReporterFor(const std::vector<std::string>& argv) {
  if (argv.empty()) return Reporter::kNone;
  const std::string name = NameOf(argv[0]);
  if (name == "jest") return Reporter::kJest;
  if (name == "vitest") return Reporter::kVitest;
  if (name == "pytest" || name == "py.test") return Reporter::kPytest;
  if ((name.starts_with("python") || name == "$PYTHON") && argv.size() > 2 && argv[1] == "-m" && argv[2] == "pytest")
    return Reporter::kPytest;
  return Reporter::kNone;
}

Reporter ReporterOf(const CheckSpec& check) {
  const Reporter reporter = ReporterFor(check.argv);
  // The report of jest and vitest takes the place of a file; a check that reads no file has no use for it.
  return check.output_file.empty() && reporter != Reporter::kPytest ? Reporter::kNone : reporter;
}

std::string_view EvidenceOf(const CheckSpec& check) {
  if (ReporterOf(check) != Reporter::kNone) return kEvidenceReporter;
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
      add("--reporter=" + directory + "/" + FileOf(reporter));
      return;
    case Reporter::kPytest: {
      // Behind `-m pytest`, before any path.
      const auto at = std::find(spec.argv.begin(), spec.argv.end(), "pytest");
      const auto behind = at == spec.argv.end() ? spec.argv.begin() + 1 : at + 1;
      spec.argv.insert(behind, {"-p", "wfe_pytest"});
      for (auto& [key, value] : spec.environment) {
        if (key != "PYTHONPATH") continue;
        value = directory + ":" + value;
        return;
      }
      spec.environment.emplace_back("PYTHONPATH", directory);
      return;
    }
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
