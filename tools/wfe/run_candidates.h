// `wfe run --candidates N`: one task, several answers at once, a judge between them (CW-7).
#pragma once

#include <cstdint>
#include <string>

#include "tools/wfe/batch_job.h"
#include "workflows/packaged/debate.h"

namespace wfe::cli {

struct CandidatesOptions {
  int64_t candidates = 1;  ///< One: no judge is asked, and nothing of this is used.
  int64_t rounds = 0;
};
void AddCandidatesOptions(CLI::App& command, CandidatesOptions& options);

/// `task` is its question and its text the material.  Returns the exit code.
Result<int> RunCandidates(Globals& globals, const BatchJobOptions& job, const CandidatesOptions& options,
                          const batch::Document& task);

/// A result for a terminal.
std::string DebatePage(const workflows::DebateResult& result);

}  // namespace wfe::cli
