#include "activities/packaged/trading/secrets.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace wfe::trading {
namespace {

struct SecretShape {
  const char* pattern;  ///< Its first group is the secret.
  const char* kind;
};

constexpr SecretShape kShapes[] = {
    {R"(\b((?:AKIA|ASIA)[0-9A-Z]{16})\b)", "an AWS access key"},
    {R"(\b(gh[pousr]_[A-Za-z0-9]{36,}))", "a GitHub token"},
    {R"(\b((?:sk|rk)_live_[A-Za-z0-9]{16,}))", "a Stripe key"},
    {R"(\b(xox[abprs]-[A-Za-z0-9-]{10,}))", "a Slack token"},
    {R"(\b(AIza[0-9A-Za-z_-]{35}))", "a Google API key"},
    {R"((eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}))", "a JSON web token"},
    {R"((-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----))", "a private key"},
    {R"([a-z][a-z0-9+.-]*://[^\s/:@'"]+:([^\s/:@'"]{6,})@)", "a password in an address"},
};

/// NAME = "VALUE", NAME: VALUE, "NAME": "VALUE".
constexpr const char* kAssigned =
    R"((?i)\b([a-z0-9_.-]*(?:api[_-]?key|secret|passw(?:or)?d|passphrase|auth[_-]?token|access[_-]?token|)"
    R"(private[_-]?key|credential)s?[a-z0-9_]*)["']?\s*(?::\s*str\s*=|[:=])\s*)"
    R"((?:[rbu]?["']([^"'\n]{8,})["']|([^\s"'(){}\[\]]{8,})(?:\s+[#;].*)?\s*$))";
constexpr double kLeastBits = 2.8;

/// Not a value but where to get one.
bool IsPlaceholder(const std::string& value) {
  static const RE2 kPattern(
      R"((?i)^(?:<.*>|\$\{?.*|%\w.*|\{.*\}|x+|\*+|\.+|-+|none|null|true|false|)"
      R"(.*(?:environ|getenv|change.?me|your.?|example|placeholder|dummy|redacted|vault:|keyring).*)$)");
  return RE2::FullMatch(value, kPattern) || value.find(' ') != std::string::npos;
}

std::string KindOfName(const std::string& name) {
  static const RE2 kPassword("(?i)passw|passphrase");
  static const RE2 kToken("(?i)token");
  static const RE2 kKey("(?i)key");
  if (RE2::PartialMatch(name, kPassword)) return "a password";
  if (RE2::PartialMatch(name, kToken)) return "a token";
  return RE2::PartialMatch(name, kKey) ? "a key" : "a secret";
}

void FindInLine(const std::string& line, int64_t number, std::vector<FoundSecret>& found) {
  static const auto kPatterns = [] {
    std::vector<std::unique_ptr<RE2>> all;
    for (const SecretShape& shape : kShapes) all.push_back(std::make_unique<RE2>(shape.pattern));
    return all;
  }();
  static const RE2 kNamed(kAssigned);
  const auto add = [&](std::string kind, std::string value) {
    const auto same = [&](const FoundSecret& one) { return one.line == number && one.value == value; };
    if (std::ranges::any_of(found, same)) return;
    const double bits = BitsACharacter(value);
    found.push_back({.line = number, .kind = std::move(kind), .value = std::move(value), .entropy = bits});
  };
  std::string value;
  for (size_t i = 0; i < kPatterns.size(); ++i) {
    re2::StringPiece rest(line);
    while (RE2::FindAndConsume(&rest, *kPatterns[i], &value)) add(kShapes[i].kind, value);
  }
  std::string name;
  std::string bare;
  re2::StringPiece rest(line);
  while (RE2::FindAndConsume(&rest, kNamed, &name, &value, &bare)) {
    const bool quoted = !value.empty();
    const std::string given = quoted ? value : bare;
    // Without quotes a call or a name of the program would do as well: a secret has figures in it.
    if (!quoted && given.find_first_of("0123456789") == std::string::npos) continue;
    if (!quoted && given.find_first_of(".(") != std::string::npos) continue;
    if (!IsPlaceholder(given) && BitsACharacter(given) >= kLeastBits) add(KindOfName(name), given);
  }
}

}  // namespace

double BitsACharacter(std::string_view text) {
  std::array<size_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

std::vector<FoundSecret> FindSecrets(std::string_view text) {
  std::vector<FoundSecret> found;
  int64_t number = 0;
  for (const std::string& line : sandbox::SplitLines(text)) {
    ++number;
    // A line of a megabyte is data; what is in it is not looked for.
    if (line.size() <= 4096) FindInLine(line, number, found);
  }
  return found;
}

std::string SecretHint(const FoundSecret& secret) {
  return sandbox::Printable(secret.value.substr(0, 2)) + "… (" + std::to_string(secret.value.size()) + " characters)";
}

}  // namespace wfe::trading
