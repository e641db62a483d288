#include "activities/build/integrity/test_patterns.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>

#include "activities/build/integrity/test_scan.h"

namespace wfe::build {

/// Calls `found(offset, match, group 1)` for every match of the expression, whose first group is optional.
void Each(const RE2& expression, std::string_view text,
          const std::function<void(size_t, std::string_view, std::string_view)>& found) {
  const re2::StringPiece all(text.data(), text.size());
  re2::StringPiece groups[2];
  size_t at = 0;
  const int wanted = std::min(2, expression.NumberOfCapturingGroups() + 1);
  while (at <= text.size() && expression.Match(all, at, text.size(), RE2::UNANCHORED, groups, wanted)) {
    const auto offset = static_cast<size_t>(groups[0].data() - text.data());
    found(offset, {groups[0].data(), groups[0].size()},
          wanted == 2 && groups[1].data() != nullptr ? std::string_view(groups[1].data(), groups[1].size())
                                                     : std::string_view());
    at = offset + std::max<size_t>(1, groups[0].size());
  }
}

bool Finds(const RE2& expression, std::string_view text) {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression);
}

int64_t Count(const RE2& expression, std::string_view text) {
  int64_t count = 0;
  Each(expression, text, [&](size_t, std::string_view, std::string_view) { ++count; });
  return count;
}

namespace {

/// One pattern for each language.
struct ByLanguage {
  const RE2& js;
  const RE2& python;
  const RE2& cpp;
  const RE2& go;
  const RE2& rust;
};

const RE2& Of(Language language, const ByLanguage& patterns) {
  static const RE2 kNone(R"(\bwfe-never\b)");
  switch (language) {
    case Language::kJavaScript:
      return patterns.js;
    case Language::kPython:
      return patterns.python;
    case Language::kCpp:
      return patterns.cpp;
    case Language::kGo:
      return patterns.go;
    case Language::kRust:
      return patterns.rust;
    case Language::kNone:
      break;
  }
  return kNone;
}

}  // namespace

const RE2& Assertions(Language language) {
  static const RE2 kJs(
      R"(\bexpect(?:TypeOf)?(?:\.\w+)*\s*(?:<[^>()]*>)?\(|\bassert(?:\.\w+)*\s*\(|\.should\b|\bt\.(?:is|not|ok|notOk|true|false|truthy|falsy|equal|equals|deepEqual|same|throws|throwsAsync|rejects|regex|like|snapshot|pass|fail|match)\s*\()");
  static const RE2 kPython(R"(\bassert\b|\bself\.(?:assert\w+|fail)\s*\(|\bpytest\.(?:raises|fail|warns)\b|\.assert_\w+\s*\()");
  static const RE2 kCpp(
      R"(\b(?:EXPECT|ASSERT|REQUIRE|CHECK|STATIC_REQUIRE|BOOST_CHECK|BOOST_TEST|BOOST_REQUIRE|TEST_ASSERT)\w*\s*\(|\b(?:static_)?assert\s*\(|\b(?:abort|FAIL|ADD_FAILURE)\s*\(|\breturn\s+(?:[1-9]\d*|EXIT_FAILURE|[A-Za-z_!(][^;]*)\s*;|\bexit\s*\(\s*(?:[1-9]|EXIT_FAILURE))");
  static const RE2 kGo(
      R"(\b\w+\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\s*\(|\b(?:assert|require|is|qt|check)\.\w+\s*\()");
  static const RE2 kRust(
      R"(\b(?:debug_|prop_)?assert\w*!|\bpanic!|\bunreachable!|\bmatches!|\.unwrap(?:_err)?\(\)|\.expect(?:_err)?\(|#\[should_panic)");
  return Of(language, {kJs, kPython, kCpp, kGo, kRust});
}

namespace {

const RE2& HelperCalls() {
  static const RE2 kHelper(
      R"((?i)\b\w*(?:assert|expect|check|verify|require|should|must|ensure|fail|throws|raises|match|compare|validate|run|test)\w*!?\s*\()");
  return kHelper;
}

const RE2& VacuousAssertions(Language language) {
  static const RE2 kJs(
      R"(\bexpect\s*\(\s*(?:true|1|"[^"]*"|'[^']*')\s*\)\s*\.(?:toBe|toEqual|toStrictEqual|toBeTruthy|toBeDefined)\s*\(\s*(?:true|1|"[^"]*"|'[^']*')?\s*\)|\bexpect\s*\(\s*false\s*\)\s*\.(?:toBe|toEqual|toBeFalsy)\s*\(\s*(?:false)?\s*\)|\bassert(?:\.(?:ok|equal|strictEqual))?\s*\(\s*true\s*(?:,\s*true\s*)?\)|\bexpect\.(?:anything|hasAssertions)\s*\(|\bt\.pass\s*\()");
  static const RE2 kPython(
      R"(\bassert\s+(?:True|1|not False)\s*(?:,|\n|$)|\bassert\s+(\d+)\s*==\s*\d+\s*(?:,|\n|$)|\bassert\s+"[^"]*"\s*(?:,|\n|$)|\bself\.assertTrue\s*\(\s*True\s*\)|\bself\.assertEqual\s*\(\s*(?:1\s*,\s*1|True\s*,\s*True)\s*\)|\bor\s+True\b)");
  static const RE2 kCpp(
      R"(\b(?:EXPECT_TRUE|ASSERT_TRUE|REQUIRE|CHECK|BOOST_CHECK|BOOST_TEST|assert|static_assert)\s*\(\s*(?:true|1|1\s*==\s*1)\s*\)|\b(?:EXPECT_EQ|ASSERT_EQ)\s*\(\s*(?:1\s*,\s*1|true\s*,\s*true|0\s*,\s*0)\s*\)|\b(?:SUCCEED)\s*\(|\|\|\s*true\s*\))");
  static const RE2 kGo(R"(\bif\s+false\s*\{|\b(?:assert|require)\.(?:True\s*\(\s*t\s*,\s*true|Equal\s*\(\s*t\s*,\s*1\s*,\s*1)\s*\))");
  static const RE2 kRust(R"(\bassert!\s*\(\s*true\b|\bassert_eq!\s*\(\s*(?:1\s*,\s*1|true\s*,\s*true|0\s*,\s*0)\s*\)|\|\|\s*true\s*\))");
  return Of(language, {kJs, kPython, kCpp, kGo, kRust});
}

/// `expect(x).toBe(x)`, `assert x == x`, `assert_eq!(x, x)`.
int64_t CountSelfComparisons(Language language, std::string_view raw) {
  static const RE2 kJs(R"(\bexpect\s*\(([^()]+)\)\s*\.(?:toBe|toEqual|toStrictEqual)\s*\(([^()]+)\))");
  static const RE2 kPython(R"((?m)\bassert\s+([^=\n]+?)\s*==\s*([^\n,]+?)\s*$)");
  static const RE2 kMacro(R"(\b(?:assert_eq!|EXPECT_EQ|ASSERT_EQ)\s*\(([^(),]+),([^(),]+)\))");
  const RE2& expression = language == Language::kJavaScript ? kJs : language == Language::kPython ? kPython : kMacro;
  re2::StringPiece rest(raw.data(), raw.size());
  std::string left;
  std::string right;
  int64_t count = 0;
  while (RE2::FindAndConsume(&rest, expression, &left, &right)) {
    if (SquashBlanks(left) == SquashBlanks(right)) ++count;
  }
  return count;
}

}  // namespace

int64_t CountVacuous(Language language, std::string_view raw) {
  return std::max(Count(VacuousAssertions(language), raw), CountSelfComparisons(language, raw));
}

bool MayAssertElsewhere(std::string_view code) { return Count(HelperCalls(), code) > 0; }

std::vector<Mark> ScanSuppressions(const SourceText& text) {
  static const RE2 kComment(
      R"((eslint-disable\b|@ts-(?:ignore|expect-error|nocheck)\b|(?:biome|deno-lint|oxlint|tslint:)-?(?:ignore|disable)\b|istanbul ignore\b|\b[cv]8 ignore\b|#\s*(?:ruff:\s*|flake8:\s*)?noqa\b|#\s*type:\s*ignore\b|#\s*(?:pyright|mypy|pylint|pytype):\s*(?:ignore|disable|basic|ignore-errors)\b|#\s*pragma:\s*no cover\b|#\s*nosec\b|\bNOLINT(?:NEXTLINE|BEGIN)?\b|//\s*nolint\b|\bcppcheck-suppress\b|@lint-ignore\b|//\s*#nosec\b|\b(?:LCOV|GCOVR?)_EXCL_\w+|@flow-ignore\b))");
  static const RE2 kCode(
      R"(((?m)^\s*#\s*pragma\s+(?:GCC|clang)\s+diagnostic\s+ignored|^\s*#\s*pragma\s+warning\s*\(\s*disable|#!?\[(?:allow|expect)\([^\]]*\)\]))");
  std::vector<Mark> marks;
  const auto add = [&](const RE2& expression, std::string_view view) {
    Each(expression, view, [&](size_t at, std::string_view, std::string_view kind) {
      marks.push_back({.error_class = kSuppressed, .kind = SquashBlanks(kind), .line = LineAt(text.raw, at)});
    });
  };
  add(kComment, text.comments);
  if (text.language == Language::kCpp || text.language == Language::kRust) add(kCode, text.code);
  return marks;
}

}  // namespace wfe::build
