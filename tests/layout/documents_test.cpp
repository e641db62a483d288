// What the code refers to exists in the documents, and what is committed names no machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "tests/layout/source_tree.h"

namespace wfe::layout {
namespace {

using testing::IsEmpty;

/// Requirements, semantics (S), linter rules (H), faults (F), rules of cost (R), real work (RW), differences on the wire (WIRE),
/// who gets in (SEC) and pitfalls of the wire.
const std::regex& IdPattern() {
  static const std::regex pattern(
      R"(\b((?:VI|EN|LG|TR|TX|RC|AB|SG|OP|PO|CW|BP|CE|PD|QF|GW|WO|AC|PF|BN|ST|SR|LN|VA|CC|XB|RO|RB|MO|CL|CF|HT|RP|TG)-[0-9]+|RW-D[0-9]+|WIRE-F[0-9]+|SEC-[CHM][0-9]+|[SHF][0-9]{1,3}|R[0-9]|[Pp]itfall [0-9]+)\b)");
  return pattern;
}

std::string Normal(std::string id) {
  if (id.starts_with('P') && id.find(' ') != std::string::npos) id.front() = 'p';
  return id;
}

/// An id is defined where docs/reference sets it in bold.
std::set<std::string> DefinedIds() {
  static const std::regex kBold(R"(\*\*([^*]+)\*\*)");
  std::set<std::string> ids;
  for (const SourceFile& page : ReadTree({"docs/reference"}, {".md"})) {
    for (std::sregex_iterator bold(page.text.begin(), page.text.end(), kBold), end; bold != end; ++bold) {
      const std::string text = (*bold)[1];
      if (std::regex_match(text, IdPattern())) ids.insert(Normal(text));
    }
  }
  return ids;
}

TEST(Documents, EveryIdThatCodeAndTestsNameIsDefinedInTheReference) {
  const std::set<std::string> defined = DefinedIds();
  EXPECT_GT(defined.size(), 300U) << "the pages of docs/reference could not be read";
  std::vector<std::string> dangling;
  for (const SourceFile& file : ReadTree({"engine", "workers", "activities", "workflows", "tools", "tests", "schemas"},
                                         {".h", ".cpp", ".ts", ".proto", ".sh", ".cmake", "CMakeLists.txt"})) {
    // This file holds examples of what must not be.
    if (file.path == "tests/layout/documents_test.cpp") continue;
    size_t number = 0;
    for (const std::string& line : Lines(file.text)) {
      ++number;
      const std::string comment(CommentOf(file.path, line));
      for (std::sregex_iterator id(comment.begin(), comment.end(), IdPattern()), end; id != end; ++id) {
        if (!defined.contains(Normal((*id)[1]))) {
          dangling.push_back(file.path + ":" + std::to_string(number) + ": " + (*id)[1].str() +
                             " is not in docs/reference");
        }
      }
    }
  }
  EXPECT_THAT(dangling, IsEmpty());
}

TEST(Documents, NoIdIsDefinedTwice) {
  static const std::regex kDefinition(R"(^(?:[-|]|H|\s)*\s*\*\*([^*]+)\*\*)");
  std::map<std::string, std::string> first;
  for (const SourceFile& page : ReadTree({"docs/reference"}, {".md"})) {
    for (const std::string& line : Lines(page.text)) {
      std::smatch match;
      if (!std::regex_search(line, match, kDefinition)) continue;
      const std::string id = match[1];
      if (!std::regex_match(id, IdPattern())) continue;
      const auto [at, is_new] = first.emplace(id, page.path);
      EXPECT_TRUE(is_new) << id << " is defined in " << at->second << " and again in " << page.path;
    }
  }
}

/// The targets of links in markdown are files of the checkout.
TEST(Documents, EveryRelativeLinkLeadsToAFile) {
  static const std::regex kLink(R"(\]\(([^)#:]+)(?:#[^)]*)?\))");
  std::set<std::string> known;
  std::vector<SourceFile> pages =
      ReadTree({"docs", "tests", "tools", "workflows", "activities", "engine", "workers", "schemas"}, {});
  for (const SourceFile& file : pages) {
    for (size_t slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', slash + 1)) {
      known.insert(file.path.substr(0, slash));
    }
    known.insert(file.path);
  }
  known.insert("README.md");
  std::erase_if(pages, [](const SourceFile& file) { return !file.path.ends_with(".md"); });
  for (const SourceFile& page : pages) {
    for (std::sregex_iterator link(page.text.begin(), page.text.end(), kLink), end; link != end; ++link) {
      std::string target = (*link)[1];
      std::string folder = page.path.substr(0, page.path.rfind('/'));
      while (target.starts_with("../")) {
        target.erase(0, 3);
        const size_t slash = folder.rfind('/');
        folder = slash == std::string::npos ? "" : folder.substr(0, slash);
      }
      while (target.ends_with('/')) target.pop_back();
      const std::string path = folder.empty() ? target : folder + "/" + target;
      EXPECT_TRUE(known.contains(path)) << page.path << " links to " << path << ", which is not there";
    }
  }
}

TEST(Documents, LockFilesNameNoHost) {
  static const std::regex kAddress(R"re("resolved"\s*:\s*"[a-z+]+://)re");
  size_t locks = 0;
  for (const SourceFile& file : ReadTree({"."}, {"package-lock.json"})) {
    ++locks;
    EXPECT_FALSE(std::regex_search(file.text, kAddress))
        << file.path << " says where its packages were downloaded from";
    const std::string folder = file.path.substr(0, file.path.rfind('/'));
    EXPECT_THAT(ReadSource(folder + "/.npmrc"), testing::HasSubstr("omit-lockfile-registry-resolved=true"))
        << "without it, the next change of " << file.path << " would name a host";
  }
  EXPECT_GE(locks, 1U);
}

/// Names of all methods of Temporal's WorkflowService, from the protos the build has fetched.
std::set<std::string> WorkflowServiceMethods() {
  static const std::regex kMethod(R"(\brpc\s+(\w+)\s*\()");
  std::set<std::string> methods;
  for (const auto& version : std::filesystem::directory_iterator(WFE_DEPS_DIR)) {
    std::ifstream in(version.path() / "protos/temporal/api/workflowservice/v1/service.proto");
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_search(line, match, kMethod)) methods.insert(match[1]);
    }
  }
  return methods;
}

std::set<std::string> NamesIn(const std::string& text, const std::regex& quoted, const std::set<std::string>& known) {
  std::set<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), quoted), end; match != end; ++match) {
    if (known.contains((*match)[1])) names.insert((*match)[1]);
  }
  return names;
}

// EN-12
TEST(Documents, TheTableOfRpcsNamesWhatTheFrontendServes) {
  const std::set<std::string> methods = WorkflowServiceMethods();
  EXPECT_GT(methods.size(), 100U) << "no service.proto below " << WFE_DEPS_DIR;
  std::set<std::string> served;
  for (const SourceFile& file : ReadTree({"engine/frontend"}, {".cpp"})) {
    served.merge(NamesIn(file.text, std::regex(R"re("(\w+)")re"), methods));
  }
  const std::string page = ReadSource("docs/reference/rpcs.md");
  EXPECT_EQ(served, NamesIn(page, std::regex(R"(\n\| `(\w+)`)"), methods));
}

// RW-D28
TEST(Documents, TheRulesOfTheLinterAreCountedAlikeEverywhere) {
  static const std::regex kRule(R"re("H(\d+)")re");
  static const std::regex kCount(R"((\d+)\s+rules)");
  static const std::regex kRange(R"(H1\s*(?:to|-)\s*H(\d+))");
  std::set<int> rules;
  for (const SourceFile& file : ReadTree({"engine/lint"}, {".cpp", ".h"})) {
    for (std::sregex_iterator match(file.text.begin(), file.text.end(), kRule), end; match != end; ++match) {
      rules.insert(std::stoi((*match)[1]));
    }
  }
  ASSERT_FALSE(rules.empty());
  std::smatch count;
  for (const char* counted : {"README.md", "docs/cli.md", "tools/wfe/cmd_history.cpp"}) {
    const std::string text = ReadSource(counted);
    ASSERT_TRUE(std::regex_search(text, count, kCount)) << counted;
    EXPECT_EQ(std::stoul(count[1]), rules.size()) << counted;
  }
  // Some are kept by the simulation and by `wfe audit validate`, so the last one is what the page defines.
  int last = 0;
  const std::string page = ReadSource("docs/reference/linter.md");
  static const std::regex kDefined(R"(\*\*H(\d+)\*\*)");
  for (std::sregex_iterator match(page.begin(), page.end(), kDefined), end; match != end; ++match) {
    last = std::max(last, std::stoi((*match)[1]));
  }
  for (const SourceFile& file : ReadTree({"docs", "engine/lint", "tools/wfe"}, {".md", ".cpp", ".h"})) {
    for (std::sregex_iterator match(file.text.begin(), file.text.end(), kRange), end; match != end; ++match) {
      EXPECT_EQ(std::stoi((*match)[1]), last) << file.path << ": " << match->str();
    }
  }
}

TEST(CommentOf, IsTheRestOfTheLineAfterTheMark) {
  EXPECT_EQ(CommentOf("a.cpp", "int a;  // S17"), "// S17");
  EXPECT_EQ(CommentOf("a.cpp", "auto S17 = 1;"), "");
  EXPECT_EQ(CommentOf("a.h", "/// see x://y"), "/// see x://y");
  EXPECT_EQ(CommentOf("a.cpp", "Get(\"http://host\");"), "");
  EXPECT_EQ(CommentOf("a.sh", "run # EN-1"), "# EN-1");
}

}  // namespace
}  // namespace wfe::layout
