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
  std::vector<std::string> notes;
};

/// CANCELLED when the watch said so.
Result<ExaminedFolder> ExamineFolder(const nodes::NodeSettings& settings, const std::string& directory,
                                     const TradingSources& sources, const sandbox::ProcessWatch& watch);

/// Those that `step` reports (rules.h), with evidence.
StepFindings FindingsOfStep(const ExaminedFolder& folder, std::string_view step);

}  // namespace wfe::trading
