// Counting tokens where no backend reported them (LG-19): a fitted estimator, and its calibration per model.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace wfe::agent {

/// Tokens of `text` as a Gemma tokenizer would count them, within about -7 to +8 % for code, logs and English:
///   0.94 words + 0.36 long + 0.28 camel + 1.37 digits + 1.11 punct_runs + 0.04 punct_extra + 0.95 wide_spaces
///   + 1.11 newline_runs + 0.62 non_ascii
/// words: runs of ASCII letters; long: sum of max(0, length - 6) / 4; camel: lower-to-upper changes inside a run;
/// punct_extra: sum of (run length - 1); wide_spaces: runs of at least two blanks, or a tab; a single space is free;
/// non_ascii: code points.
double EstimateTokens(std::string_view text);

/// Counts text for one model: by an exact tokenizer where one is configured, else by the estimator times the running
/// ratio reported / estimated.  Callable from any thread.
class TokenCounter {
 public:
  /// Keeps the ratios in `path`; empty: in memory only.  `tokenizer` may be empty ("not configured").
  explicit TokenCounter(std::string path, std::function<int64_t(std::string_view)> tokenizer = {});

  struct Count {
    int64_t tokens = 0;
    std::string_view source;  ///< "tokenizer" or "estimated"
  };
  Count Tokens(const std::string& model, std::string_view text) const;

  /// A backend reported `reported` tokens for `text`.  The ratio is kept between 0.5 and 2.
  void Learn(const std::string& model, std::string_view text, int64_t reported);
  double Ratio(const std::string& model) const;

 private:
  struct Sums {
    double reported = 0;
    double estimated = 0;
  };
  double RatioLocked(const std::string& model) const;

  const std::string path_;
  const std::function<int64_t(std::string_view)> tokenizer_;
  mutable std::mutex mutex_;
  std::map<std::string, Sums> sums_;
};

}  // namespace wfe::agent
