#include "activities/build/integrity/project_scan.h"

#include <re2/re2.h>

#include <algorithm>

#include "activities/build/checks/claim.h"
#include "activities/build/integrity/suspect_marks.h"
#include "activities/build/integrity/test_patterns.h"
#include "engine/base/hash.h"

namespace wfe::build {
namespace {

constexpr uint64_t kMaxScannedBytes = 8ull << 20;

/// Rows of a table of parameters: `test.each([a, b])`, `parametrize("x", [a, b])`.
int64_t Rows(const SourceText& text, const TestCase& test) {
  static const RE2 kTable(R"(\.(?:each|for)\s*\(\s*\[|\bparametrize\s*\([^\[\n]*\[)");
  int64_t rows = 1;
  const std::string_view head = std::string_view(text.code).substr(test.begin, test.body - test.begin);
  Each(kTable, head, [&](size_t at, std::string_view match, std::string_view) {
    const size_t open = test.begin + at + match.size() - 1;
    const size_t end = BehindBracket(text.code, open);
    int64_t elements = 0;
    bool content = false;
    for (size_t i = open + 1; i + 1 < end;) {
      const char c = text.code[i];
      if (c == '(' || c == '[' || c == '{') {
        content = true;
        i = BehindBracket(text.code, i);
        continue;
      }
      if (c == ',') {
        elements += content ? 1 : 0;
        content = false;
      } else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
        content = true;
      }
      ++i;
    }
    rows = std::max<int64_t>(rows, elements + (content ? 1 : 0));
  });
  return rows;
}

ProjectView ViewOf(const sandbox::SafeDir& dir, const std::vector<sandbox::SafeEntry>& entries) {
  ProjectView view;
  for (const sandbox::SafeEntry& entry : entries) {
    if (entry.kind == sandbox::FileKind::kFile) view.files.insert(entry.path);
  }
  static const RE2 kChecksJs(R"re("(?:checkJs|allowJs)"\s*:\s*true)re");
  for (const std::string& path : view.files) {
    if (!path.ends_with("tsconfig.json") || LanguageOf(path) != Language::kNone) continue;
    const auto text = dir.Read(path, kMaxScannedBytes);
    if (!text) continue;
    if (!view.typescript) view.checks_javascript = false;
    view.typescript = true;
    view.checks_javascript = view.checks_javascript || Finds(kChecksJs, *text);
  }
  return view;
}

}  // namespace

std::string ShortHash(std::string_view bytes, size_t digits) { return ToHex(Sha256(bytes)).substr(0, digits); }

FileScan ScanFile(const std::string& path, std::string content, const ProjectView& project) {
  FileScan scan;
  scan.hash = ShortHash(content);
  scan.is_test = IsTestPath(path);
  if (IsBuildFile(path)) scan.marks = ScanBuildFile(path, content);
  const Language language = LanguageOf(path);
  if (language == Language::kNone) return scan;
  const SourceText text = ReadSourceText(language, std::move(content));
  TestScan tests = ScanTests(path, text);
  scan.assertions = tests.assertions;
  scan.skipped = tests.skipped;
  for (const TestCase& test : tests.tests) {
    scan.tests += Rows(text, test);
    const std::string_view body = std::string_view(text.raw).substr(test.begin, test.end - test.begin);
    scan.bodies.push_back(ShortHash(test.name + "\n" + SquashBlanks(body), 12));
  }
  // Outside tests an assert is ordinary code.
  if (!scan.is_test && tests.tests.empty()) {
    scan.assertions = 0;
    std::erase_if(tests.marks, [](const Mark& mark) { return mark.error_class != kRunnerTampered; });
  }
  const auto add = [&](std::vector<Mark> marks) { scan.marks.insert(scan.marks.end(), marks.begin(), marks.end()); };
  add(std::move(tests.marks));
  add(ScanSuppressions(text));
  add(ScanUnexaminedImports(path, text, project));
  if (scan.is_test) {
    add(ScanSubjectMocks(path, text, project));
  } else {
    add(ScanTestDetection(text));
    add(ScanReplacedRunner(text));
  }
  return scan;
}

Result<ProjectScan> ScanProject(const sandbox::SafeDir& dir) {
  sandbox::SafeDir::ListOptions options;
  options.excluded = {"node_modules", ".git",        ".gemini",     std::string(sandbox::kStateDirectory),
                      "target",       ".venv",       "venv",        "__pycache__",
                      ".tox",         ".mypy_cache", ".ruff_cache", ".pytest_cache"};
  options.max_entries = kMaxProjectEntries;
  WFE_ASSIGN_OR_RETURN(const std::vector<sandbox::SafeEntry> entries, dir.List("", options));
  const ProjectView view = ViewOf(dir, entries);
  ProjectScan project;
  for (const sandbox::SafeEntry& entry : entries) {
    if (entry.kind != sandbox::FileKind::kFile || entry.size > kMaxScannedBytes) continue;
    const bool source = LanguageOf(entry.path) != Language::kNone;
    const bool test = IsTestPath(entry.path);
    if (!source && !test && !IsBuildFile(entry.path)) continue;
    auto content = dir.Read(entry.path, kMaxScannedBytes);
    if (!content) continue;  // An odd name, or gone meanwhile: no checker's file.
    if (source) ++project.files_examined;
    FileScan scan = ScanFile(entry.path, *std::move(content), view);
    project.tests += scan.tests;
    project.assertions += scan.is_test || scan.tests > 0 ? scan.assertions : 0;
    project.skipped += scan.skipped;
    for (const Mark& mark : scan.marks) project.suppressed += mark.error_class == kSuppressed ? 1 : 0;
    if (scan.is_test || scan.tests > 0 || !scan.marks.empty()) project.files.emplace(entry.path, std::move(scan));
  }
  return project;
}

}  // namespace wfe::build
