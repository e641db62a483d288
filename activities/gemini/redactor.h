// Takes secrets out of text and JSON before they are kept anywhere.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace wfe::activities {

/// First the exact values of known secrets, then the shapes of well-known credentials; each becomes "[redacted:KIND]".
/// The result is stable: redacting it again changes nothing.  Callable from any thread.
class Redactor {
 public:
  /// Values shorter than 6 bytes are ignored: they would take half the text with them.
  explicit Redactor(std::vector<std::string> secrets = {});

  /// Adds the number of replacements to `count`.
  std::string Apply(std::string text, int64_t& count) const;
  /// Every string value of a document.  `thoughtSignature` values stay: the API refuses a changed one.
  void Apply(nlohmann::json& document, int64_t& count) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

}  // namespace wfe::activities
