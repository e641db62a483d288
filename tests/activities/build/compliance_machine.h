// A machine of a test's own: profiles, tools in a bin directory, a cache, a project; and the compliance activities as a
// worker calls them.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/register.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build::test {

using namespace wfe::test;  // NOLINT: the directories and contexts that all tests of activities share

class ComplianceMachine : public testing::Test {
 protected:
  ComplianceMachine() {
    config_.work_root = root_ / "work";
    config_.profile_dirs = {root_ / "profiles"};
    config_.path = root_ / "bin" + ":/usr/bin:/bin";
    config_.npm = root_ / "bin/npm";
    config_.heartbeat_interval = std::chrono::milliseconds(20);
    std::filesystem::create_directories(root_ / "project");
  }

  void Profile(nlohmann::json profile) {
    if (!profile.contains("name")) profile["name"] = "p";
    if (!profile.contains("sandbox")) profile["sandbox"] = "off";
    root_.Put("profiles/" + profile["name"].get<std::string>() + ".json", profile.dump());
  }
  /// One check, whatever it is.
  void OneCheck(nlohmann::json check, nlohmann::json more = nlohmann::json::object()) {
    if (!check.contains("id")) check["id"] = "check";
    if (!check.contains("class")) check["class"] = "LINT_ERROR";
    more["checks"] = nlohmann::json::array({check});
    Profile(more);
  }
  void Project(const std::string& path, const std::string& content = "") { root_.Put("project/" + path, content); }

  template <class Input, class Output>
  sdk::ActivityResult<Output> Call(sdk::ActivityType<Input, Output> type, const Input& input) {
    sdk::ActivityRegistry registry;
    RegisterComplianceActivities(registry, config_);
    const sdk::ActivityFunction* function = registry.Find(std::string(type.name));
    WFE_CHECK(function != nullptr);
    auto result = (*function)(context_, nlohmann::json(input));
    if (result.failure() != nullptr) return *result.failure();
    if (result.cancelled() != nullptr) return *result.cancelled();
    return result.value().template get<Output>();
  }
  sdk::ActivityResult<PreflightReport> Preflight(PreflightRequest request = {}) {
    request.working_dir = project();
    request.min_free_bytes = 0;
    return Call(kPreflight, request);
  }
  sdk::ActivityResult<PreflightReport> PreflightOf(const std::string& profile) {
    return Preflight(PreflightRequest{.profile = profile});
  }
  sdk::ActivityResult<InstallDependenciesReport> Install(const std::string& profile = "p") {
    return Call(kInstallDependencies, InstallDependenciesRequest{.working_dir = project(), .profile = profile});
  }
  sdk::ActivityResult<ProbeChecksReport> Probe(const std::string& profile = "p", std::vector<std::string> checks = {}) {
    return Call(kProbeChecks,
                ProbeChecksRequest{.working_dir = project(), .profile = profile, .checks = std::move(checks)});
  }
  sdk::ActivityResult<ComplianceReport> Check(const std::string& profile = "p", std::vector<std::string> checks = {}) {
    return Call(kRunComplianceChecks,
                ComplianceRequest{.working_dir = project(), .profile = profile, .checks = std::move(checks)});
  }
  std::string project() const { return root_ / "project"; }

  const TempDir root_;
  ComplianceConfig config_;
  FakeContext context_;
};

}  // namespace wfe::build::test
