// The shape of the source tree: who may include and link whom, where the heavy libraries live, what stands at the top.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "tests/layout/layer_table.h"
#include "tests/layout/source_tree.h"

namespace wfe::layout {
namespace {

using testing::Contains;
using testing::IsEmpty;

const std::vector<std::string> kCodeFolders = {"engine", "workers", "activities", "workflows", "schemas", "tools"};

const LayerTable& Table() {
  static const LayerTable table(ReadSource("docs/ARCHITECTURE.md"));
  return table;
}

struct Include {
  size_t line = 0;
  std::string path;
  bool quoted = false;
};

std::vector<Include> IncludesOf(const SourceFile& file) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re");
  std::vector<Include> includes;
  size_t number = 0;
  for (const std::string& line : Lines(file.text)) {
    ++number;
    std::smatch match;
    if (std::regex_search(line, match, kInclude)) includes.push_back({number, match[2], match[1] == "\""});
  }
  return includes;
}

std::string Where(const SourceFile& file, size_t line) { return file.path + ":" + std::to_string(line) + ": "; }

/// One call of wfe_library, wfe_executable or wfe_test.
struct Target {
  std::string name;
  std::string folder;  // of its CMakeLists.txt
  std::vector<std::string> deps;
};

std::vector<Target> TargetsOf(const SourceFile& file) {
  static const std::regex kCall(R"(\bwfe_(library|executable|test)\s*\(([^)]*)\))");
  static const std::regex kKeyword("[A-Z][A-Z_]+");
  std::string text;
  for (const std::string& line : Lines(file.text)) text += line.substr(0, line.find('#')) + "\n";
  std::vector<Target> targets;
  for (std::sregex_iterator call(text.begin(), text.end(), kCall), end; call != end; ++call) {
    std::istringstream words((*call)[2]);
    Target target{.name = {}, .folder = file.path.substr(0, file.path.rfind('/')), .deps = {}};
    words >> target.name;
    bool inside_deps = false;
    for (std::string word; words >> word;) {
      if (std::regex_match(word, kKeyword)) {
        inside_deps = word == "DEPS";
      } else if (inside_deps) {
        target.deps.push_back(word);
      }
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

TEST(Layout, EveryFolderOfCodeHasARowInTheTable) {
  EXPECT_GE(Table().folder_count(), 20U) << "the table of docs/ARCHITECTURE.md could not be read";
  std::vector<std::string> homeless;
  for (const SourceFile& file : ReadTree(kCodeFolders, {".h", ".cpp"})) {
    if (!Table().FolderOf(file.path)) homeless.push_back(file.path);
  }
  EXPECT_THAT(homeless, IsEmpty());
}

TEST(Layout, EveryIncludeFollowsAnArrowOfTheTable) {
  std::vector<std::string> violations;
  for (const SourceFile& file : ReadTree(kCodeFolders, {".h", ".cpp"})) {
    const auto from = Table().FolderOf(file.path);
    if (!from) continue;
    for (const Include& include : IncludesOf(file)) {
      const auto to = Table().FolderOf(include.path);
      if (to && !Table().Allows(*from, *to)) {
        violations.push_back(Where(file, include.line) + *from + " may not include " + include.path);
      }
    }
  }
  EXPECT_THAT(violations, IsEmpty());
}

TEST(Layout, EveryQuotedIncludeNamesItsFileFromTheRoot) {
  std::vector<std::string> violations;
  auto folders = kCodeFolders;
  folders.push_back("tests");
  for (const SourceFile& file : ReadTree(folders, {".h", ".cpp"})) {
    for (const Include& include : IncludesOf(file)) {
      if (include.quoted && include.path.find('/') == std::string::npos) {
        violations.push_back(Where(file, include.line) + "\"" + include.path + "\" does not start at the root");
      }
    }
  }
  EXPECT_THAT(violations, IsEmpty());
}

TEST(Layout, NoCodeIncludesTests) {
  std::vector<std::string> violations;
  for (const SourceFile& file : ReadTree(kCodeFolders, {".h", ".cpp"})) {
    for (const Include& include : IncludesOf(file)) {
      if (include.path.starts_with("tests/")) violations.push_back(Where(file, include.line) + include.path);
    }
  }
  EXPECT_THAT(violations, IsEmpty());
}

TEST(Layout, EveryTargetLinksOnlyAlongTheArrowsOfTheTable) {
  std::vector<Target> targets;
  std::map<std::string, std::string> folder_of_target = {{"temporal_protos", "schemas"}, {"wfe_protos", "schemas"}};
  for (const SourceFile& file : ReadTree(kCodeFolders, {"CMakeLists.txt"})) {
    for (Target& target : TargetsOf(file)) {
      folder_of_target[target.name] = Table().FolderOf(file.path).value_or(target.folder);
      targets.push_back(std::move(target));
    }
  }
  EXPECT_THAT(targets, Contains(testing::Field(&Target::name, "wfe_base")));
  std::vector<std::string> violations;
  for (const Target& target : targets) {
    const std::string& from = folder_of_target[target.name];
    for (const std::string& dep : target.deps) {
      const auto to = folder_of_target.find(dep);
      if (to == folder_of_target.end()) {
        violations.push_back(target.name + ": " + dep +
                             " is no module of ours; libraries from outside are SYSTEM_DEPS");
      } else if (!Table().Allows(from, to->second)) {
        violations.push_back(target.name + ": " + from + " may not link " + dep + " of " + to->second);
      }
    }
  }
  EXPECT_THAT(violations, IsEmpty());
}

TEST(Layout, HeavyLibrariesAreIncludedOnlyWhereTheyLive) {
  EXPECT_FALSE(Table().library_homes().empty());
  std::vector<std::string> violations;
  for (const SourceFile& file : ReadTree({"engine", "workers", "activities", "workflows"}, {".h", ".cpp"})) {
    for (const Include& include : IncludesOf(file)) {
      for (const auto& [prefix, homes] : Table().library_homes()) {
        if (!include.path.starts_with(prefix)) continue;
        const bool at_home =
            std::ranges::any_of(homes, [&](const std::string& home) { return IsInside(file.path, home); });
        if (!at_home) violations.push_back(Where(file, include.line) + include.path + " lives elsewhere");
      }
    }
  }
  EXPECT_THAT(violations, IsEmpty());
}

// VI-10
TEST(Layout, TheTopLevelIsFixed) {
  const std::set<std::string> kNames = {"CMakeLists.txt", "CMakePresets.json", "README.md", "activities", "docs",
                                        "engine",         "schemas",           "tests",     "tools",      "workers",
                                        "workflows"};
  for (const std::string& name : TopLevelNames()) {
    EXPECT_TRUE(name.starts_with('.') || kNames.contains(name)) << name << " does not belong at the top level";
  }
}

// H6: JSON of a great depth ends a process that parses, copies or writes it, so every door has the limit.
TEST(Layout, JsonFromOutsideIsReadWithALimitOnItsDepth) {
  const std::set<std::string> kExempt = {
      "engine/base/parse_json.cpp",                   // the limit itself
      "activities/analytics/audits/json_schema.cpp",  // a text that is built in
  };
  std::vector<std::string> violations;
  for (const SourceFile& file : ReadTree({"engine", "workers", "activities", "workflows", "tools/wfe"}, {".h", ".cpp"})) {
    if (kExempt.contains(file.path) || file.text.find("json::parse(") == std::string::npos) continue;
    if (file.text.find("JsonNestsTooDeep(") != std::string::npos) continue;
    violations.push_back(file.path + ": use ParseJson, or ask JsonNestsTooDeep first (engine/base/parse_json.h)");
  }
  EXPECT_THAT(violations, IsEmpty());
}

/// What the simulation shows must not depend on chance, and its own host belongs to it.
std::vector<SourceFile> DeterministicCode() {
  return ReadTree({"engine", "workers", "activities", "workflows", "tools", "tests/simulation"}, {".h", ".cpp"});
}

// WIRE-F26: protobuf writes the entries of a map in an order that changes from one message to the next.
TEST(Layout, MessagesBecomeBytesInOneWay) {
  static const std::regex kOther(R"(\b(Serialize(Partial)?(AsString|To[A-Z]\w*|With\w+)|Append(Partial)?ToString)\s*\()");
  std::vector<std::string> violations;
  for (const SourceFile& file : DeterministicCode()) {
    if (file.path == "engine/base/serialize.cpp") continue;
    size_t number = 0;
    for (const std::string& line : Lines(file.text)) {
      ++number;
      if (!std::regex_search(line, kOther)) continue;
      violations.push_back(Where(file, number) + "use Serialize, whose bytes are the same each time (engine/base/serialize.h)");
    }
  }
  EXPECT_THAT(violations, IsEmpty());
}

/// The names of all fields of Temporal's messages and ours that are maps.
std::set<std::string> MapFields() {
  static const std::regex kMap(R"(\bmap\s*<[^>]*>\s*(\w+)\s*=)");
  std::set<std::string> names;
  std::vector<std::filesystem::path> protos;
  for (const auto* folder : {WFE_DEPS_DIR, WFE_SOURCE_DIR "/schemas"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".proto" && entry.path().string().find("/google/") == std::string::npos) {
        protos.push_back(entry.path());
      }
    }
  }
  for (const auto& path : protos) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_search(line, match, kMap)) names.insert(match[1]);
    }
  }
  return names;
}

// WIRE-F26: what was done for each entry of a map came in another order each time: answers to two queries, say.
TEST(Layout, LoopsOverMapsOfMessagesGoByTheirKeys) {
  // Elsewhere these are lists.
  const std::set<std::string> kListsToo = {"details", "data", "fields_to_exclude"};
  const std::set<std::string> maps = MapFields();
  EXPECT_TRUE(maps.contains("query_results")) << "no .proto below " << WFE_DEPS_DIR;
  static const std::regex kLoop(R"(\bfor \([^;]*[^:]:[^:][^;]*?\b(?:mutable_)?(\w+)\(\)\) )");
  std::vector<std::string> violations;
  for (const SourceFile& file : DeterministicCode()) {
    size_t number = 0;
    for (const std::string& line : Lines(file.text)) {
      ++number;
      std::smatch match;
      if (!std::regex_search(line, match, kLoop) || !maps.contains(match[1]) || kListsToo.contains(match[1])) continue;
      if (line.find("InOrder(") != std::string::npos) continue;
      violations.push_back(Where(file, number) + match[1].str() + " is a map: go through InOrder (engine/base/serialize.h)");
    }
  }
  EXPECT_THAT(violations, IsEmpty());
}

TEST(Layout, NoFileHasGrownIntoSeveralIdeas) {
  constexpr size_t kLongest = 500;
  constexpr size_t kLongestTest = 700;
  auto folders = kCodeFolders;
  folders.push_back("tests");
  for (const SourceFile& file : ReadTree(folders, {".h", ".cpp", ".proto", ".sh", ".ts", ".cmake", "CMakeLists.txt"})) {
    const size_t lines = Lines(file.text).size();
    EXPECT_LE(lines, file.path.starts_with("tests/") ? kLongestTest : kLongest) << file.path << " should be split";
  }
}

/// The functions of a formatted file that are longer than `limit`: "line 12 (97 lines): its first line".  A function ends
/// with a `}` alone at the left margin and begins with the last line before it that stands there too.
std::vector<std::string> LongFunctions(std::string_view text, size_t limit) {
  std::vector<std::string> found;
  const std::vector<std::string> lines = Lines(std::string(text));
  size_t head = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == "}") {
      const size_t length = i - head + 1;
      if (length > limit) {
        found.push_back("line " + std::to_string(head + 1) + " (" + std::to_string(length) + " lines): " + lines[head]);
      }
    } else if (!lines[i].empty() && std::string_view(" \t})#/").find(lines[i][0]) == std::string_view::npos) {
      head = i;
    }
  }
  return found;
}

TEST(Layout, NoFunctionIsLongerThanAPage) {
  constexpr size_t kLongest = 80;
  auto folders = kCodeFolders;
  folders.push_back("tests");
  const std::set<std::string> kExempt = {"tests/workers/history_builder.h"};  // one switch over all commands
  std::vector<std::string> violations;
  for (const SourceFile& file : ReadTree(folders, {".h", ".cpp"})) {
    if (kExempt.contains(file.path)) continue;
    for (const std::string& function : LongFunctions(file.text, kLongest)) violations.push_back(file.path + ": " + function);
  }
  EXPECT_THAT(violations, IsEmpty());
  EXPECT_THAT(LongFunctions("int F(int a,\n      int b) {\n  {\n  }\n}\n", 4),
              testing::ElementsAre("line 1 (5 lines): int F(int a,"));
}

TEST(LayerTable, ReachIsTransitiveAndArrowsDoNotPointBack) {
  const LayerTable table(
      "<!-- table: layers -->\n\n| folder | may include |\n|---|---|\n| `a` | |\n| `b` | `a` |\n| `b/c`, `d` | `b` "
      "|\n| `t` | anything |\n");
  EXPECT_TRUE(table.Allows("d", "a"));
  EXPECT_TRUE(table.Allows("t", "d"));
  EXPECT_FALSE(table.Allows("a", "b"));
  EXPECT_EQ(table.FolderOf("b/c/file.h"), "b/c");
  EXPECT_EQ(table.FolderOf("b/cd.h"), "b");
  EXPECT_EQ(table.FolderOf("vector"), std::nullopt);
}

}  // namespace
}  // namespace wfe::layout
