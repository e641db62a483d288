// What can be said about a text without its language's parser.
#pragma once

#include <vector>

#include "activities/packaged/trading/sources.h"

namespace wfe::trading {

/// Secrets in all files.
std::vector<TradingFinding> AuditSecrets(const std::vector<LoadedSource>& loaded);

/// Injection and its like by patterns, for files that no parser has read.  Comments
/// are passed over where a line begins with one.
std::vector<TradingFinding> AuditByPatterns(const LoadedSource& source);

/// Words of the text that could be names, as a parser would give them.
std::vector<std::string> WordsOf(const std::string& text);

/// What the algorithm never speaks of: stop losses, limits, costs.  `identifiers`: of all its files and of the keys of
/// its parameters.
std::vector<TradingFinding> AuditOmissions(const std::vector<std::string>& identifiers, const std::string& file,
                                           int64_t line);

}  // namespace wfe::trading
