#include "activities/build/integrity/integrity.h"

#include <algorithm>
#include <set>

#include "activities/build/integrity/project_imports.h"
#include "activities/build/integrity/suspect_marks.h"

namespace wfe::build {
namespace {

constexpr size_t kShownPerClass = 20;

std::string Explain(const Mark& mark) {
  const std::string_view c = mark.error_class;
  if (c == kTestSkipped) return "a test is skipped (" + mark.kind + "); every test must run";
  if (c == kTestFocused) return "only some of the tests run (" + mark.kind + "); every test must run";
  if (c == kSuppressed) return "a checker is silenced here (" + mark.kind + "); repair the cause instead";
  if (c == kSubjectMocked) return "the test replaces what it is to examine (" + mark.kind + ")";
  if (c == kUnexaminedSource) return "uses " + mark.kind + ", which lies where no checker looks; move it to the sources";
  if (c == kVacuousTest) return mark.kind + ": it passes whatever the code does";
  if (c == kFailureCaught) return mark.kind + " inside the test, so it cannot fail";
  if (c == kAlwaysPasses) return mark.kind + " succeeds whatever it finds";
  if (c == kTestDetected) return "the code asks whether it is being tested (" + mark.kind + ")";
  return "this interferes with the test runner (" + mark.kind + ")";
}

class Comparison {
 public:
  Comparison(const sandbox::SafeDir& dir, TestBaseline& baseline, bool put_back)
      : dir_(dir), baseline_(baseline), put_back_(put_back) {}

  Result<IntegrityCheck> Run() {
    WFE_ASSIGN_OR_RETURN(check_.scan, ScanProject(dir_));
    WFE_RETURN_IF_ERROR(FollowRenames());
    for (const auto& [path, file] : baseline_.files) {
      if (file.is_test) WFE_RETURN_IF_ERROR(CompareTestFile(path, file));
    }
    InlineTests();
    NewMarks();  // Of what the agent made, before it was put back.
    if (!check_.restored.empty()) {
      WFE_ASSIGN_OR_RETURN(check_.scan, ScanProject(dir_));
    }
    Totals();
    std::sort(check_.changed.begin(), check_.changed.end());
    std::sort(check_.restored.begin(), check_.restored.end());
    return std::move(check_);
  }

 private:
  void Add(std::string path, int64_t line, std::string_view error_class, std::string text) {
    check_.findings.push_back({.path = std::move(path),
                               .line = line,
                               .column = 0,
                               .error_class = std::string(error_class),
                               .text = std::move(text)});
  }
  const FileScan* Now(const std::string& path) const {
    const auto found = check_.scan.files.find(path);
    return found == check_.scan.files.end() ? nullptr : &found->second;
  }

  /// A test file that stands elsewhere with the same content, where its runner finds it, was renamed.
  Status FollowRenames() {
    std::map<std::string, std::string> appeared;
    for (const auto& [path, scan] : check_.scan.files) {
      if (scan.is_test && !baseline_.files.contains(path)) appeared.emplace(scan.hash, path);
    }
    std::vector<std::pair<std::string, std::string>> renamed;
    for (const auto& [path, file] : baseline_.files) {
      if (!file.is_test || Now(path) != nullptr) continue;
      const auto found = appeared.find(file.hash);
      if (found == appeared.end() || LiesWhereNobodyLooks(found->second)) continue;
      const std::string& to = found->second;
      const auto ending = [](const std::string& name) { return name.substr(std::min(name.find('.', name.rfind('/') + 1), name.size())); };
      if (HasTestName(path) != HasTestName(to) || ending(path) != ending(to)) continue;
      renamed.emplace_back(path, to);
    }
    for (const auto& [from, to] : renamed) {
      auto node = baseline_.files.extract(from);
      node.key() = to;
      // The copy is found by the path, so the new path gets its own.
      const auto content = dir_.Read(to);
      if (content && ShortHash(*content) == node.mapped().hash) WFE_RETURN_IF_ERROR(KeepCopy(dir_, to, *content));
      baseline_.files.insert(std::move(node));
    }
    return Ok();
  }

  Status CompareTestFile(const std::string& path, const TestBaseline::File& file) {
    const FileScan* now = Now(path);
    if (now != nullptr && now->hash == file.hash) return Ok();
    bool have_copy = false;
    const std::string before = BaselineCopy(dir_, path, file, &have_copy);
    // In C and C++ a file of tests need not show any: its functions are called from another file's main.
    if (now != nullptr && (!file.bodies.empty() || (have_copy && LanguageOf(path) == Language::kCpp))) {
      const auto after = dir_.Read(path);
      if (after && (have_copy ? OnlyAdds(LanguageOf(path), path, before, *after) : Holds(now->bodies, file.bodies))) {
        return Ok();
      }
    }
    check_.changed.push_back(path);
    bool restored = false;
    if (put_back_ && have_copy) restored = dir_.Write(path, before, BaselineMode(dir_, path)).has_value();
    if (restored) check_.restored.push_back(path);
    Add(path, 0, kTestChanged,
        std::string(now == nullptr ? "this belongs to the tests that stood here before and was removed"
                                   : "this belongs to the tests that stood here before and was changed") +
            (restored ? "; it was put back as it was" : put_back_ ? "; it could not be put back" : ""));
    return Ok();
  }

  /// Every one of `wanted`, as often.
  static bool Holds(std::vector<std::string> present, std::vector<std::string> wanted) {
    std::sort(present.begin(), present.end());
    std::sort(wanted.begin(), wanted.end());
    return std::includes(present.begin(), present.end(), wanted.begin(), wanted.end());
  }

  /// Tests that stand in a source file (Rust's `mod tests`) may move, and may not change.
  void InlineTests() {
    std::multiset<std::string> present;
    for (const auto& [path, scan] : check_.scan.files) present.insert(scan.bodies.begin(), scan.bodies.end());
    for (const auto& [path, file] : baseline_.files) {
      if (file.is_test) continue;
      int64_t missing = 0;
      for (const std::string& body : file.bodies) {
        const auto found = present.find(body);
        if (found == present.end()) {
          ++missing;
        } else {
          present.erase(found);
        }
      }
      if (missing == 0) continue;
      check_.changed.push_back(path);
      Add(path, 0, kTestChanged, std::to_string(missing) + " of the tests that stood in this file before were changed or removed; put them back");
    }
  }

  void Totals() {
    const ProjectScan& scan = check_.scan;
    if (scan.tests < baseline_.tests) {
      Add("", 0, kTestsRemoved,
          "there are " + std::to_string(scan.tests) + " tests; there were " + std::to_string(baseline_.tests));
    } else if (scan.assertions < baseline_.assertions && scan.tests <= baseline_.tests) {
      Add("", 0, kAssertionsRemoved,
          "the tests hold " + std::to_string(scan.assertions) + " assertions; they held " + std::to_string(baseline_.assertions));
    }
    baseline_.tests = std::max(baseline_.tests, scan.tests);
    baseline_.assertions = std::max(baseline_.assertions, scan.assertions);
  }

  void NewMarks() {
    std::map<std::string, int64_t> allowed;
    for (const auto& [path, file] : baseline_.files) {
      for (const auto& [key, count] : file.marks) allowed[key] += count;
    }
    std::map<std::string, int64_t> seen;
    for (const auto& [path, scan] : check_.scan.files) {
      for (const Mark& mark : scan.marks) ++seen[MarkKey(mark)];
    }
    std::map<std::string, size_t> shown;
    for (const auto& [path, scan] : check_.scan.files) {
      const auto before = baseline_.files.find(path);
      std::map<std::string, int64_t> own;
      if (before != baseline_.files.end()) own = before->second.marks;
      for (const Mark& mark : scan.marks) {
        const std::string key = MarkKey(mark);
        if (own[key]-- > 0) continue;  // As many of them stood in this file.
        if (seen[key] <= allowed[key]) continue;
        --seen[key];
        if (++shown[key] > kShownPerClass) continue;
        Add(path, mark.line, mark.error_class, Explain(mark));
      }
    }
  }

  const sandbox::SafeDir& dir_;
  TestBaseline& baseline_;
  const bool put_back_;
  IntegrityCheck check_;
};

}  // namespace

Result<IntegrityCheck> CheckIntegrity(const sandbox::SafeDir& dir, TestBaseline& baseline, bool put_back) {
  return Comparison(dir, baseline, put_back).Run();
}

}  // namespace wfe::build
