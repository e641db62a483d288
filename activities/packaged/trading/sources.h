// The files of an algorithm's folder.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "activities/packaged/trading/trading.h"
#include "activities/sandbox/text.h"
#include "engine/base/result.h"

namespace wfe::trading {

inline constexpr uint64_t kMaxSourceBytes = 1 << 20;
inline constexpr uint64_t kMaxPricesBytes = 32 << 20;
inline constexpr size_t kMaxSourceFiles = 200;

/// Lists the folder and reads what can be read.  NOT_FOUND: no such folder.  INVALID_ARGUMENT: nothing in it can be
/// examined, with the first file and why.  PERMISSION_DENIED: a folder below it may not be read.
Result<TradingSources> ReadTradingSources(const std::string& directory);

/// "python", "JavaScript", "ini" …; empty: of no kind that is looked at.
std::string LanguageOf(const std::string& path);

/// A file with its text.
struct LoadedSource {
  SourceFile file;
  std::string text;
};

/// The texts of those files that have no fault.  FAILED_PRECONDITION: one has changed since ReadTradingSources.
Result<std::vector<LoadedSource>> LoadSources(const std::string& directory, const TradingSources& sources);

/// What the algorithm is given, and what the back-test takes: the parameter file, if there is one.
struct TradingParameters {
  nlohmann::json algorithm = nlohmann::json::object();  ///< Without "backtest".
  CostModel costs;
};
/// INVALID_ARGUMENT, with the file's name.
Result<TradingParameters> ReadTradingParameters(const std::string& directory, const TradingSources& sources);

/// Text of prices; empty where there is no such file.
Result<std::string> ReadPricesText(const std::string& directory, const TradingSources& sources);

/// Masks the secrets of all files, wherever their values stand.
sandbox::SecretMask MaskOf(const std::vector<LoadedSource>& loaded);
/// A line of a file as evidence: masked, trimmed, at most 160 characters.
std::string EvidenceAt(const LoadedSource& source, int64_t line, const sandbox::SecretMask& mask);
/// Evidence for all findings that name a line, and no secret in what they say.
void AddEvidence(std::vector<TradingFinding>& findings, const std::vector<LoadedSource>& loaded);

}  // namespace wfe::trading
