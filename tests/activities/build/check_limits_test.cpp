// SEC-H10: what a check and all it starts may use together.  A bomb is stopped and named, and the worker lives.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activities/sandbox/cgroup.h"
#include "activities/sandbox/process_runner.h"
#include "activities/sandbox/sandbox.h"
#include "activities/sandbox/usage_watch.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

using namespace std::chrono_literals;
using test::TempDir;
using testing::HasSubstr;
using Limit = sandbox::ProcessOutcome::Limit;

sandbox::ProcessSpec Shell(const std::string& script) {
  sandbox::ProcessSpec spec;
  spec.argv = {"sh", "-c", script};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.limits.grace = 100ms;
  spec.limits.wall_clock = 60s;
  return spec;
}

/// Both kinds, where this machine has both.
class Limits : public testing::TestWithParam<bool> {
 protected:
  sandbox::ProcessSpec Bomb(const std::string& script) const {
    sandbox::ProcessSpec spec = Shell(script);
    spec.limits.cgroup = GetParam();
    spec.limits.total_memory_bytes = 64 << 20;
    spec.limits.total_processes = 40;
    return spec;
  }
  void SetUp() override {
    std::string why;
    if (GetParam() && !sandbox::Cgroup::Make(std::nullopt, std::nullopt, &why)) GTEST_SKIP() << why;
  }
  void ExpectStopped(const sandbox::ProcessOutcome& outcome, Limit limit) const {
    EXPECT_EQ(outcome.limit, limit);
    EXPECT_EQ(outcome.limits_kind, GetParam() ? "cgroup" : "watch");
    EXPECT_TRUE(outcome.all_gone);
  }
};

TEST_P(Limits, ACommandThatEatsMemoryIsStoppedAndNamed) {
  // A pipe of 256 MiB held whole by tail.
  ExpectStopped(sandbox::RunProcess(Bomb("head -c 268435456 /dev/zero | tail -c 268435455 | sleep 30")),
                Limit::kMemory);
}

TEST_P(Limits, ACommandThatMultipliesIsStoppedAndNamed) {
  ExpectStopped(sandbox::RunProcess(Bomb("for i in $(seq 80); do sleep 30 & done; wait")), Limit::kProcesses);
}

TEST_P(Limits, ACommandWithinThemRunsAsEver) {
  const sandbox::ProcessOutcome outcome =
      sandbox::RunProcess(Bomb("for i in 1 2 3; do sleep 0.01 & done; wait; echo done"));
  EXPECT_EQ(outcome.limit, Limit::kNone);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out.text, "done\n");
}

INSTANTIATE_TEST_SUITE_P(Kinds, Limits, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Cgroup" : "Watch"; });

TEST(DiskLimit, ACommandThatFillsItsDirectoryIsStoppedAndNamed) {
  const TempDir temp;
  temp.Put("large-before", std::string(8 << 20, 'x'));
  sandbox::ProcessSpec spec =
      Shell("for i in $(seq 100); do head -c 1048576 /dev/zero > f$i; sleep 0.05; done; sleep 30");
  spec.working_dir = temp.path();
  spec.limits.disk_directories = {temp.path()};
  spec.limits.disk_growth_bytes = 16 << 20;
  const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec);
  EXPECT_EQ(outcome.limit, Limit::kDisk);
  EXPECT_LT(sandbox::DiskBytes({temp.path()}, {}), 100u << 20) << "it was not let finish";
}

TEST(DiskLimit, WhatWasThereBeforeDoesNotCount) {
  const TempDir temp;
  temp.Put("large-before", std::string(8 << 20, 'x'));
  sandbox::ProcessSpec spec = Shell("echo small > f; sleep 0.5");
  spec.working_dir = temp.path();
  spec.limits.disk_directories = {temp.path()};
  spec.limits.disk_growth_bytes = 1 << 20;
  EXPECT_EQ(sandbox::RunProcess(spec).limit, Limit::kNone);
}

// ---- the sandbox's own: SEC-H5, SEC-H10, SEC-M8

class SandboxGuards : public testing::Test {
 protected:
  void SetUp() override {
    const sandbox::SandboxAvailability availability = sandbox::ProbeSandbox("bwrap", "/usr/local/bin:/usr/bin:/bin");
    if (!availability.usable) GTEST_SKIP() << "no sandbox on this machine: " << availability.reason;
    plan_.program = availability.program;
    plan_.work_dir = work_.path();
  }
  sandbox::ProcessOutcome Inside(const std::string& script, const std::string& greeting = "") {
    sandbox::ProcessSpec inner;
    inner.argv = {"sh", "-c", script};
    inner.working_dir = "/w";
    inner.environment = {{"PATH", "/usr/bin:/bin"}};
    inner.channel_greeting = greeting;
    return sandbox::RunProcess(sandbox::WrapInSandbox(plan_, inner));
  }
  const TempDir work_;
  sandbox::SandboxPlan plan_;
};

TEST_F(SandboxGuards, NoProgramGetsSetUserIdRights) {
  const sandbox::ProcessOutcome outcome =
      Inside("cp /bin/sh evil; chmod 4755 evil || echo refused; chmod 755 evil && echo allowed");
  EXPECT_EQ(outcome.out.text, "refused\nallowed\n") << outcome.err.text;
  EXPECT_EQ(std::filesystem::status(work_ / "evil").permissions() & std::filesystem::perms::set_uid,
            std::filesystem::perms::none);
}

TEST_F(SandboxGuards, TemporaryFilesHaveALimit) {
  plan_.tmp_bytes = 1 << 20;
  const sandbox::ProcessOutcome outcome =
      Inside("head -c 4194304 /dev/zero > /tmp/a; head -c 4194304 /dev/zero > /dev/shm/a; du -k /tmp/a /dev/shm/a");
  EXPECT_THAT(outcome.err.text, HasSubstr("No space left")) << outcome.out.text;
}

TEST_F(SandboxGuards, AbsentRepositoriesAndAgentSettingsCannotBeMade) {
  plan_.hidden = {"/w/.git", "/w/.gemini"};
  EXPECT_EQ(Inside("touch .gemini/settings.json || mkdir .git/hooks || echo refused").out.text, "refused\n");
}

TEST_F(SandboxGuards, ProcessesThatAreLeftBehindAreCounted) {
  const sandbox::ProcessOutcome outcome = Inside("sleep 300 & sleep 300 & exit 3", "nonce");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.channel, "leftover 2\n");
  EXPECT_TRUE(outcome.all_gone);
  EXPECT_EQ(Inside("sleep 0.2 & exit 0", "nonce").channel, "") << "it has half a second to end";
}

TEST_F(SandboxGuards, TheChannelIsNoOneElses) {
  plan_.inner_keeps_channel = true;
  EXPECT_EQ(Inside("head -c 5 <&5; echo told >&5", "nonce").channel, "told\n");
  plan_.inner_keeps_channel = false;
  EXPECT_EQ(Inside("echo told >&5; ls /proc/self/fd | wc -l", "nonce").channel, "");
  // A pipe could be opened again through /proc by any process of the same user; a socket cannot.
  plan_.inner_keeps_channel = true;
  EXPECT_EQ(Inside("sh -c 'for p in /proc/[0-9]*; do echo forged > $p/fd/5; done' 5>&-", "nonce").channel, "");
}

TEST_F(SandboxGuards, TheTestRunnersMemoryIsShieldedOnlyWhereAReporterIs) {
  const std::string trace = "python3 -c 'import ctypes; print(ctypes.CDLL(None, use_errno=True).ptrace(0, 0, 0, 0))'";
  if (Inside("python3 --version").exit_code != 0) GTEST_SKIP() << "no python3 in /usr/bin";
  EXPECT_EQ(Inside(trace).out.text, "0\n") << "a leak checker works";
  plan_.shields_runner = true;
  EXPECT_EQ(Inside(trace).out.text, "-1\n");
}

}  // namespace
}  // namespace wfe::build
