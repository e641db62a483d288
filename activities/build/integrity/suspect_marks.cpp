#include "activities/build/integrity/suspect_marks.h"

#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "activities/build/integrity/project_imports.h"
#include "activities/build/integrity/test_patterns.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

std::string NameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

/// "src/sum.test.ts", "sum.ts", "test_sum.py" → "sum".
std::string Stem(std::string_view path) {
  std::string name = NameOf(path);
  name.erase(std::min(name.find('.'), name.size()));
  for (const std::string_view ending : {"_test", "-test", "-spec", "_spec"}) {
    if (name.ends_with(ending)) name.erase(name.size() - ending.size());
  }
  if (name.starts_with("test_")) name.erase(0, 5);
  return name;
}

/// The string literal at or just behind `at`, from the text with strings.
std::string Literal(const std::string& raw, size_t at) {
  const size_t open = raw.find_first_not_of(" \t\n", at);
  if (open == std::string::npos || std::string_view("\"'`").find(raw[open]) == std::string_view::npos) return "";
  const size_t close = raw.find(raw[open], open + 1);
  return close == std::string::npos ? "" : raw.substr(open + 1, close - open - 1);
}

bool Calls(const std::string& code, const std::string& name) {
  return !name.empty() && Finds(RE2("\\b" + RE2::QuoteMeta(name) + "\\s*\\("), code);
}

class Mocks {
 public:
  Mocks(std::string_view path, const SourceText& text, const ProjectView& project)
      : path_(path), text_(text), project_(project), imports_(ReadImports(path, text, project.files)) {}

  std::vector<Mark> Run() {
    if (text_.language == Language::kJavaScript) JavaScript();
    if (text_.language == Language::kPython) Python();
    return std::move(marks_);
  }

 private:
  void Add(std::string kind, size_t at) {
    marks_.push_back({.error_class = kSubjectMocked, .kind = std::move(kind), .line = LineAt(text_.raw, at)});
  }

  void JavaScript() {
    static const RE2 kMock(R"(\b(?:jest|vi)\.(?:mock|doMock|setMock|unstable_mockModule)\s*\()");
    static const RE2 kSpy(R"(\b(?:jest\.spyOn|vi\.spyOn|sinon\.stub|mock\.method)\s*\(\s*(\w+)\s*,)");
    struct Mocked {
      std::string file;
      std::string specifier;
      size_t at;
      bool partial;
    };
    std::vector<Mocked> mocked;
    Each(kMock, text_.code, [&](size_t at, std::string_view match, std::string_view) {
      const size_t open = at + match.size() - 1;
      std::string specifier = Literal(text_.raw, open + 1);
      std::string file = ResolveModule(path_, text_.language, specifier, project_.files);
      const std::string_view call = std::string_view(text_.code).substr(open, BehindBracket(text_.code, open) - open);
      const bool partial =
          call.find("Actual") != std::string_view::npos || call.find("importOriginal") != std::string_view::npos;
      if (!file.empty()) mocked.push_back({std::move(file), std::move(specifier), at, partial});
    });
    for (const Mocked& mock : mocked) {
      // What the test imports and does not mock is its subject; with nothing left, a mock is.
      const bool another = std::any_of(imports_.begin(), imports_.end(), [&](const Import& import) {
        if (import.file.empty() || IsTestPath(import.file)) return false;
        return std::none_of(mocked.begin(), mocked.end(), [&](const Mocked& m) { return m.file == import.file; });
      });
      const bool by_name = Stem(mock.file) == Stem(path_);
      if (mock.partial ? false : by_name || !another) Add(mock.specifier, mock.at);
    }
    Each(kSpy, text_.code, [&](size_t at, std::string_view match, std::string_view object) {
      const std::string method = Literal(text_.raw, at + match.size());
      const size_t end = BehindBracket(text_.code, text_.code.find('(', at));
      const std::string after = SquashBlanks(std::string_view(text_.code).substr(end, 60));
      const bool replaced = after.starts_with(".mockReturn") || after.starts_with(".mockImpl") ||
                            after.starts_with(".mockResolved") || after.starts_with(".returns");
      if (!replaced || !IsOwnName(std::string(object))) return;
      if (Calls(text_.code, std::string(object) + "." + method)) Add(std::string(object) + "." + method, at);
    });
  }

  /// The name comes from a module of the project.
  bool IsOwnName(const std::string& name) const {
    const std::vector<std::string_view> none;
    const RE2 js("\\b(?:import|const|let|var)\\b[^;\\n]*\\b" + RE2::QuoteMeta(name) + "\\b[^;\\n]*");
    const RE2 py("(?m)^\\s*(?:import|from)\\b[^\\n]*\\b" + RE2::QuoteMeta(name) + "\\b");
    bool own = false;
    Each(text_.language == Language::kPython ? py : js, text_.code,
         [&](size_t at, std::string_view match, std::string_view) {
           const int64_t first = LineAt(text_.raw, at);
           const int64_t last = LineAt(text_.raw, at + match.size());
           for (const Import& import : imports_) {
             if (import.line >= first && import.line <= last && !import.file.empty()) own = true;
           }
         });
    return own;
  }

  void Python() {
    static const RE2 kPatch(R"(\b(?:patch|setattr)\s*\(\s*["'])");
    static const RE2 kPatchObject(R"(\b(?:patch\.object|setattr)\s*\(\s*([\w.]+)\s*,)");
    static const RE2 kAssigned(R"((?m)^[ \t]+(\w+\.\w+)[ \t]*=[ \t]*(?:lambda\b|\w*Mock\b))");
    Each(kPatch, text_.code, [&](size_t at, std::string_view match, std::string_view) {
      const std::string target = Literal(text_.raw, at + match.size() - 1);
      const size_t dot = target.rfind('.');
      if (dot == std::string::npos) return;
      const std::string module = target.substr(0, dot);
      if (ResolveModule(path_, text_.language, module, project_.files).empty()) return;
      if (Calls(text_.code, target.substr(dot + 1))) Add(target, at);
    });
    Each(kPatchObject, text_.code, [&](size_t at, std::string_view match, std::string_view object) {
      const std::string name = Literal(text_.raw, at + match.size());
      const std::string owner(object.substr(0, object.find('.')));
      if (!name.empty() && IsOwnName(owner) && Calls(text_.code, name)) Add(std::string(object) + "." + name, at);
    });
    Each(kAssigned, text_.code, [&](size_t at, std::string_view, std::string_view target) {
      const std::string owner(target.substr(0, target.find('.')));
      if (IsOwnName(owner) && Calls(text_.code, std::string(target))) Add(std::string(target), at);
    });
  }

  std::string_view path_;
  const SourceText& text_;
  const ProjectView& project_;
  std::vector<Import> imports_;
  std::vector<Mark> marks_;
};

void ScanPackageJson(const std::string& raw, std::vector<Mark>& marks) {
  static const RE2 kNothing(R"(^\s*(?:true|:|exit 0|echo\b[^&|;]*|node -e ["'](?:process\.exit\(0\))?;?["'])\s*$)");
  static const RE2 kSwallowed(R"(\|\|\s*(?:true|:|exit 0|echo\b)|;\s*(?:true|exit 0)\s*$)");
  static const RE2 kChecks(R"((?:^|:|-)(?:pre|post)?(?:test|tests|lint|check|typecheck|tsc|build|ci|verify|unit|e2e)(?:$|:|-))");
  const json document = ParseJson(raw);
  if (!document.is_object() || !document.contains("scripts") || !document["scripts"].is_object()) return;
  for (const auto& [name, value] : document["scripts"].items()) {
    if (!value.is_string() || !Finds(kChecks, name)) continue;
    const std::string command = value.get<std::string>();
    if (!Finds(kNothing, command) && !Finds(kSwallowed, command)) continue;
    const size_t at = raw.find("\"" + name + "\"");
    marks.push_back({.error_class = kAlwaysPasses,
                     .kind = "the script \"" + name + "\"",
                     .line = at == std::string::npos ? 0 : LineAt(raw, at)});
  }
}

}  // namespace

std::vector<Mark> ScanSubjectMocks(std::string_view path, const SourceText& text, const ProjectView& project) {
  return Mocks(path, text, project).Run();
}

std::vector<Mark> ScanUnexaminedImports(std::string_view path, const SourceText& text, const ProjectView& project) {
  std::vector<Mark> marks;
  // What nobody examines may use what it likes.
  if (LiesWhereNobodyLooks(path)) return marks;
  for (const Import& import : ReadImports(path, text, project.files)) {
    if (import.file.empty()) continue;
    const bool from_typescript = path.ends_with(".ts") || path.ends_with(".tsx") || path.ends_with(".mts");
    const bool to_javascript =
        import.file.ends_with(".js") || import.file.ends_with(".mjs") || import.file.ends_with(".cjs");
    const bool unchecked = project.typescript && !project.checks_javascript && from_typescript && to_javascript;
    if (LiesWhereNobodyLooks(import.file) || unchecked) {
      marks.push_back({.error_class = kUnexaminedSource, .kind = import.file, .line = import.line});
    }
  }
  return marks;
}

std::vector<Mark> ScanTestDetection(const SourceText& text) {
  static const RE2 kVariables(
      R"((JEST_WORKER_ID|VITEST_WORKER_ID|VITEST_POOL_ID|process\.env\.VITEST|PYTEST_CURRENT_TEST|PYTEST_XDIST_WORKER|import\.meta\.vitest|["']pytest["']\s*in\s+sys\.modules|\btesting\.Testing\s*\())");
  std::vector<Mark> marks;
  Each(kVariables, text.raw, [&](size_t at, std::string_view, std::string_view kind) {
    if (text.comments[at] != ' ') return;
    marks.push_back({.error_class = kTestDetected, .kind = std::string(kind), .line = LineAt(text.raw, at)});
  });
  return marks;
}

std::vector<Mark> ScanReplacedRunner(const SourceText& text) {
  static const RE2 kName(R"(\b(?:expect|test|it|describe)\b)");
  static const RE2 kBare(R"((?m)^[ \t]*expect\s*=[^=>])");
  static const RE2 kMember(
      R"(\b(?:globalThis|global|window)\s*(?:\.\s*\w+|\[[^\]\n]*\])\s*(?:\?\?|\|\|)?=[^=>])");
  static const RE2 kObject(
      R"(\b(?:Object|Reflect)\.(?:assign|set|define\w+)\s*\(\s*(?:globalThis|global|window)\b)");
  static const RE2 kPython(R"(\b(?:TestCase\.\w+|pytest\.\w+|sys\.modules\[[^\]\n]*\])\s*=[^=])");
  static const RE2 kPythonName(R"(\bTestCase\.|\bpytest\b|\bunittest\b)");
  std::vector<Mark> marks;
  const auto look = [&](size_t at, size_t end, std::string_view match, const RE2& name) {
    // Names may stand in strings, which the code is without.
    if (!Finds(name, text.raw.substr(at, end - at))) return;
    const std::string_view target = match.substr(0, match.find_first_of("=(,"));
    marks.push_back({.error_class = kRunnerTampered, .kind = SquashBlanks(target), .line = LineAt(text.raw, at)});
  };
  const auto each = [&](const RE2& expression, const RE2& name) {
    Each(expression, text.code, [&](size_t at, std::string_view match, std::string_view) {
      look(at, at + match.size(), match, name);
    });
  };
  if (text.language == Language::kPython) each(kPython, kPythonName);
  if (text.language != Language::kJavaScript) return marks;
  each(kBare, kName);
  each(kMember, kName);
  Each(kObject, text.code, [&](size_t at, std::string_view match, std::string_view) {
    look(at, BehindBracket(text.code, text.code.find('(', at)), match, kName);
  });
  return marks;
}

bool IsBuildFile(std::string_view path) {
  const std::string name = NameOf(path);
  return name == "package.json" || name == "CMakeLists.txt" || name == "Makefile" || name.ends_with(".cmake");
}

std::vector<Mark> ScanBuildFile(std::string_view path, const std::string& raw) {
  static const RE2 kTrue(
      R"((?i)add_test\s*\([^)]*\bCOMMAND\s+(?:"?\$\{CMAKE_COMMAND\}"?\s+-E\s+(?:true|echo)|true|/bin/true|echo|:)[\s)])");
  static const RE2 kDisabled(R"((?i)\bDISABLED\s+(?:TRUE|ON|1)\b)");
  static const RE2 kWillFail(R"((?i)\bWILL_FAIL\s+(?:TRUE|ON|1)\b|\bPASS_REGULAR_EXPRESSION\s+"?\.[*+]"?|\bSKIP_RETURN_CODE\s+\d+)");
  static const RE2 kMakeTest(R"((?m)^(?:test|check|lint):[^\n]*\n\t[@-]*(?:true|:|exit 0|echo[^\n&|;]*)[ \t]*\n?(?:\n|[^\t]|$))");
  std::vector<Mark> marks;
  const std::string name = NameOf(path);
  const auto each = [&](const RE2& expression, std::string_view error_class) {
    Each(expression, raw, [&](size_t at, std::string_view match, std::string_view) {
      const size_t line_start = raw.rfind('\n', at) == std::string::npos ? 0 : raw.rfind('\n', at) + 1;
      if (raw.find('#', line_start) < at) return;
      marks.push_back({.error_class = error_class, .kind = SquashBlanks(match), .line = LineAt(raw, at)});
    });
  };
  if (name == "package.json") {
    ScanPackageJson(raw, marks);
  } else if (name == "Makefile") {
    each(kMakeTest, kAlwaysPasses);
  } else {
    each(kTrue, kAlwaysPasses);
    each(kDisabled, kTestSkipped);
    each(kWillFail, kRunnerTampered);
  }
  return marks;
}

}  // namespace wfe::build
