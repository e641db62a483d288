#include "activities/packaged/trading/audit_patterns.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <set>

#include "activities/packaged/trading/rules.h"
#include "activities/packaged/trading/secrets.h"

namespace wfe::trading {
namespace {

struct TextPattern {
  const char* rule;
  const char* pattern;
  const char* says;
};

constexpr TextPattern kTextPatterns[] = {
    {"code-execution", R"(\b(?:eval|exec)\s*\(\s*[A-Za-z_])", "a value may be run as code"},
    {"code-execution", R"(\bnew\s+Function\s*\()", "a text is made a function"},
    {"shell-injection",
     R"(\b(?:os\.system|os\.popen|child_process\.exec|execSync|Runtime\.getRuntime\(\)\.exec|system|popen)\s*)"
     R"(\([^)]*(?:\+|\$\{|%|f["']))",
     "a value may go to a shell"},
    {"shell-injection", R"(shell\s*=\s*True)", "a shell is started"},
    {"sql-injection",
     R"((?i)\b(?:execute|query|raw)\w*\s*\(\s*)"
     R"((?:f["']|["'`][^"'`]*\b(?:select|insert|update|delete)\b[^"'`]*["']\s*(?:\+|%|\.format)|)"
     R"(`[^`]*\b(?:select|insert|update|delete)\b[^`]*\$\{))",
     "the statement may be put together from values"},
    {"unsafe-loading", R"(\b(?:pickle|marshal|dill)\.loads?\s*\()", "what is loaded may run code"},
    {"insecure-transport", R"(["'`]http://(?:[^l1\["'`]|l[^o]|1[^2]))",
     "a connection that anybody on the way can read or change"},
    {"insecure-transport", R"(verify\s*=\s*False|rejectUnauthorized\s*:\s*false|InsecureSkipVerify\s*:\s*true)",
     "the certificate of the other side is not checked"},
};

bool IsCommentLine(const std::string& line) {
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string::npos) return true;
  const std::string_view rest = std::string_view(line).substr(first);
  return rest.starts_with('#') || rest.starts_with("//") || rest.starts_with('*') || rest.starts_with("/*");
}

bool AnyMatches(const std::vector<std::string>& identifiers, const RE2& pattern) {
  return std::ranges::any_of(identifiers, [&](const std::string& name) { return RE2::PartialMatch(name, pattern); });
}

}  // namespace

std::vector<TradingFinding> AuditSecrets(const std::vector<LoadedSource>& loaded) {
  std::vector<TradingFinding> findings;
  for (const LoadedSource& source : loaded) {
    for (const FoundSecret& secret : FindSecrets(source.text)) {
      findings.push_back(MakeFinding("secret-in-code", source.file.path, secret.line,
                                     fmt::format("{} stands here: {}, {:.1f} bits a character", secret.kind,
                                                 SecretHint(secret), secret.entropy),
                                     kByPatterns));
    }
  }
  return findings;
}

std::vector<TradingFinding> AuditByPatterns(const LoadedSource& source) {
  static const auto kPatterns = [] {
    std::vector<std::unique_ptr<RE2>> all;
    for (const TextPattern& one : kTextPatterns) all.push_back(std::make_unique<RE2>(one.pattern));
    return all;
  }();
  std::vector<TradingFinding> findings;
  int64_t number = 0;
  for (const std::string& line : sandbox::SplitLines(source.text)) {
    ++number;
    if (line.size() > 4096 || IsCommentLine(line)) continue;
    for (size_t i = 0; i < kPatterns.size(); ++i) {
      if (!RE2::PartialMatch(line, *kPatterns[i])) continue;
      findings.push_back(
          MakeFinding(kTextPatterns[i].rule, source.file.path, number, kTextPatterns[i].says, kByPatterns));
    }
  }
  return findings;
}

std::vector<std::string> WordsOf(const std::string& text) {
  static const RE2 kWord("([A-Za-z_][A-Za-z0-9_]*)");
  std::set<std::string> words;
  for (const std::string& line : sandbox::SplitLines(text)) {
    if (IsCommentLine(line)) continue;
    re2::StringPiece rest(line);
    std::string word;
    while (RE2::FindAndConsume(&rest, kWord, &word)) words.insert(word);
  }
  return {words.begin(), words.end()};
}

std::vector<TradingFinding> AuditOmissions(const std::vector<std::string>& identifiers, const std::string& file,
                                           int64_t line) {
  static const RE2 kStop(R"((?i)(^|_|[a-z])(stop|max_?loss|max_?drawdown|cut_?loss|bail_?out)($|_|[A-Z]|loss|price))");
  static const RE2 kLimit(
      R"((?i)(max|limit|cap)_?(position|weight|exposure|leverage|shares|size|risk|notional|order)|)"
      R"((position|weight|exposure|leverage|size|risk|order)_?(limit|cap|max))");
  static const RE2 kCosts(R"((?i)(^|_)(fees?|commissions?|slippage|costs?|spread|bps|tax(es)?)($|_))");
  std::vector<TradingFinding> findings;
  if (!AnyMatches(identifiers, kStop)) {
    findings.push_back(MakeFinding("no-stop-loss", file, line,
                                   "no name in the files or their parameters speaks of a stop or a largest loss",
                                   kBySyntax));
  }
  if (!AnyMatches(identifiers, kLimit)) {
    findings.push_back(MakeFinding("no-position-limit", file, line,
                                   "no name in the files or their parameters speaks of a limit of position or weight",
                                   kBySyntax));
  }
  if (!AnyMatches(identifiers, kCosts)) {
    findings.push_back(MakeFinding("missing-costs", file, line,
                                   "no name in the files or their parameters speaks of fees, slippage or costs",
                                   kBySyntax));
  }
  return findings;
}

}  // namespace wfe::trading
