#include "activities/agent/cost/token_estimator.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "activities/agent/step/agent_step.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

enum class Letters { kNone, kLetter, kDigit, kBlank, kNewline, kPunct, kNonAscii };

Letters KindOf(unsigned char c) {
  if (c >= 0x80) return Letters::kNonAscii;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Letters::kLetter;
  if (c >= '0' && c <= '9') return Letters::kDigit;
  if (c == '\n' || c == '\r') return Letters::kNewline;
  if (c == ' ' || c == '\t') return Letters::kBlank;
  return Letters::kPunct;
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

/// Below this many estimated tokens a ratio says more about chance than about the model.
constexpr double kEnoughToCalibrate = 2000;

}  // namespace

double EstimateTokens(std::string_view text) {
  double words = 0, longer = 0, camel = 0, digits = 0, punct_runs = 0, punct_extra = 0, wide = 0, newlines = 0;
  double non_ascii = 0;
  for (size_t begin = 0; begin < text.size();) {
    const Letters kind = KindOf(static_cast<unsigned char>(text[begin]));
    size_t end = begin + 1;
    while (end < text.size() && KindOf(static_cast<unsigned char>(text[end])) == kind) ++end;
    const std::string_view run = text.substr(begin, end - begin);
    const auto length = static_cast<double>(run.size());
    switch (kind) {
      case Letters::kLetter:
        words += 1;
        longer += std::max(0.0, length - 6) / 4;
        for (size_t i = 1; i < run.size(); ++i) camel += IsLower(run[i - 1]) && IsUpper(run[i]) ? 1 : 0;
        break;
      case Letters::kDigit:
        digits += length;
        break;
      case Letters::kBlank:
        wide += run.size() > 1 || run[0] == '\t' ? 1 : 0;
        break;
      case Letters::kNewline:
        newlines += 1;
        break;
      case Letters::kPunct:
        punct_runs += 1;
        punct_extra += length - 1;
        break;
      case Letters::kNonAscii:
        for (const char c : run) non_ascii += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
        break;
      case Letters::kNone:
        break;
    }
    begin = end;
  }
  return 0.94 * words + 0.36 * longer + 0.28 * camel + 1.37 * digits + 1.11 * punct_runs + 0.04 * punct_extra +
         0.95 * wide + 1.11 * newlines + 0.62 * non_ascii;
}

TokenCounter::TokenCounter(std::string path, std::function<int64_t(std::string_view)> tokenizer)
    : path_(std::move(path)), tokenizer_(std::move(tokenizer)) {
  if (path_.empty()) return;
  std::ifstream in(path_);
  const nlohmann::json stored = ParseJson(std::string{std::istreambuf_iterator<char>(in), {}});
  if (!stored.is_object()) return;  // absent or damaged: calibration starts again, which costs accuracy only
  for (const auto& [model, sums] : stored.items()) {
    if (!sums.is_object()) continue;
    sums_[model] = {.reported = sums.value("reported", 0.0), .estimated = sums.value("estimated", 0.0)};
  }
}

double TokenCounter::RatioLocked(const std::string& model) const {
  const auto found = sums_.find(model);
  if (found == sums_.end() || found->second.estimated < kEnoughToCalibrate) return 1;
  return std::clamp(found->second.reported / found->second.estimated, 0.5, 2.0);
}

double TokenCounter::Ratio(const std::string& model) const {
  const std::lock_guard lock(mutex_);
  return RatioLocked(model);
}

TokenCounter::Count TokenCounter::Tokens(const std::string& model, std::string_view text) const {
  if (tokenizer_) return {tokenizer_(text), kTokensTokenizer};
  return {std::llround(EstimateTokens(text) * Ratio(model)), kTokensEstimated};
}

void TokenCounter::Learn(const std::string& model, std::string_view text, int64_t reported) {
  const double estimated = EstimateTokens(text);
  if (reported <= 0 || estimated <= 0) return;
  const std::lock_guard lock(mutex_);
  Sums& sums = sums_[model];
  sums.reported += static_cast<double>(reported);
  sums.estimated += estimated;
  if (path_.empty()) return;
  nlohmann::json stored = nlohmann::json::object();
  for (const auto& [name, value] : sums_) {
    stored[name] = {{"reported", value.reported}, {"estimated", value.estimated}};
  }
  const std::string temporary = path_ + ".tmp";
  if (!(std::ofstream(temporary) << stored.dump())) return;
  std::rename(temporary.c_str(), path_.c_str());
}

}  // namespace wfe::agent
