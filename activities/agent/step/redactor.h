// Takes secrets out of text and JSON before they are kept anywhere.  Two strengths: what people and other programs read
// (traces, logs, replies, stored conversations) loses known secrets and everything that has the shape of a credential;
// what the agent works with (its own answers, its tools' results, the journal) loses exact known secrets only, because
// code may well hold text of such a shape, and code is never rewritten (RW-D14).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace wfe::agent {

/// First the exact values of known secrets, then the shapes of well-known credentials; each becomes "[redacted:KIND]".
/// The result is stable: redacting it again changes nothing.  Callable from any thread.
class Redactor {
 public:
  /// Values shorter than 6 bytes are ignored: they would take half the text with them.
  explicit Redactor(std::vector<std::string> secrets = {});

  /// Adds the number of replacements to `count`.
  std::string Apply(std::string text, int64_t& count) const;
  /// Known secrets only.
  std::string MaskSecrets(std::string text, int64_t& count) const;
  void MaskSecrets(nlohmann::json& document, int64_t& count) const;
  /// Whether the text, or a string of the document, holds a known secret.
  bool HoldsSecret(std::string_view text) const;
  bool HoldsSecret(const nlohmann::json& document) const;
  /// Every string value of a document.  `thoughtSignature` values stay: the API refuses a changed one.
  void Apply(nlohmann::json& document, int64_t& count) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

}  // namespace wfe::agent
