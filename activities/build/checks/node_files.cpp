#include "activities/build/checks/node_files.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>

#include "activities/build/integrity/project_imports.h"
#include "activities/build/integrity/test_patterns.h"
#include "activities/build/integrity/test_scan.h"
#include "activities/build/parsers/findings.h"
#include "activities/build/profile/project_facts.h"
#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

constexpr uint64_t kMaxTestFileBytes = 8ull << 20;

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

/// Whether the word at `at` is the first of a statement, or behind `await`: neither an operand nor an arrow's body.
bool BeginsStatement(std::string_view code, size_t at) {
  size_t end = at;
  const auto back = [&] {
    while (end > 0 && std::isspace(static_cast<unsigned char>(code[end - 1])) != 0) --end;
  };
  back();
  if (code.substr(0, end).ends_with("await")) {
    end -= 5;
    at = end;
    back();
  }
  if (end == 0 || code[end - 1] == ';' || code[end - 1] == '}') return true;
  const bool new_line = code.substr(end, at - end).find('\n') != std::string_view::npos;
  return new_line && std::string_view("=>,?:&|.+-([{!<*/%^~").find(code[end - 1]) == std::string_view::npos;
}

/// Names of node:test that run nothing by being called.
bool IsHookOrTool(std::string_view name) {
  static const std::set<std::string_view> kNames = {"before", "after",  "beforeEach", "afterEach", "mock",
                                                    "run",    "assert", "snapshot",   "const",     "type"};
  return kNames.contains(name);
}

/// What the file calls node:test's functions: `import { test as check } from`, `const it = require(...)`.
std::set<std::string> RunnerNames(const SourceText& text) {
  static const RE2 kImport(R"(\bimport\s+([^;'"]+?)\s+from\s*["']node:test["'])");
  static const RE2 kRequire(
      R"(\b(?:const|let|var)\s+([^;='"]+?)\s*=\s*(?:await\s+)?(?:require|import)\s*\(\s*["']node:test["']\s*\))");
  static const RE2 kName(R"((?:(\w+)\s*(?:\bas\b|:)\s*)?([A-Za-z_$][\w$]*))");
  std::set<std::string> names = {"test", "it", "describe", "suite"};
  for (const RE2* clause : {&kImport, &kRequire}) {
    Each(*clause, text.raw, [&](size_t, std::string_view, std::string_view bound) {
      re2::StringPiece rest(bound.data(), bound.size());
      std::string original;
      std::string local;
      while (RE2::FindAndConsume(&rest, kName, &original, &local)) {
        if (!IsHookOrTool(original.empty() ? local : original)) names.insert(local);
      }
    });
  }
  return names;
}

bool MentionsNodeTest(const SourceText& text) {
  static const RE2 kModule(R"(["']node:test["'])");
  bool found = false;
  Each(kModule, text.raw, [&](size_t at, std::string_view, std::string_view) {
    found = found || text.comments[at] == ' ';
  });
  return found;
}

class NodeFiles {
 public:
  NodeFiles(const sandbox::SafeDir& dir, std::set<std::string> files) : dir_(dir), files_(std::move(files)) {}

  /// Itself, or through the project's own helpers for tests.
  bool UsesNodeTest(const std::string& path, const SourceText& text) {
    if (MentionsNodeTest(text)) return true;
    if (!seen_.insert(path).second) return false;
    for (const Import& import : ReadImports(path, text, files_)) {
      if (import.file.empty() || !IsTestPath(import.file)) continue;
      if (UsesNodeTest(import.file, Read(import.file))) return true;
    }
    return false;
  }

  SourceText Read(const std::string& path) const {
    auto raw = dir_.Read(path, kMaxTestFileBytes);
    return ReadSourceText(Language::kJavaScript, raw ? *std::move(raw) : "");
  }
  void Forget() { seen_.clear(); }

 private:
  const sandbox::SafeDir& dir_;
  std::set<std::string> files_;
  std::set<std::string> seen_;
};

std::string SaysLess(const UnendedFile& file, const std::string& path, int64_t expected) {
  const auto tests = [](int64_t count) { return std::to_string(count) + (count == 1 ? " test" : " tests"); };
  return sandbox::Printable(path) + " ended its process before its tests had ended: " +
         (file.tests == 0 ? "none" : std::to_string(file.tests)) + " of at least " + tests(expected) +
         " reported a result (neither a test nor code under test may end it)";
}

}  // namespace

int64_t TestsOnLoad(const std::string& raw) {
  static const RE2 kCall(R"(([A-Za-z_$][\w$]*)(?:\.(?:only|skip|todo|test|it|describe|suite))*\s*\()");
  static const RE2 kInside(R"((?:^|[^.\w$])(?:test|it)(?:\.\w+)*\s*\()");
  const SourceText text = ReadSourceText(Language::kJavaScript, raw);
  const std::set<std::string> names = RunnerNames(text);
  const std::string_view code = text.code;
  int64_t tests = 0;
  // From one call that stands in no bracket to the next.
  for (size_t at = 0; at < code.size();) {
    const char c = code[at];
    if (c == '(' || c == '[' || c == '{') {
      at = std::max(BehindBracket(code, at), at + 1);
      continue;
    }
    if (!IsWordCharacter(c)) {
      ++at;
      continue;
    }
    re2::StringPiece groups[2];
    const re2::StringPiece all(code.data(), code.size());
    size_t end = at;
    while (end < code.size() && IsWordCharacter(code[end])) ++end;
    if (!BeginsStatement(code, at) || !kCall.Match(all, at, code.size(), RE2::ANCHOR_START, groups, 2) ||
        !names.contains(groups[1].as_string())) {
      at = end;
      continue;
    }
    const size_t open = at + groups[0].size() - 1;
    at = std::max(BehindBracket(code, open), open + 1);
    const std::string_view inside = code.substr(open, at - open);
    const bool group = groups[1] == "describe" || groups[1] == "suite" || groups[0].ends_with("describe(") ||
                       groups[0].ends_with("suite(");
    tests += group ? Count(kInside, inside) : 1;
  }
  return tests;
}

UnendedFiles JudgeUnendedFiles(const sandbox::SafeDir& dir, const std::vector<std::string>& roots,
                               const std::vector<UnendedFile>& files) {
  UnendedFiles all;
  if (files.empty()) return all;
  const auto facts = ProjectFacts::Read(dir);
  std::set<std::string> paths;
  if (facts) paths.insert(facts->files().begin(), facts->files().end());
  NodeFiles project(dir, std::move(paths));
  for (const UnendedFile& file : files) {
    const std::string path = RelativePath(file.path, roots);
    if (file.begun > file.done) {
      if (all.problem.empty()) all.problem = SaysLess(file, path, file.tests + file.begun - file.done);
      continue;
    }
    project.Forget();
    const SourceText text = project.Read(path);
    const int64_t expected = project.UsesNodeTest(path, text) ? TestsOnLoad(text.raw) : 0;
    if (file.tests < expected) {
      if (all.problem.empty()) all.problem = SaysLess(file, path, expected);
    } else if (file.tests == 0) {
      ++all.by_exit_code;
    }
  }
  return all;
}

}  // namespace wfe::build
