// Whether a test file was only added to: honest work adds tests to files that stood there before.

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>

#include "activities/build/integrity/integrity.h"
#include "activities/build/integrity/test_patterns.h"

namespace wfe::build {
namespace {

struct ImportStatement {
  std::set<std::string> words;
  std::set<std::string> strings;
};

struct Parts {
  std::multiset<std::string> tests;
  std::multiset<std::string> lines;  ///< Outside tests and imports.
  std::vector<ImportStatement> imports;
};

ImportStatement ReadImport(std::string_view text) {
  ImportStatement statement;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'' || c == '<') {
      const size_t end = std::min(text.find(c == '<' ? '>' : c, i + 1), text.size() - 1);
      statement.strings.emplace(text.substr(i + 1, end - i - 1));
      i = end + 1;
    } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.') {
      size_t end = i;
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_' || text[end] == '.')) ++end;
      statement.words.emplace(text.substr(i, end - i));
      i = end;
    } else {
      ++i;
    }
  }
  return statement;
}

Parts Split(Language language, const std::string& path, const std::string& raw) {
  static const RE2 kImport(
      R"(^(?:import\b|from\s+[.\w]+\s+import\b|use\s|#\s*include\b|export\s.*\bfrom\b|(?:const|let|var)\s[^=]*=\s*require\s*\())");
  Parts parts;
  const SourceText text = ReadSourceText(language, raw);
  std::string rest = raw;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (text.comments[i] != ' ' && text.comments[i] != '\n') rest[i] = ' ';
  }
  const TestScan scan = ScanTests(path, text);
  for (const TestCase& test : scan.tests) {
    // The main of a test program grows with every test: its lines are compared like those outside of tests.
    if (language == Language::kCpp && test.name == "main") continue;
    parts.tests.insert(SquashBlanks(std::string_view(rest).substr(test.begin, test.end - test.begin)));
    for (size_t i = test.begin; i < test.end; ++i) {
      if (rest[i] != '\n') rest[i] = ' ';
    }
  }
  size_t at = 0;
  while (at < rest.size()) {
    size_t end = std::min(rest.find('\n', at), rest.size());
    std::string line = SquashBlanks(std::string_view(rest).substr(at, end - at));
    if (Finds(kImport, line)) {
      // Up to the end of its brackets.
      const size_t open = text.code.find_first_of("({", at);
      if (open < end && language != Language::kCpp) {
        const size_t behind = BehindBracket(text.code, open);
        end = std::max(end, std::min(rest.find('\n', behind), rest.size()));
      }
      parts.imports.push_back(ReadImport(std::string_view(rest).substr(at, end - at)));
    } else if (line.find_first_not_of("(){}[];, ") != std::string::npos) {
      parts.lines.insert(std::move(line));
    }
    at = end + 1;
  }
  return parts;
}

/// A new line that turns what follows off.
bool TurnsOff(const std::multiset<std::string>& before, const std::multiset<std::string>& after) {
  static const RE2 kOff(
      R"(^(?:return\b|if\s*\(?\s*(?:false|False|0|!|process\.env|os\.environ|not\s)|del\s|#\s*(?:if|ifdef|ifndef|else|elif|undef|define\s+(?:\w+\(|(?:if|int|main|return|void)\b))|throw\b|raise\b)|\btest_\w+\s*=[^=]|\b(?:return\s*\(?\s*(?:0|EXIT_SUCCESS)\b|goto\b|exit\s*\())");
  std::multiset<std::string> added;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::inserter(added, added.begin()));
  return std::any_of(added.begin(), added.end(), [](const std::string& line) { return Finds(kOff, line); });
}

template <class Set>
bool Includes(const Set& all, const Set& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

bool OnlyAdds(Language language, const std::string& path, const std::string& before, const std::string& after) {
  if (language == Language::kNone) return false;
  const Parts old = Split(language, path, before);
  const Parts now = Split(language, path, after);
  if (!Includes(now.tests, old.tests) || !Includes(now.lines, old.lines) || TurnsOff(old.lines, now.lines)) return false;
  return std::all_of(old.imports.begin(), old.imports.end(), [&](const ImportStatement& wanted) {
    return std::any_of(now.imports.begin(), now.imports.end(), [&](const ImportStatement& statement) {
      return Includes(statement.strings, wanted.strings) && Includes(statement.words, wanted.words);
    });
  });
}

}  // namespace wfe::build
