// From how a command ended to what that means: the one place that decides pass or fail.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/build/checks/compliance.h"
#include "activities/build/parsers/findings.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::build {

/// One check's part of the report, and its findings for the log.
struct CheckVerdict {
  CheckReport report;
  std::vector<Finding> findings;
  ParsedOutput parsed;                      ///< What the parser read, its findings moved away.
  std::vector<std::string> examined_files;  ///< Files it looked at, relative, sorted; empty when it names none.
  bool could_not_load = false;              ///< The tool's configuration could not be loaded.
};

/// Order of the rules: could not start → MISSING_TOOL; our time limit → TIMEOUT_<ID>; a signal, the tool's own "could
/// not run" code or an unreadable result → COMMAND_FAILED_<DETAIL>; findings → their classes; too few tests →
/// <CLASS>_NO_TESTS; any other code that is not in ok_exit → COMMAND_FAILED.  Only what passes every rule is a pass.
/// `outcome` is not kCancelled.  `sandboxed`: bubblewrap reports a signal as 128 + its number.
CheckVerdict Classify(const CheckSpec& check, const sandbox::ProcessOutcome& outcome, const ToolOutput& output,
                      bool sandboxed);

/// The headline of a failing check: the one class all findings share, otherwise the base they share, otherwise the
/// first.
std::string Headline(const std::vector<Finding>& findings, const std::string& base);

}  // namespace wfe::build
