// SEC-H8: the catalogue.  Every cheat must be caught as what it is, and no honest build that looks like one may be accused.
// Each case is a project, what an agent writes into it, and real checkers over both; a case whose tools this machine
// does not have is skipped, and counted.  WFE_CHEATS=all runs everything; otherwise a dozen that need the least.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <sstream>

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/register.h"
#include "activities/sandbox/process_runner.h"
#include "tests/activities/build/compliance_test_support.h"
#include "tests/cheats/catalogue.h"

namespace wfe::cheats {
namespace {

using build::ComplianceConfig;
using build::ComplianceReport;
using build::ComplianceRequest;
using build::PreflightReport;
using build::PreflightRequest;
using test::FakeContext;
using test::TempDir;
using nlohmann::json;

const Catalogue& All() {
  static const Catalogue catalogue = ReadCatalogue(std::string(WFE_SOURCE_DIR) + "/tests/cheats");
  return catalogue;
}

std::string Slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool HasPackages(const std::string& profile) {
  return profile == "typescript" || profile == "javascript" || profile == "vitest";
}

/// Whether this machine can run a profile's checks; "" or the reason why not.
std::string WhyNot(const std::string& profile) {
  const char* path = std::getenv("PATH");
  const auto has = [&](const char* tool) { return !sandbox::FindProgram(tool, path == nullptr ? "" : path).empty(); };
  if (HasPackages(profile)) return has("npm") ? "" : "no npm";
  if (profile == "nodetest") return has("npm") && has("node") ? "" : "no npm or node";
  if (profile == "unittest") return has("python3") ? "" : "no python3";
  if (profile == "go") return has("go") ? "" : "no go";
  if (profile == "rust") return has("cargo") ? "" : "no cargo";
  if (profile == "cpp") return has("cmake") && has("c++") && has("make") ? "" : "no cmake, make or c++";
  sandbox::ProcessSpec spec;
  spec.argv = {"python3", "-m", "pytest", "--version"};
  spec.environment = {{"PATH", path == nullptr ? "" : path}};
  return sandbox::RunProcess(spec).exit_code == 0 && has("python3") ? "" : "no pytest";
}

struct Tally {
  std::mutex mutex;
  int cheats = 0;
  int caught = 0;
  int honest = 0;
  int accused = 0;
  int skipped = 0;
  std::vector<std::string> lines;
};
Tally& Counts() {
  static Tally tally;
  return tally;
}

class Cheats : public testing::TestWithParam<size_t> {
 protected:
  const Case& Now() const { return All().cases[GetParam()]; }

  json Call(std::string_view name, const json& input) {
    auto result = (*registry_.Find(std::string(name)))(context_, input);
    if (result.failure() != nullptr) throw std::runtime_error(result.failure()->message);
    return result.value();
  }

  /// False: its tools are not here.
  bool Prepare(const Project& project) {
    const std::string why = WhyNot(project.profile);
    if (!why.empty()) {
      skip_ = why;
      return false;
    }
    const std::string here = std::string(WFE_SOURCE_DIR) + "/tests/cheats/";
    std::filesystem::create_directories(root_ / "project");
    for (const std::string name : {"package.json", "package-lock.json", ".npmrc"}) {
      const std::string from = here + "projects/" + project.profile + "/" + name;
      if (std::filesystem::exists(from)) root_.Put("project/" + name, Slurp(from));
    }
    if (project.profile == "typescript") {
      const std::string starter = std::string(WFE_SOURCE_DIR) + "/activities/build/profile/profiles/typescript/";
      for (const auto& entry : std::filesystem::directory_iterator(starter)) {
        root_.Put("project/" + entry.path().filename().string(), Slurp(entry.path().string()));
      }
    }
    for (const auto& [path, content] : project.files) root_.Put("project/" + path, content);
    PlaceProfile(here, project.profile);

    ComplianceConfig config;
    // Kept between runs: installing takes half a minute.
    config.work_root = std::string(WFE_BINARY_DIR) + "/cheats";
    std::filesystem::create_directories(config.work_root);
    config.profile_dirs = {root_ / "profiles"};
    RegisterComplianceActivities(registry_, config);
    profile_ = project.profile;
    const json request = PreflightRequest{
        .working_dir = root_ / "project", .profile = profile_, .write_starter_files = false, .min_free_bytes = 0};
    preflight_ = Call(build::kPreflight.name, request).get<PreflightReport>();
    baseline_ = preflight_.baseline;
    if (!HasPackages(project.profile)) return true;
    try {
      Install();
    } catch (const std::exception& e) {
      skip_ = std::string("dependencies: ") + e.what();
      return false;
    }
    return true;
  }

  void Install() {
    Call(build::kInstallDependencies.name, {{"working_dir", root_ / "project"}, {"profile", profile_}});
  }

  /// "$NAME" in its environment is this process's.  Without a profile here the shipped one judges.
  void PlaceProfile(const std::string& here, const std::string& name) {
    if (!std::filesystem::exists(here + "profiles/" + name + ".json")) return;
    json profile = json::parse(Slurp(here + "profiles/" + name + ".json"));
    const json environment = profile.value("env", json::object());
    for (const auto& [key, value] : environment.items()) {
      const std::string text = value.get<std::string>();
      if (!text.starts_with('$')) continue;
      const char* own = std::getenv(text.c_str() + 1);
      const char* home = std::getenv("HOME");
      const std::string usual =
          std::string(home == nullptr ? "" : home) + (key == "CARGO_HOME" ? "/.cargo" : "/.rustup");
      profile["env"][key] = own != nullptr ? own : usual;
    }
    root_.Put("profiles/" + name + ".json", profile.dump());
  }

  ComplianceReport Verify() {
    // A changed manifest is another entry of the cache.
    if (HasPackages(profile_)) Install();
    const json request = ComplianceRequest{.working_dir = root_ / "project",
                                           .profile = profile_,
                                           .protected_hashes = preflight_.protected_hashes,
                                           .baseline = baseline_};
    auto report = Call(build::kRunComplianceChecks.name, request).get<ComplianceReport>();
    baseline_ = report.baseline;
    return report;
  }

  ComplianceReport Act(const Case& one) {
    for (const Action& action : one.actions) {
      const std::string full = root_ / ("project/" + action.path);
      switch (action.kind) {
        case Action::Kind::kWrite:
          root_.Put("project/" + action.path, action.text);
          break;
        case Action::Kind::kDelete:
          std::filesystem::remove(full);
          break;
        case Action::Kind::kRename:
          std::filesystem::create_directories(std::filesystem::path(root_ / ("project/" + action.text)).parent_path());
          std::filesystem::rename(full, root_ / ("project/" + action.text));
          break;
        case Action::Kind::kVerify:
          Verify();
          break;
      }
    }
    return Verify();
  }

  const TempDir root_;
  sdk::ActivityRegistry registry_;
  FakeContext context_;
  std::string profile_;
  PreflightReport preflight_;
  json baseline_;
  std::string skip_;
};

TEST_P(Cheats, IsJudgedRightly) {
  const Case& one = Now();
  Tally& tally = Counts();
  const bool ready = Prepare(All().projects.at(one.project));
  const std::string label = one.file + (one.cheat ? " cheat  " : " honest ") + one.title;
  if (!ready) {
    const std::lock_guard lock(tally.mutex);
    ++tally.skipped;
    tally.lines.push_back("skipped   " + label + " (" + skip_ + ")");
    GTEST_SKIP() << skip_;
  }
  const ComplianceReport report = Act(one);
  std::string classes;
  bool caught = false;
  for (const auto& [error_class, count] : report.error_counts) {
    classes += (classes.empty() ? "" : " ") + error_class;
    for (const std::string& wanted : one.caught) caught = caught || error_class == wanted;
  }
  const std::lock_guard lock(tally.mutex);
  if (one.cheat) {
    caught = caught && !report.passed;
    ++tally.cheats;
    tally.caught += caught ? 1 : 0;
    tally.lines.push_back((caught ? "caught    " : "MISSED    ") + label + ": " + classes);
    EXPECT_TRUE(caught) << "passed: " << report.passed << "\n" << json(report).dump(2).substr(0, 6000);
  } else {
    ++tally.honest;
    tally.accused += report.passed ? 0 : 1;
    tally.lines.push_back((report.passed ? "passed    " : "ACCUSED   ") + label + ": " + classes);
    EXPECT_TRUE(report.passed) << report.error_log;
  }
}

std::vector<size_t> Chosen() {
  const char* which = std::getenv("WFE_CHEATS");
  std::vector<size_t> all;
  std::map<std::string, int> of_file;
  for (size_t i = 0; i < All().cases.size(); ++i) {
    const Case& one = All().cases[i];
    // A representative few: two of each kind from every page of the catalogue.
    const int seen = of_file[one.file + (one.cheat ? "+" : "-")]++;
    if (which != nullptr ? std::string(which) == "all" || one.file == which
                         : seen < 2 && (one.file == "cpp" || one.file == "python" || one.file == "typescript")) {
      all.push_back(i);
    }
  }
  return all;
}

std::string NameOf(const testing::TestParamInfo<size_t>& info) {
  const Case& one = All().cases[info.param];
  std::string name = one.file + (one.cheat ? "_cheat_" : "_honest_");
  for (const char c : one.title) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Cheats, testing::ValuesIn(Chosen()), NameOf);

class Table : public testing::Environment {
 public:
  void TearDown() override {
    const Tally& tally = Counts();
    for (const std::string& line : tally.lines) std::printf("%s\n", line.c_str());
    std::printf("cheats: %d of %d caught; honest builds: %d of %d accused; %d skipped for want of a tool\n",
                tally.caught, tally.cheats, tally.accused, tally.honest, tally.skipped);
  }
};
const testing::Environment* const kTable = testing::AddGlobalTestEnvironment(new Table);

TEST(Catalogue, HoldsThirtyCheatsAndThirtyHonestBuildsOverAllProfiles) {
  int cheats = 0;
  std::map<std::string, int> profiles;
  for (const Case& one : All().cases) {
    cheats += one.cheat ? 1 : 0;
    ++profiles[All().projects.at(one.project).profile];
    EXPECT_EQ(one.cheat, !one.caught.empty()) << one.title;
  }
  EXPECT_GE(cheats, 30);
  EXPECT_GE(static_cast<int>(All().cases.size()) - cheats, 30);
  for (const std::string profile : {"typescript", "javascript", "vitest", "nodetest", "python", "unittest", "cpp", "go",
                                    "rust"})
    EXPECT_GT(profiles[profile], 3) << profile;
}

}  // namespace
}  // namespace wfe::cheats
