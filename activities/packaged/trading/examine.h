// The steps that read an algorithm without running it (CW-4): by Python's parser where the machine has one, else by
// patterns, and then they say so.
#pragma once

#include <string>
#include <vector>

#include "activities/nodes/settings.h"
#include "activities/packaged/trading/sources.h"
#include "activities/sandbox/process_runner.h"

namespace wfe::trading {

/// What the parser said of the folder, for all steps alike.
struct ExaminedFolder {
  std::vector<TradingFinding> findings;  ///< Of syntax, and of patterns where no parser has read a file; secrets too.
  std::vector<AlgorithmFunction> functions;
  std::vector<std::string> imports;
  AlgorithmEntry entry;
  std::string method;
  std::vector<UnreadFile> unread;
  int64_t programs_read = 0;
  int64_t programs_empty = 0;  ///< Without a line of code; not counted as read.
  std::string entry_fault;  ///< "bot.py:3: signals() takes no bars …": one with the name and nothing to call it with.
  std::vector<std::string> notes;
};

/// CANCELLED when the watch said so.
Result<ExaminedFolder> ExamineFolder(const nodes::NodeSettings& settings, const std::string& directory,
                                     const TradingSources& sources, const sandbox::ProcessWatch& watch);

/// Why nothing of the folder can be run, naming its programs; only for one whose entry is empty.
std::string WhyNothingRuns(const TradingSources& sources, const ExaminedFolder& folder);

/// Those that `step` reports (rules.h), with evidence.
StepFindings FindingsOfStep(const ExaminedFolder& folder, std::string_view step);

}  // namespace wfe::trading
