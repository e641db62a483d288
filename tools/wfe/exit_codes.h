// What `wfe` returns to the shell.  Stable: scripts rely on the numbers; docs/cli.md lists them.
#pragma once

namespace wfe::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,           ///< The thing asked for failed: a workflow failed, a call was refused.
  kExitUsage = 2,            ///< Wrong options, malformed input or configuration, a run whose input is none.
  kExitUnreachable = 3,      ///< No server answers at the address.
  kExitNotFound = 4,         ///< No such workflow, run, file or directory, or the run to be changed has ended.
  kExitNotPassed = 5,        ///< A build is `not_passed`, a generation `failed`, a document without result, a gap.
  kExitBudgetExhausted = 6,  ///< … as `budget_exhausted`.
  kExitAborted = 7,          ///< … as `aborted`.
  kExitAgentError = 8,       ///< … as `agent_error`.
  kExitCanceled = 9,         ///< The workflow was cancelled.
  kExitTerminated = 10,      ///< The workflow was terminated.
  kExitTimedOut = 11,        ///< The workflow timed out, or --timeout passed.
  kExitProblemsFound = 12,   ///< A check found problems: audit validate, history lint, verify, replay.
  kExitStore = 13,           ///< The store is locked, damaged or of another version.
  kExitAddressInUse = 14,    ///< The server cannot listen where it was told to.
  kExitDiskRefused = 74,     ///< The server's disk refused a write, or the output of a command could not be written.
  kExitInterrupted = 130,    ///< Stopped by a signal before it was done.
};

}  // namespace wfe::cli
