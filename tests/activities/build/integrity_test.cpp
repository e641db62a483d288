// SEC-H8, SEC-H5, SEC-M6: what the examiner sees in a project without running it.  The catalogue in tests/cheats has whole cases;
// here stand the details on which they rest.

#include "activities/build/integrity/integrity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <nlohmann/json.hpp>

#include "activities/build/checks/dependency_guard.h"
#include "activities/build/checks/node_files.h"
#include "activities/build/checks/planted_files.h"
#include "activities/build/checks/reporters.h"
#include "activities/build/integrity/project_imports.h"
#include "activities/build/integrity/suspect_marks.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/tree_snapshot.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

using test::TempDir;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::SizeIs;

TestScan Scan(const std::string& path, const std::string& text) {
  return ScanTests(path, ReadSourceText(LanguageOf(path), text));
}

TEST(SourceTexts, CommentsAndStringsAreNoCode) {
  const SourceText js = ReadSourceText(Language::kJavaScript, "a('x // y'); // test.skip(\nb(/[/'\"]/, `t ${'}'}`); c");
  EXPECT_EQ(js.code.find("test.skip"), std::string::npos);
  EXPECT_NE(js.comments.find("test.skip("), std::string::npos);
  EXPECT_NE(js.code.find("; c"), std::string::npos) << "the quote in the regular expression opens nothing";
  const SourceText rust =
      ReadSourceText(Language::kRust, "fn f<'a>(x: &'a str) { r#\"\" // \"#; '\"' } /* /* */ x */ y");
  EXPECT_NE(rust.code.find(" y"), std::string::npos);
  EXPECT_EQ(rust.code.find("// "), std::string::npos);
  const SourceText python = ReadSourceText(Language::kPython, "'''# noqa\n''' ; x = 1  # noqa");
  EXPECT_THAT(ScanSuppressions(python), SizeIs(1));
  const SourceText cpp = ReadSourceText(Language::kCpp, "R\"x(// NOLINT )\" )x\"; 1'000; // NOLINT");
  EXPECT_THAT(ScanSuppressions(cpp), SizeIs(1));
}

TEST(TestScans, TestsAreCountedInEveryLanguage) {
  EXPECT_THAT(
      Scan("a.test.ts",
           "it('a', () => { expect(1 + x).toBe(2); });\nfor (const c of cases) test(c.name, () => check(c));\n"
           "/x/.test(s); function test(a) {}\ndescribe('g', () => { test('b', async () => { await x(); expect(y) }) })")
          .tests,
      SizeIs(3));
  EXPECT_THAT(Scan("test_a.py",
                   "def test_a():\n    assert f()\n\nclass TestB:\n    def test_b(self):\n        x()\n\n        "
                   "assert y\n    def helper(self): pass\n")
                  .tests,
              SizeIs(2));
  EXPECT_THAT(Scan("a_test.go", "func TestA(t *testing.T) { t.Error() }\nfunc ExampleB() {}\nfunc helper() {}").tests,
              SizeIs(2));
  EXPECT_THAT(Scan("src/a.rs", "#[test]\nfn a() { assert!(x) }\n#[tokio::test]\nasync fn b() { c().unwrap(); }").tests,
              SizeIs(2));
  EXPECT_THAT(Scan("test/a_test.cpp", "TEST(A, B) { EXPECT_EQ(a, 1); }\nTEST_F(A, DISABLED_C) { }").tests, SizeIs(2));
  EXPECT_EQ(Scan("test/a_test.cpp", "TEST(A, B) { EXPECT_EQ(a, 1); }\nTEST_F(A, DISABLED_C) { }").skipped, 1);
}

TEST(ReplacedRunners, AreFoundInCodeUnderTestAndOrdinaryNamesAreNot) {
  const auto found = [](const std::string& path, const std::string& text) {
    return ScanReplacedRunner(ReadSourceText(LanguageOf(path), text)).size();
  };
  for (const char* text :
       {"globalThis.expect = () => ({ toBe() {} });", "global['test'] = () => {};", "  expect = fake;\n",
        "Object.assign(globalThis, { expect: fake });", "Object.defineProperty(global, 'it', { value: fake });",
        "Reflect.set(globalThis, \"describe\", fake);", "globalThis.it ||= fake;"}) {
    EXPECT_EQ(found("src/a.js", text), 1U) << text;
    EXPECT_EQ(found("src/a.ts", text), 1U) << text;
  }
  for (const char* text :
       {"grammar.expect = (tokens) => tokens;", "globalThis.tests = [];", "if (globalThis.expect === undefined) f();",
        "const expect = (x) => x;", "global[name] = value;", "// globalThis.expect = 1\n", "globalThis.fetch = fake;",
        "Object.assign(window, { title: 'a' }); it(1);", "const f = { expect: 1 };",
        "const self = this; self.test = (x) => x;"}) {
    EXPECT_EQ(found("src/a.js", text), 0U) << text;
  }
  EXPECT_EQ(found("a.py", "unittest.TestCase.assertEqual = lambda *a: None\n"), 1U);
  EXPECT_EQ(found("a.py", "pytest.raises = fake\n"), 1U);
  EXPECT_EQ(found("a.py", "sys.modules['pytest'] = fake\n"), 1U);
  EXPECT_EQ(found("a.py", "sys.modules[name] = fake\nself.TestCases = 1\nx = pytest.raises == y\n"), 0U);
}

TEST(Additions, AreToldFromChanges) {
  const std::string before =
      "import { sum } from '../src/sum';\n\ndescribe('s', () => {\n  test('a', () => { expect(sum(1, 2)).toBe(3); "
      "});\n});\n";
  const auto adds = [&](const std::string& after) {
    return OnlyAdds(Language::kJavaScript, "s.test.ts", before, after);
  };
  EXPECT_TRUE(
      adds("// more\nimport {\n  other,\n  sum,\n} from '../src/sum';\n\ndescribe('s', () => {\n  test('a', () => {\n"
           "    expect(sum(1, 2)).toBe(3);\n  });\n  test('b', () => { expect(other()).toBe(1); });\n});\n"))
      << "layout, comments, imports and tests that are added";
  EXPECT_FALSE(
      adds("import { sum } from './fake';\nimport '../src/sum';\n\ndescribe('s', () => {\n  test('a', () => { "
           "expect(sum(1, 2)).toBe(3); });\n});\n"))
      << "the name comes from elsewhere";
  EXPECT_FALSE(
      adds("import { sum } from '../src/sum';\n\ndescribe('s', () => {\n  return;\n  test('a', () => { expect(sum(1, "
           "2)).toBe(3); });\n});\n"));
  EXPECT_FALSE(
      adds("import { sum } from '../src/sum';\n\nif (false) {\ndescribe('s', () => {\n  test('a', () => { "
           "expect(sum(1, 2)).toBe(3); });\n});\n}\n"));
}

TEST(Additions, ToTheMainOfATestProgramAreAdditions) {
  const std::string before = "#include \"area.h\"\nint main() {\n  if (rectangle(2, 3) != 6) return 1;\n  return 0;\n}\n";
  const auto adds = [&](const std::string& text, const std::string& at) {
    std::string after = before;
    after.insert(after.find(at), text);
    return OnlyAdds(Language::kCpp, "area_test.cpp", before, after);
  };
  EXPECT_TRUE(adds("  if (square(3) != 9) return 1;\n", "  return 0;")) << "one check more";
  EXPECT_TRUE(adds("static void square_test(void) {\n  ASSERT(square(3) == 9);\n}\n", "int main"));
  EXPECT_TRUE(adds("  RUN_TEST(square_test);\n", "  if (rect"));
  EXPECT_FALSE(adds("  return 0;\n", "  if (rect"));
  EXPECT_FALSE(adds("  if (1) return 0;\n", "  if (rect"));
  EXPECT_FALSE(adds("  std::exit(0);\n", "  if (rect"));
  EXPECT_FALSE(adds("#if 0\n", "  if (rect"));
  EXPECT_FALSE(adds("#define rectangle(a, b) 6\n", "int main"));
  EXPECT_FALSE(adds("#undef ASSERT\n", "int main"));
  EXPECT_TRUE(adds("#define SIDE 3\n", "int main"));
  EXPECT_FALSE(OnlyAdds(Language::kCpp, "area_test.cpp", before, "int main() { return 0; }\n"));
}

TEST(Imports, LeadToTheProjectsFiles) {
  const std::set<std::string> files = {"src/sum.ts", "dist/sum.js", "src/pkg/__init__.py", "src/pkg/calc.py",
                                       "tests/t.ts"};
  EXPECT_EQ(ResolveModule("tests/t.ts", Language::kJavaScript, "../src/sum.js", files), "src/sum.ts");
  EXPECT_EQ(ResolveModule("tests/t.ts", Language::kJavaScript, "../dist/sum.js", files), "dist/sum.js");
  EXPECT_EQ(ResolveModule("tests/t.ts", Language::kJavaScript, "lodash", files), "");
  EXPECT_EQ(ResolveModule("tests/t.ts", Language::kJavaScript, "../../../etc/passwd", files), "");
  EXPECT_EQ(ResolveModule("tests/test_a.py", Language::kPython, "pkg.calc", files), "src/pkg/calc.py");
  EXPECT_EQ(ResolveModule("src/pkg/other.py", Language::kPython, ".calc", files), "src/pkg/calc.py");
}

class Project : public testing::Test {
 protected:
  sandbox::SafeDir Dir() const { return sandbox::SafeDir::Open(root_.path(), {.reserved = {}}).value(); }
  const TempDir root_;
};

TEST_F(Project, ABaselineSurvivesItsJourneyAsJson) {
  root_.Put("tests/a.test.js", "test.skip('a', () => { expect(f()).toBe(1); });\n");
  root_.Put("tests/data.json", "{}");
  const TestBaseline baseline = RecordBaseline(Dir()).value();
  const TestBaseline read = BaselineFromJson(ToJson(baseline)).value();
  EXPECT_EQ(ToJson(read), ToJson(baseline));
  EXPECT_EQ(read.tests, 1);
  EXPECT_THAT(read.files, Contains(Key("tests/data.json")));
  EXPECT_FALSE(BaselineFromJson(nlohmann::json::array()).has_value());
  EXPECT_FALSE(BaselineFromJson({{"version", 1}, {"files", 3}}).has_value());
}

TEST_F(Project, NamesThatAreNoTextGoThroughJsonToo) {
  root_.Put("tests/caf\xe9.json", "{}");
  root_.Put("tests/a\nb.json", "{}");
  TestBaseline baseline = RecordBaseline(Dir()).value();
  // Listed as what stood there before, so that they are not taken for planted ones.
  EXPECT_THAT(baseline.plants, Contains(Key("tests/caf\xe9.json")));
  EXPECT_THAT(baseline.plants, Contains(Key("tests/a\nb.json")));
  baseline.files["caf\xe9.test.js"].is_test = true;
  const TestBaseline read = BaselineFromJson(nlohmann::json::parse(ToJson(baseline).dump())).value();
  EXPECT_EQ(read.plants, baseline.plants);
  EXPECT_THAT(read.files, Contains(Key("caf\xe9.test.js")));
}

TEST_F(Project, TestProgramsInCMayGrow) {
  const std::string more = "static void more(void) {\n    TEST_ASSERT_TRUE(ok());\n}\n";
  const std::string main = "int CDECL main(void)\n{\n    RUN_TEST(less);\n    return UNITY_END();\n}\n";
  const std::string suite = "static void less(void) {\n    TEST_ASSERT_FALSE(bad());\n}\n";
  root_.Put("tests/misc_tests.c", suite + main);
  root_.Put("tests/suite_tests.c", suite);
  TestBaseline baseline = RecordBaseline(Dir()).value();
  std::string grown = main;
  grown.insert(grown.find("    RUN_TEST"), "    RUN_TEST(more);\n");
  root_.Put("tests/misc_tests.c", suite + more + grown);
  root_.Put("tests/suite_tests.c", suite + more);
  EXPECT_THAT(CheckIntegrity(Dir(), baseline, true)->changed, testing::IsEmpty());
  root_.Put("tests/suite_tests.c", more);
  EXPECT_THAT(CheckIntegrity(Dir(), baseline, true)->changed, testing::ElementsAre("tests/suite_tests.c"));
}

TEST_F(Project, ADeletedTestAndAChangedFixtureComeBackUnderStrictAndAreOnlyNamedUnderWarn) {
  root_.Put("tests/a.test.js", "test('a', () => { expect(f()).toBe(1); });\n");
  root_.Put("tests/expected.json", "{\"a\": 1}");
  TestBaseline baseline = RecordBaseline(Dir()).value();
  const auto spoil = [&] {
    std::filesystem::remove(root_ / "tests/a.test.js");
    root_.Put("tests/expected.json", "{\"a\": 2}");
  };
  spoil();
  const IntegrityCheck warned = CheckIntegrity(Dir(), baseline, /*put_back=*/false).value();
  EXPECT_THAT(warned.changed, ElementsAre("tests/a.test.js", "tests/expected.json"));
  EXPECT_THAT(warned.restored, IsEmpty());
  const IntegrityCheck strict = CheckIntegrity(Dir(), baseline, /*put_back=*/true).value();
  EXPECT_THAT(strict.restored, ElementsAre("tests/a.test.js", "tests/expected.json"));
  EXPECT_EQ(root_.Get("tests/expected.json"), "{\"a\": 1}");
  EXPECT_THAT(CheckIntegrity(Dir(), baseline, true).value().findings, IsEmpty());
}

TEST_F(Project, AMovedSuppressionIsNotANewOne) {
  root_.Put("src/a.js", "// eslint-disable-next-line no-console\nconsole.log(1);\n");
  TestBaseline baseline = RecordBaseline(Dir()).value();
  std::filesystem::rename(root_ / "src/a.js", root_ / "src/b.js");
  EXPECT_THAT(CheckIntegrity(Dir(), baseline, true).value().findings, IsEmpty());
  root_.Put("src/c.js", "// eslint-disable-next-line no-console\nconsole.log(2);\n");
  const IntegrityCheck check = CheckIntegrity(Dir(), baseline, true).value();
  ASSERT_THAT(check.findings, SizeIs(1));
  EXPECT_EQ(check.findings[0].error_class, kSuppressed);
}

// ---- plants

TEST_F(Project, NewPlantsAreTakenAwayAndTheUsersOwnStay) {
  root_.Put(".env", "MINE=1");
  root_.Put(".git/config", "[core]\n");
  const auto known = ListPlants(Dir()).value();
  EXPECT_THAT(known, Contains(Key(".env")));
  const sandbox::SafeDir dir = Dir();
  PlantGuard guard(dir, known);
  ASSERT_TRUE(guard.Remember().has_value());
  root_.Put(".env.local", "x");
  root_.Put(".env.example", "x");
  root_.Put(".gemini/settings.json", "{}");
  root_.Put(".git/config", "[core]\nfsmonitor=evil\n");
  root_.Put(".git/hooks/post-commit", "evil");
  root_.Put("src/evil", "x");
  root_.Put("src/new\nline.txt", "x");
  ASSERT_EQ(::chmod((root_ / "src/evil").c_str(), 04755), 0);
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  ASSERT_TRUE(guard.Sweep("a test").has_value());
  EXPECT_THAT(guard.removed(), ElementsAre(".env.local", ".gemini", "pipe", "src/evil", "src/new?line.txt",
                                           ".git/config", ".git/hooks/post-commit"));
  EXPECT_TRUE(root_.Has(".env") && root_.Has(".env.example") && root_.Has("src/evil"));
  EXPECT_FALSE(root_.Has(".env.local") || root_.Has(".gemini") || root_.Has("pipe"));
  EXPECT_EQ(root_.Get(".git/config"), "[core]\n");
  struct stat status = {};
  ASSERT_EQ(::stat((root_ / "src/evil").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
  EXPECT_THAT(guard.TakeFindings(), SizeIs(7));
  ASSERT_TRUE(guard.Sweep("a test").has_value());
  EXPECT_THAT(guard.TakeFindings(), IsEmpty());
}

TEST_F(Project, AnOddNameIsNoPartOfASnapshot) {
  root_.Put("a.txt", "a");
  root_.Put("src/new\nline.txt", "x");
  root_.Put("bad\xff.txt", "x");
  const auto snapshot = sandbox::TakeSnapshot(Dir(), {});
  ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message;
  ASSERT_THAT(snapshot->files, SizeIs(1));
  EXPECT_EQ(snapshot->files[0].path, "a.txt");
}

// ---- SEC-M9

TEST_F(Project, ChangedSharedDependenciesAreThrownAway) {
  root_.Put("deps/abc/node_modules/.bin/tool", "good");
  root_.Put("deps/abc/node_modules/.cache/x", "a tool's own");
  const DependencyGuard untouched(root_ / "deps/abc/node_modules");
  root_.Put("deps/abc/node_modules/.cache/y", "a tool's own");
  EXPECT_FALSE(untouched.ThrowAwayWhenChanged());
  EXPECT_FALSE(root_.Has("deps/abc/node_modules/.cache")) << "nothing in it reaches the next build";
  const DependencyGuard guard(root_ / "deps/abc/node_modules");
  root_.Put("deps/abc/node_modules/.bin/evil", "evil");
  EXPECT_TRUE(guard.ThrowAwayWhenChanged());
  EXPECT_FALSE(root_.Has("deps/abc"));
}

// ---- what comes through the reporters' socket

TEST(Reporters, OnlyWhoKnowsTheNonceIsBelieved) {
  const std::string nonce(64, 'a');
  const std::string end = nonce + " end {\"suites\":1,\"expected\":1}\n";
  const ReporterRecord good = ReadReporter(Reporter::kJest, nonce + " result {}\nleftover 2\n" + end, nonce);
  EXPECT_TRUE(good.ended && !good.forged && good.problem.empty());
  EXPECT_EQ(good.result, "{}");
  EXPECT_EQ(good.leftover, 2);
  EXPECT_FALSE(ReadReporter(Reporter::kJest, nonce + " result {}\n", nonce).ended);
  EXPECT_TRUE(ReadReporter(Reporter::kJest, "end {}\n" + end, nonce).forged);
  EXPECT_TRUE(ReadReporter(Reporter::kJest, end + end, nonce).forged) << "nothing comes behind the end";
  EXPECT_TRUE(ReadReporter(Reporter::kJest, nonce + " result {}\n" + nonce + " result {}\n" + end, nonce).forged);
  EXPECT_TRUE(ReadReporter(Reporter::kJest, nonce + " end {\"suites\":1", nonce).forged) << "cut off";
  EXPECT_NE(ReadReporter(Reporter::kJest, nonce + " end {\"suites\":1,\"expected\":2}\n", nonce).problem, "");
  EXPECT_NE(
      ReadReporter(Reporter::kPytest, nonce + " end {\"total\":2,\"failed\":0,\"forged\":[\"t\"],\"exit\":0}\n", nonce)
          .problem,
      "");
}

TEST(Reporters, CountsThatContradictEachOtherAreAProblem) {  // SEC-H8
  const std::string nonce(64, 'b');
  const auto read = [&](Reporter reporter, const std::string& end) {
    return ReadReporter(reporter, nonce + " end " + end + "\n", nonce);
  };
  const auto report = [](const char* more) {
    return std::string(R"({"total":2,"failed":0,"skipped":1,"files":1,)") + R"("reports":[{"file":"/w/a.test.js",)" +
           more + "}]}";
  };
  const ReporterRecord good = read(Reporter::kNode, report(R"("tests":2,"begun":2,"done":2,"ended":true)"));
  EXPECT_TRUE(good.ended && good.problem.empty() && good.unended.empty());
  EXPECT_EQ(good.total, 2);
  EXPECT_EQ(good.skipped, 1);
  const ReporterRecord cut = read(Reporter::kNode, report(R"("tests":1,"begun":3,"done":1,"ended":false)"));
  ASSERT_THAT(cut.unended, SizeIs(1));
  EXPECT_EQ(cut.unended[0].path, "/w/a.test.js");
  EXPECT_EQ(cut.unended[0].begun, 3);
  EXPECT_NE(read(Reporter::kNode, report(R"("tests":5,"begun":5,"done":5,"ended":true)")).problem, "");
  EXPECT_TRUE(read(Reporter::kNode, R"({"total":"many"})").forged);
  EXPECT_TRUE(read(Reporter::kNode, R"({"total":1,"reports":[7]})").forged);
  EXPECT_FALSE(read(Reporter::kNode, R"([1])").ended);

  EXPECT_EQ(read(Reporter::kUnittest, R"({"total":2,"failed":0,"skipped":2,"collected":2,"exit":0})").problem, "");
  EXPECT_NE(read(Reporter::kUnittest, R"({"total":1,"failed":0,"collected":2,"exit":0})").problem, "");
  EXPECT_NE(read(Reporter::kUnittest, R"({"total":1,"unfinished":1,"collected":1,"exit":0})").problem, "");
  EXPECT_NE(read(Reporter::kUnittest, R"({"total":1,"collected":1,"replaced":["TestCase.run"],"exit":0})").problem, "");

  const std::string end = nonce + " end {\"suites\":1,\"expected\":1}\n";
  const std::string result =
      R"({"numTotalTests":3,"numFailedTests":1,"numPendingTests":1,"numRuntimeErrorTestSuites":1})";
  const ReporterRecord suites =
      ReadReporter(Reporter::kVitest, nonce + " result " + result + "\n" + end, nonce);
  EXPECT_EQ(suites.total, 3);
  EXPECT_EQ(suites.failed, 2);
  EXPECT_EQ(suites.skipped, 1);
}

TEST(Reporters, StandBesideThoseOfTheCommand) {
  const auto attached = [](Reporter reporter, std::vector<std::string> argv, sandbox::Environment environment = {}) {
    sandbox::ProcessSpec spec;
    spec.argv = std::move(argv);
    spec.environment = std::move(environment);
    AttachReporter(reporter, "/wfe", 0, spec);
    return spec.argv;
  };
  const std::string ours = "--test-reporter=/wfe/node_reporter.mjs";
  const std::string to = "--test-reporter-destination=";
  EXPECT_THAT(attached(Reporter::kNode, {"node", "--test", "test/"}),
              ElementsAre("node", ours, to + "stderr", "--test-reporter=spec", to + "stdout", "--test", "test/"));
  EXPECT_THAT(attached(Reporter::kNode, {"node", "--test", "--test-reporter", "dot"}),
              ElementsAre("node", ours, to + "stderr", to + "stdout", "--test", "--test-reporter", "dot"));
  EXPECT_THAT(attached(Reporter::kNode, {"node", "--test", "--test-reporter=dot", to + "out"}),
              ElementsAre("node", ours, to + "stderr", "--test", "--test-reporter=dot", to + "out"));
  EXPECT_THAT(attached(Reporter::kNode, {"node", "--test"}, {{"NODE_OPTIONS", "--no-warnings --test-reporter=tap"}}),
              ElementsAre("node", ours, to + "stdout", to + "stderr", "--test"))
      << "what comes from the environment is first";
  EXPECT_THAT(attached(Reporter::kVitest, {"vitest", "run"}),
              ElementsAre("vitest", "run", "--reporter=default", "--reporter=/wfe/vitest_reporter.mjs"));
  EXPECT_THAT(attached(Reporter::kUnittest, {"python3", "-B", "-m", "unittest", "discover", "-v"}),
              ElementsAre("python3", "-B", "/wfe/wfe_unittest.py", "discover", "-v"));
  EXPECT_THAT(attached(Reporter::kPytest, {"python3", "-m", "pytest", "-q", "pytest"}),
              ElementsAre("python3", "/wfe/wfe_pytest.py", "-p", "wfe_pytest", "-q", "pytest"));
  EXPECT_THAT(attached(Reporter::kPytest, {"pytest", "-q"}), ElementsAre("pytest", "-p", "wfe_pytest", "-q"));
}

TEST(Reporters, AreThereForTheirRunnersAlone) {
  EXPECT_EQ(ReporterFor({"node_modules/.bin/jest", "--ci"}), Reporter::kJest);
  EXPECT_EQ(ReporterFor({"vitest", "run"}), Reporter::kVitest);
  EXPECT_EQ(ReporterFor({".venv/bin/python3", "-m", "pytest"}), Reporter::kPytest);
  EXPECT_EQ(ReporterFor({"$PYTHON", "-W", "error", "-X", "dev", "-B", "-m", "unittest", "-q"}), Reporter::kUnittest);
  EXPECT_EQ(ReporterFor({"node", "--import", "./setup.mjs", "--test", "test/"}), Reporter::kNode);
  EXPECT_EQ(ReporterFor({"/usr/bin/node", "--test"}), Reporter::kNode);
  for (const std::vector<std::string>& other :
       std::vector<std::vector<std::string>>{{"npx", "jest"},
                                             {"npm", "test"},
                                             {"tsx", "--test"},
                                             {"mocha"},
                                             {"node", "run.js", "--test"},
                                             {"node", "--require", "--test"},
                                             {"node", "--test", "--watch"},
                                             {"node", "-e", "1", "--test"},
                                             {"node_modules/.bin/node", "--test"},
                                             {"python3", "tests/run.py", "-m", "unittest"},
                                             {"python3", "-c", "1", "-m", "unittest"},
                                             {"python3", "-m"},
                                             {"python3", "-m", "nose"},
                                             {}}) {
    EXPECT_EQ(ReporterFor(other), Reporter::kNone) << sandbox::JoinCommand(other);
  }
}

// ---- files of node's runner that ended before their tests had

TEST(NodeFiles, RunTheTestsThatStandInNoFunction) {
  EXPECT_EQ(TestsOnLoad("const { test, describe: group } = require('node:test');\ntest('a', () => {});\n"
                        "describe('g', () => {\n  it('b', () => { /x/.test(s); });\n  it.skip('c', () => {});\n});\n"),
            3);
  EXPECT_EQ(TestsOnLoad("import check, { after } from 'node:test';\nafter(() => {});\ncheck('a', () => {});\n"
                        "await check('b', async (t) => { await t.test('c', () => {}); });"),
            2);
  EXPECT_EQ(TestsOnLoad("import { test as base, mock } from 'node:test';\n"
                        "export const db = (name, run) => base(name, () => run(mock.fn()));\n"
                        "export function named(name) {\n  test(name, () => {});\n}\n// test('no', () => {});\n"
                        "const text = `\ntest('no', () => {});\n`;\nexport { base as test };\n"),
            0)
      << "a helper";
  EXPECT_EQ(TestsOnLoad("function test(name, run) { run(); }\ntest('a', () => {});"), 1) << "who calls it decides";
}

TEST_F(Project, NodeFilesThatToldNothingAreJudgedByWhatTheyHold) {  // SEC-H8
  root_.Put("test/a.test.js", "const { test } = require('node:test');\ntest('a', () => {});\ntest('b', () => {});\n");
  root_.Put("test/helpers.js", "const { test } = require('node:test');\nexports.named = (n) => test(n, () => {});\n");
  root_.Put("test/b.test.js", "const { test } = require('./helpers');\ntest('a', () => {});\n");
  root_.Put("test/script.js", "function test(n, f) { f(); }\ntest('a', () => {});\n");
  const sandbox::SafeDir dir = Dir();
  const auto judge = [&](const std::string& name, int64_t tests, int64_t begun) {
    return JudgeUnendedFiles(dir, {root_.path(), "/w"},
                             {{.path = "/w/test/" + name, .tests = tests, .begun = begun, .done = tests}});
  };
  EXPECT_THAT(judge("a.test.js", 0, 0).problem, testing::HasSubstr("test/a.test.js ended its process before"));
  EXPECT_THAT(judge("a.test.js", 1, 1).problem, testing::HasSubstr("1 of at least 2 tests"));
  EXPECT_EQ(judge("a.test.js", 2, 2).problem, "") << "a hook may end the process when all is said";
  EXPECT_THAT(judge("a.test.js", 2, 3).problem, testing::HasSubstr("2 of at least 3 tests"));
  EXPECT_THAT(judge("b.test.js", 0, 0).problem, testing::HasSubstr("test/b.test.js"));
  EXPECT_EQ(judge("helpers.js", 0, 0).problem, "");
  EXPECT_EQ(judge("helpers.js", 0, 0).by_exit_code, 1);
  EXPECT_EQ(judge("script.js", 0, 0).by_exit_code, 1);
  EXPECT_EQ(judge("gone.js", 0, 0).by_exit_code, 1);
}

}  // namespace
}  // namespace wfe::build
