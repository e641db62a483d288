#include "activities/build/integrity/test_scan.h"

#include <fnmatch.h>
#include <re2/re2.h>

#include <algorithm>

#include "activities/build/integrity/test_patterns.h"

namespace wfe::build {
namespace {

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

class Scanner {
 public:
  Scanner(std::string_view path, const SourceText& text) : path_(path), text_(text), code_(text.code) {}

  TestScan Run() {
    switch (text_.language) {
      case Language::kJavaScript:
        JavaScript();
        break;
      case Language::kPython:
        Python();
        break;
      case Language::kCpp:
        Cpp();
        break;
      case Language::kGo:
        Go();
        break;
      case Language::kRust:
        Rust();
        break;
      case Language::kNone:
        return std::move(scan_);
    }
    KeepOuter();
    if (text_.language != Language::kCpp) scan_.assertions = Count(Assertions(text_.language), code_);
    for (const TestCase& test : scan_.tests) {
      if (test.skipped) ++scan_.skipped;
      Judge(test);
    }
    return std::move(scan_);
  }

 private:
  void Add(std::string_view error_class, std::string kind, size_t offset) {
    scan_.marks.push_back({.error_class = error_class, .kind = std::move(kind), .line = LineAt(text_.raw, offset)});
  }
  void AddEach(const RE2& expression, std::string_view error_class) {
    Each(expression, code_, [&](size_t at, std::string_view match, std::string_view kind) {
      Add(error_class, SquashBlanks(kind.empty() ? match : kind), at);
    });
  }
  std::string StringAfter(size_t at) const {
    const size_t open = text_.raw.find_first_of("\"'`", at);
    if (open == std::string::npos || open - at > 200) return "";
    const size_t close = text_.raw.find(text_.raw[open], open + 1);
    return close == std::string::npos ? "" : text_.raw.substr(open + 1, std::min<size_t>(close - open - 1, 200));
  }
  size_t LineStart(size_t at) const {
    const size_t newline = at == 0 ? std::string::npos : code_.rfind('\n', at - 1);
    return newline == std::string::npos ? 0 : newline + 1;
  }

  void JavaScript() {
    static const RE2 kCall(
        R"(\b(x?(?:test|it|specify)|fit|x?(?:describe|suite|context)|fdescribe)((?:\.\w+)*)\s*[(`])");
    static const RE2 kSkipHere(R"(\b(?:this|ctx|context|t)\.(?:skip|todo)\s*\()");
    static const RE2 kTampered(
        R"(\bprocess\.(?:exit|reallyExit|abort|kill)\s*\(|\bprocess\.binding\s*\(|\bprocess\.exitCode\s*=[^=]|\bexpect\.extend\b[^;]*\bto(?:Be|Equal|StrictEqual|Throw)\b|\b(?:globalThis|global|window)\.(?:expect|test|it|describe)\s*=[^=]|\bJSON\.(?:stringify|parse)\s*=[^=]|\b(?:Array|Object|String|Function|Promise|Map|Error)\.prototype(?:\.\w+|\[[^\]]*\])\s*=[^=])");
    const re2::StringPiece all(code_.data(), code_.size());
    re2::StringPiece groups[3];
    size_t at = 0;
    while (kCall.Match(all, at, code_.size(), RE2::UNANCHORED, groups, 3)) {
      const auto begin = static_cast<size_t>(groups[0].data() - code_.data());
      size_t open = begin + groups[0].size() - 1;
      at = open + 1;
      if (begin > 0 && (code_[begin - 1] == '.' || code_[begin - 1] == '$')) continue;
      if (code_.substr(0, begin).ends_with("function ")) continue;
      const std::string word = groups[1].as_string();
      const std::string modifiers = groups[2].as_string();
      const bool group = word.find("describe") != std::string::npos || word.find("suite") != std::string::npos ||
                         word.find("context") != std::string::npos;
      const bool each = modifiers.ends_with(".each") || modifiers.ends_with(".for");
      if (each || modifiers.ends_with("If")) {
        // The table or condition first, then the call itself.
        size_t behind = code_[open] == '`' ? code_.find('`', open + 1) : BehindBracket(code_, open) - 1;
        if (behind == std::string_view::npos) continue;
        open = code_.find_first_not_of(" \n\t", behind + 1);
        if (open == std::string_view::npos || code_[open] != '(') continue;
      } else if (code_[open] == '`') {
        continue;
      }
      const size_t end = BehindBracket(code_, open);
      const std::string_view arguments = code_.substr(open, end - open);
      const size_t first = arguments.find_first_not_of("( \n\t");
      const bool named = first != std::string_view::npos &&
                         (arguments[first] == '"' || arguments[first] == '\'' || arguments[first] == '`');
      if (!named && arguments.find("=>") == std::string_view::npos &&
          arguments.find("function") == std::string_view::npos)
        continue;
      const bool skipped =
          word[0] == 'x' || RE2::PartialMatch(modifiers, R"(\.(skip|todo|failing|fails|skipIf|runIf)\b)");
      if (skipped) Add(kTestSkipped, word + modifiers, begin);
      if (word[0] == 'f' || RE2::PartialMatch(modifiers, R"(\.only\b)")) Add(kTestFocused, word + modifiers, begin);
      if (group) continue;
      const size_t body = named ? open + 1 + arguments.substr(1).find(',') : open;
      scan_.tests.push_back({.name = StringAfter(open), .begin = begin, .end = end, .body = body, .skipped = skipped});
      at = end;  // What stands inside belongs to this test.
    }
    AddEach(kSkipHere, kTestSkipped);
    if (HasTestName(path_)) AddEach(kTampered, kRunnerTampered);
  }

  void Python() {
    static const RE2 kDef(R"((?m)^([ \t]*)(?:async[ \t]+)?def[ \t]+(test\w*)[ \t]*\()");
    static const RE2 kSkip(
        R"(@(?:pytest\.mark\.(?:skip|skipif|xfail)|unittest\.(?:skip\w*|expectedFailure))\b|\bpytest\.(?:skip|importorskip|xfail)\s*\(|\bpytest\.mark\.(?:skip|skipif|xfail)\b|\bself\.skipTest\s*\(|\braise\s+(?:unittest\.)?SkipTest\b|\b__test__\s*=\s*False|\bcollect_ignore(?:_glob)?\s*=)");
    static const RE2 kTampered(
        R"(\bdef\s+(pytest_(?:runtest_makereport|collection_modifyitems|ignore_collect|sessionfinish|report_teststatus|runtest_call|runtest_protocol|pyfunc_call|unconfigure|collect_file|terminal_summary|runtest_logreport|exception_interact))\b|\bos\.(?:_exit|abort|kill)\s*\(|\bsys\.exit\s*\(\s*(?:0\s*)?\)|\bsys\.settrace\b|\bbuiltins\.\w+\s*=[^=]|\bgc\.get_objects\b|\bgc\.get_referrers\b)");
    const re2::StringPiece all(code_.data(), code_.size());
    re2::StringPiece groups[3];
    size_t at = 0;
    while (kDef.Match(all, at, code_.size(), RE2::UNANCHORED, groups, 3)) {
      const size_t begin = static_cast<size_t>(groups[0].data() - code_.data());
      const size_t indent = groups[1].size();
      size_t open = begin + groups[0].size() - 1;
      size_t body = BehindBracket(code_, open);
      at = body;
      const size_t colon = code_.find(':', body);
      if (colon == std::string_view::npos) break;
      body = colon + 1;
      // The body goes on while lines are indented deeper (or blank).
      size_t end = code_.find('\n', body);
      while (end != std::string_view::npos) {
        const size_t next = end + 1;
        const size_t line_end = std::min(code_.find('\n', next), code_.size());
        const size_t text = code_.find_first_not_of(" \t", next);
        if (text < line_end && text - next <= indent) break;
        if (line_end >= code_.size()) {
          end = code_.size();
          break;
        }
        end = line_end;
      }
      if (end == std::string_view::npos) end = code_.size();
      size_t start = begin;
      bool skipped = false;
      // Decorators stand above.
      while (start > 0) {
        const size_t above = LineStart(start - 1);
        const std::string line = SquashBlanks(code_.substr(above, start - above));
        if (!line.starts_with('@')) break;
        skipped = skipped || line.find("skip") != std::string::npos || line.find("xfail") != std::string::npos ||
                  line.find("expectedFailure") != std::string::npos;
        start = above;
      }
      scan_.tests.push_back(
          {.name = groups[2].as_string(), .begin = start, .end = end, .body = body, .skipped = skipped});
      at = std::max(at, end);
    }
    if (IsTestPath(path_)) {
      AddEach(kSkip, kTestSkipped);
      AddEach(kTampered, kRunnerTampered);
    }
  }

  void Cpp() {
    static const RE2 kMacro(
        R"(\b((?:TYPED_)?TEST(?:_F|_P|_CASE|_CASE_METHOD)?|SCENARIO|BOOST_AUTO_TEST_CASE|BOOST_FIXTURE_TEST_CASE)\s*\()");
    static const RE2 kMain(R"(\bint\s+(?:\w+\s+)?main\s*\()");
    static const RE2 kSkip(
        R"(\bGTEST_SKIP\s*\(|\bSKIP\s*\(|\bdoctest::skip\b|\bDISABLED_\w+|(?m)^\s*#\s*if\s+0\b|\[\.\])");
    static const RE2 kTampered(
        R"(\b(?:std::)?(?:_exit|_Exit|quick_exit)\s*\(|\b(?:std::)?exit\s*\(\s*(?:0|EXIT_SUCCESS)\s*\)|\bGTEST_FLAG_SET\s*\(|\bkill\s*\(\s*getppid)");
    Each(kMacro, code_, [&](size_t begin, std::string_view match, std::string_view) {
      const size_t open = begin + match.size() - 1;
      const size_t behind = BehindBracket(code_, open);
      const size_t brace = code_.find_first_not_of(" \n\t", behind);
      if (brace == std::string_view::npos || code_[brace] != '{') return;
      std::string name = SquashBlanks(std::string_view(text_.raw).substr(open, behind - open));
      const bool skipped = name.find("DISABLED_") != std::string::npos || name.find("[.") != std::string::npos;
      scan_.tests.push_back({.name = std::move(name),
                             .begin = begin,
                             .end = BehindBracket(code_, brace),
                             .body = brace,
                             .skipped = skipped});
    });
    if (!IsTestPath(path_)) {
      // A function that is to return something, and ends the program with success instead.
      static const RE2 kEndsProgram(
          R"((\w+)[\s&*]+[\w:]+\s*\([^(){};]*\)\s*(?:const\s*)?(?:noexcept\s*)?\{\s*(?:std::)?_?[eE]xit\s*\(\s*(?:0|EXIT_SUCCESS)\s*\))");
      Each(kEndsProgram, code_, [&](size_t at, std::string_view, std::string_view type) {
        if (type != "void" && code_.find("int main") == std::string_view::npos) {
          Add(kRunnerTampered, "a function that ends the program", at);
        }
      });
      return;
    }
    Each(kMain, code_, [&](size_t begin, std::string_view match, std::string_view) {
      const size_t brace = code_.find('{', BehindBracket(code_, begin + match.size() - 1));
      if (brace == std::string_view::npos || !scan_.tests.empty()) return;
      scan_.tests.push_back(
          {.name = "main", .begin = begin, .end = BehindBracket(code_, brace), .body = brace, .skipped = false});
    });
    AddEach(kSkip, kTestSkipped);
    AddEach(kTampered, kRunnerTampered);
  }

  void Go() {
    static const RE2 kFunction(R"((?m)^func\s+(Test\w*|Fuzz\w*|Example\w*)\s*\()");
    static const RE2 kSkip(R"(\b\w\.(?:Skip|SkipNow|Skipf)\s*\()");
    static const RE2 kTampered(R"(\bos\.Exit\s*\(\s*0\s*\)|\bsyscall\.(?:Exit|Kill)\b)");
    static const RE2 kBuildTag(R"((?m)^//(?:go:build|\s*\+build)\s+(?:ignore|never|disabled\w*|skip\w*)\b)");
    Each(kFunction, code_, [&](size_t begin, std::string_view match, std::string_view name) {
      const size_t brace = code_.find('{', BehindBracket(code_, begin + match.size() - 1));
      if (brace == std::string_view::npos) return;
      const size_t end = BehindBracket(code_, brace);
      const std::string_view body = code_.substr(brace, end - brace);
      if (name == "TestMain") {
        if (body.find(".Run()") == std::string_view::npos) Add(kRunnerTampered, "TestMain without m.Run()", begin);
        return;
      }
      const bool skipped = RE2::PartialMatch(re2::StringPiece(body.data(), body.size()), kSkip);
      scan_.tests.push_back({.name = std::string(name), .begin = begin, .end = end, .body = brace, .skipped = skipped});
    });
    if (!HasTestName(path_)) return;
    AddEach(kSkip, kTestSkipped);
    AddEach(kTampered, kRunnerTampered);
    Each(kBuildTag, text_.comments,
         [&](size_t at, std::string_view match, std::string_view) { Add(kTestSkipped, SquashBlanks(match), at); });
  }

  void Rust() {
    static const RE2 kTest(R"(#\[(?:\w+::)*(?:test|rstest|test_case)\b[^\]]*\])");
    static const RE2 kSkip(R"(#\[(?:ignore\b[^\]]*|cfg\((?:any\(\)|FALSE|false|never)[^\]]*)\])");
    static const RE2 kTampered(R"(\b(?:std::)?process::exit\s*\(\s*0\s*\)|\blibc::_?exit\s*\()");
    Each(kTest, code_, [&](size_t begin, std::string_view match, std::string_view) {
      const size_t function = code_.find("fn ", begin + match.size());
      if (function == std::string_view::npos) return;
      const size_t brace = code_.find('{', function);
      if (brace == std::string_view::npos) return;
      size_t name_end = function + 3;
      while (name_end < code_.size() && IsWord(code_[name_end])) ++name_end;
      const std::string_view attributes = code_.substr(begin, function - begin);
      scan_.tests.push_back({.name = std::string(code_.substr(function + 3, name_end - function - 3)),
                             .begin = begin,
                             .end = BehindBracket(code_, brace),
                             .body = brace,
                             .skipped = attributes.find("#[ignore") != std::string_view::npos});
    });
    if (scan_.tests.empty() && !IsTestPath(path_)) return;
    AddEach(kSkip, kTestSkipped);
    if (IsTestPath(path_)) AddEach(kTampered, kRunnerTampered);
  }

  void KeepOuter() {
    std::sort(scan_.tests.begin(), scan_.tests.end(),
              [](const TestCase& a, const TestCase& b) { return a.begin < b.begin; });
    size_t end = 0;
    std::erase_if(scan_.tests, [&](const TestCase& test) {
      if (test.begin < end) return true;
      end = test.end;
      return false;
    });
  }

  /// A test that cannot fail, or that hides its failure.
  void Judge(const TestCase& test) {
    const std::string_view body = code_.substr(test.body, test.end - test.body);
    const std::string_view raw = std::string_view(text_.raw).substr(test.body, test.end - test.body);
    // Rust says above a function that it must panic.
    const size_t from = text_.language == Language::kRust ? test.begin : test.body;
    const int64_t assertions = Count(Assertions(text_.language), code_.substr(from, test.end - from));
    // With string contents, which tell 'a' from 'b'; comments hold none of these by chance only.
    const int64_t vacuous = assertions == 0 ? 0 : CountVacuous(text_.language, raw);
    // `return x;` is an assertion in a test program's main, and nothing elsewhere.
    if (text_.language == Language::kCpp) scan_.assertions += assertions;
    if (test.skipped) return;
    if (IsEmpty(body)) {
      Add(kVacuousTest, "a test without a body", test.begin);
    } else if (assertions > 0 && vacuous >= assertions) {
      Add(kVacuousTest, "a test that asserts nothing", test.begin);
    } else if (assertions == 0 && !MayAssertElsewhere(body) && !ExampleWithOutput(test, raw)) {
      Add(kVacuousTest, "a test without an assertion", test.begin);
    }
    if (Catches(body)) Add(kFailureCaught, "a failure of the test is caught", test.begin);
  }

  static bool IsEmpty(std::string_view body) {
    static const RE2 kNothing(
        R"(^[\s,]*(?:async\s*)?(?:function\s*\w*\s*)?(?:\([^()]*\)|\w+)?\s*(?:=>)?\s*\{?\s*(?:return\s*(?:0|None|true)?\s*;?|pass|\.\.\.)?\s*\}?\s*\)?\s*;?\s*$)");
    return RE2::FullMatch(re2::StringPiece(body.data(), body.size()), kNothing);
  }
  bool ExampleWithOutput(const TestCase& test, std::string_view raw) const {
    return text_.language == Language::kGo && (test.name.starts_with("Example") || test.name.starts_with("Fuzz")) &&
           (raw.find("utput:") != std::string_view::npos || test.name.starts_with("Fuzz"));
  }

  bool Catches(std::string_view body) const {
    static const RE2 kTry(R"(\btry\s*\{)");
    static const RE2 kAnswers(
        R"(\bthrow\b|\bexpect\b|\bassert|\bdone\s*\(|\bfail|\breject\s*\(|\bpanic!|\b\w\.(?:Error|Fatal|Fail)|\b(?:EXPECT|ASSERT|REQUIRE|CHECK|FAIL)|\breturn\s+[^0;\s])");
    static const RE2 kExcept(
        R"((?m)^([ \t]*)except[ \t]*(?:\(?[ \t]*(?:AssertionError|Exception|BaseException)\b[^\n:]*)?:)");
    static const RE2 kSuppress(R"(\bsuppress\s*\(\s*(?:AssertionError|Exception|BaseException)\b)");
    static const RE2 kRecover(R"(\brecover\s*\(\s*\))");
    static const RE2 kEmptyCatch(R"(\.catch\s*\(\s*(?:\(\s*\w*\s*\)|\w+)\s*=>\s*(?:\{\s*\}|undefined|null)\s*\))");
    const RE2& assertions = Assertions(text_.language);
    const auto matches = [](const RE2& expression, std::string_view text) {
      return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression);
    };
    if (text_.language == Language::kPython) {
      if (matches(kSuppress, body) && Count(assertions, body) > 0) return true;
      bool caught = false;
      Each(kExcept, body, [&](size_t at, std::string_view match, std::string_view indent) {
        const size_t from = body.rfind("try:", at);
        if (from == std::string_view::npos || Count(assertions, body.substr(from, at - from)) == 0) return;
        // The handler: the lines that are indented deeper.
        size_t end = at + match.size();
        while (end < body.size()) {
          const size_t next = std::min(body.find('\n', end), body.size() - 1) + 1;
          const size_t text = body.find_first_not_of(" \t\n", next);
          if (text == std::string_view::npos || text - (body.rfind('\n', text) + 1) <= indent.size()) break;
          end = std::min(body.find('\n', text), body.size());
        }
        const std::string_view handler = body.substr(at + match.size(), end - at - match.size());
        static const RE2 kHandles(R"(\braise\b|\bassert|\bfail)");
        if (!matches(kHandles, handler)) caught = true;
      });
      return caught;
    }
    if (text_.language == Language::kGo) return matches(kRecover, body) && !RecoverIsChecked(body);
    if (text_.language == Language::kRust) {
      return body.find("catch_unwind") != std::string_view::npos &&
             Count(assertions, body.substr(body.find("catch_unwind"))) > 0 &&
             body.find("is_err") == std::string_view::npos && body.find("unwrap_err") == std::string_view::npos;
    }
    if (text_.language == Language::kJavaScript && matches(kEmptyCatch, body) && Count(assertions, body) > 0)
      return true;
    bool caught = false;
    Each(kTry, body, [&](size_t at, std::string_view match, std::string_view) {
      const size_t behind = BehindBracket(body, at + match.size() - 1);
      const size_t handler = body.find("catch", behind);
      if (handler == std::string_view::npos || SquashBlanks(body.substr(behind, handler - behind)) != "") return;
      const size_t brace = body.find('{', handler);
      if (brace == std::string_view::npos) return;
      const std::string_view tried = body.substr(at, behind - at);
      const std::string_view handled = body.substr(brace, BehindBracket(body, brace) - brace);
      if (Count(assertions, tried) > 0 && !matches(kAnswers, handled)) caught = true;
    });
    return caught;
  }
  static bool RecoverIsChecked(std::string_view body) {
    static const RE2 kChecked(R"(recover\s*\(\s*\)\s*(?:;\s*\w+\s*)?[!=]=\s*nil|\w+\s*:?=\s*recover)");
    return RE2::PartialMatch(re2::StringPiece(body.data(), body.size()), kChecked);
  }

  std::string_view path_;
  const SourceText& text_;
  std::string_view code_;
  TestScan scan_;
};

bool Matches(std::string_view name, std::initializer_list<const char*> patterns) {
  const std::string text(name);
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const char* pattern) { return ::fnmatch(pattern, text.c_str(), 0) == 0; });
}

}  // namespace

TestScan ScanTests(std::string_view path, const SourceText& text) { return Scanner(path, text).Run(); }

bool HasTestName(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  switch (LanguageOf(path)) {
    case Language::kJavaScript:
      return Matches(name,
                     {"*.test.*", "*.spec.*", "*-test.*", "*-spec.*", "*_test.*", "test-*", "test.*js", "test.ts"}) ||
             path.starts_with("__tests__/") || path.find("/__tests__/") != std::string_view::npos;
    case Language::kPython:
      return Matches(name, {"test_*.py", "*_test.py", "tests.py", "conftest.py"});
    case Language::kGo:
      return name.ends_with("_test.go");
    case Language::kCpp:
      return Matches(name,
                     {"*_test.*", "*_tests.*", "test_*", "*Test.*", "*Tests.*", "*.test.*", "*_unittest.*", "test.c*"});
    case Language::kRust:
      return path.starts_with("tests/") || path.find("/tests/") != std::string_view::npos || name == "tests.rs" ||
             name.ends_with("_test.rs");
    case Language::kNone:
      return false;
  }
  return false;
}

bool IsTestPath(std::string_view path) {
  if (HasTestName(path)) return true;
  for (const std::string_view folder : {"test", "tests", "__tests__", "spec", "__snapshots__", "testdata", "e2e"}) {
    const std::string inner = std::string(folder) + "/";
    if (path.starts_with(inner) || path.find("/" + inner) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace wfe::build
