// Our own reporters inside the test runners: what ran and how it ended comes over a socket whose other end this process
// holds, not through a file that code under test can write (SEC-H8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/build/checks/node_files.h"
#include "activities/build/profile/profile.h"
#include "activities/build/profile/runner_command.h"
#include "activities/sandbox/process_runner.h"
#include "engine/base/result.h"

namespace wfe::build {

/// Of a check; `path`: the PATH in which the worker finds its programs.  A node before 18.19 or 20.12, or of
/// the odd line 21, does not tell a reporter enough: none.
Reporter ReporterOf(const CheckSpec& check, const std::string& path);

// What the result of a check rests on: our reporter inside the runner, a file that the tool wrote, or nothing more than
// how the command ended, which a program that ends itself with 0 decides alone.
inline constexpr std::string_view kEvidenceReporter = "reporter";
inline constexpr std::string_view kEvidenceFile = "file";
inline constexpr std::string_view kEvidenceExitCode = "exit_code";
std::string_view EvidenceOf(const CheckSpec& check, const std::string& path);

/// Where the reporters are shown inside the sandbox.
inline constexpr std::string_view kSandboxReporterDir = "/wfe";

/// Writes the reporters below `directory` (which it makes, 0700) and returns it.
Result<std::string> PlaceReporters(const std::string& directory);

/// Adds the reporter to a command.  `directory`: as the command sees it.  `major_version` of jest, 0: unknown.
void AttachReporter(Reporter reporter, const std::string& directory, int major_version, sandbox::ProcessSpec& spec);

/// 32 random bytes in hex.
std::string NewNonce();

/// What came through the socket.
struct ReporterRecord {
  bool forged = false;                ///< Something that does not know the nonce wrote there.
  bool ended = false;                 ///< The end mark is there, and nothing behind it.
  std::optional<std::string> result;  ///< The report in jest's shape (jest, vitest).
  int64_t leftover = 0;               ///< Processes that were left behind in the sandbox.
  int64_t total = 0;                  ///< Tests that ran or were skipped.
  int64_t failed = 0;
  int64_t skipped = 0;
  std::string problem;  ///< A contradiction in what was reported, in words; "" for none.
  std::vector<UnendedFile> unended;  ///< node: files whose process did not say that its tests had ended.
};
ReporterRecord ReadReporter(Reporter reporter, std::string_view channel, const std::string& nonce);

}  // namespace wfe::build
