// docs/reference/reliability.md 6.3, S13: what a sandboxed check can reach.  Skipped, with the reason, where bubblewrap
// may not run.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "activities/sandbox/sandbox.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::sandbox {
namespace {

using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = ProcessOutcome::Kind;

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    const SandboxAvailability availability = ProbeSandbox("bwrap", "/usr/local/bin:/usr/bin:/bin");
    if (!availability.usable) GTEST_SKIP() << "no sandbox on this machine: " << availability.reason;
    plan_.program = availability.program;
    plan_.work_dir = work_.path();
    plan_.out_dir = out_.path();
  }
  ProcessOutcome Shell(const std::string& script) {
    ProcessSpec inner;
    inner.argv = {"sh", "-c", script};
    inner.working_dir = "/w";
    inner.environment = {{"PATH", "/usr/bin:/bin"}};
    return RunProcess(WrapInSandbox(plan_, inner));
  }

  const TempDir work_;
  const TempDir out_;
  SandboxPlan plan_;
};

TEST_F(SandboxTest, TheWorkingDirectoryAndTheOutputDirectoryAreWritable) {
  work_.Put("in.txt", "hello");
  const ProcessOutcome outcome = Shell("cat in.txt > /w/copy.txt && cp in.txt /out/out.txt && pwd");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err.text;
  EXPECT_EQ(outcome.out.text, "/w\n");
  EXPECT_EQ(work_.Get("copy.txt"), "hello");
  EXPECT_EQ(out_.Get("out.txt"), "hello");
}

TEST_F(SandboxTest, OtherDirectoriesAreAbsentAndTheSystemIsReadOnly) {
  const TempDir other;
  other.Put("secret", "s");
  EXPECT_NE(Shell("cat " + other / "secret").exit_code, 0);
  EXPECT_NE(Shell("ls /root /home").exit_code, 0);
  EXPECT_NE(Shell("ls " + std::string(WFE_SOURCE_DIR)).exit_code, 0);
  EXPECT_NE(Shell("cat /etc/shadow").exit_code, 0);
  EXPECT_NE(Shell("touch /usr/bin/planted").exit_code, 0);
  const ProcessOutcome link = Shell("ln -s " + other.path() + " /w/link && cat /w/link/secret");
  EXPECT_NE(link.exit_code, 0) << "a link out of the directory leads nowhere";
}

TEST_F(SandboxTest, ReadOnlyMountsInsideTheWorkingDirectoryCannotBeChanged) {
  work_.Put("package.json", "{}");
  work_.Put("node_modules/.keep", "");
  const TempDir cache;
  cache.Put("tool", "x");
  plan_.read_only = {{work_ / "package.json", "/w/package.json"}, {cache.path(), "/w/node_modules"}};
  EXPECT_NE(Shell("echo y > package.json").exit_code, 0);
  EXPECT_NE(Shell("rm package.json").exit_code, 0);
  EXPECT_NE(Shell("mv package.json p2").exit_code, 0);
  EXPECT_NE(Shell("echo y > node_modules/tool").exit_code, 0);
  EXPECT_EQ(Shell("cat node_modules/tool").out.text, "x");
  EXPECT_EQ(work_.Get("package.json"), "{}");
}

TEST_F(SandboxTest, HiddenDirectoriesAppearEmpty) {
  work_.Put(".wfe/claim.json", "mine");
  plan_.hidden = {"/w/.wfe"};
  EXPECT_EQ(Shell("ls -A .wfe").out.text, "");
  EXPECT_NE(Shell("touch .wfe/x").exit_code, 0);
  EXPECT_EQ(work_.Get(".wfe/claim.json"), "mine");
}

TEST_F(SandboxTest, AServerOnTheHostsLoopbackIsUnreachable) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t length = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  const std::string port = std::to_string(ntohs(address.sin_port));
  ProcessSpec direct;
  direct.argv = {"bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/" + port};
  direct.environment = {{"PATH", "/usr/bin:/bin"}};
  EXPECT_EQ(RunProcess(direct).exit_code, 0) << "outside the sandbox it answers";
  EXPECT_NE(Shell("bash -c 'exec 3<>/dev/tcp/127.0.0.1/" + port + "'").exit_code, 0);
  EXPECT_THAT(Shell("cat /proc/net/dev").out.text, testing::Not(HasSubstr("eth")));
  ::close(listener);
}

TEST_F(SandboxTest, NoCapabilityNoFurtherNamespaceNoOtherProcess) {
  EXPECT_THAT(Shell("grep CapEff /proc/self/status").out.text, HasSubstr("0000000000000000"));
  EXPECT_THAT(Shell("grep NoNewPrivs /proc/self/status").out.text, HasSubstr("1"));
  EXPECT_EQ(Shell("id -u").out.text, "1000\n");
  EXPECT_NE(Shell("unshare -U true").exit_code, 0);
  EXPECT_NE(Shell("kill -0 " + std::to_string(::getpid())).exit_code, 0);
  EXPECT_NE(Shell("cat /proc/" + std::to_string(::getpid()) + "/environ").exit_code, 0);
}

TEST_F(SandboxTest, TheEnvironmentOfTheWorkerIsNotPassedOn) {
  ::setenv("WFE_TEST_API_KEY", "canary-value", 1);
  EXPECT_THAT(Shell("env; cat /proc/1/environ").out.text, testing::Not(HasSubstr("canary-value")));
}

TEST_F(SandboxTest, ADetachedProcessDiesWithTheSandbox) {
  const ProcessOutcome outcome = Shell(
      "setsid sh -c 'while :; do date > /w/alive; sleep 0.01; done' > /dev/null 2>&1 & while [ ! -s /w/alive ]; do :; "
      "done");
  EXPECT_EQ(outcome.kind, Kind::kExited);
  EXPECT_TRUE(outcome.all_gone);
  std::filesystem::remove(work_ / "alive");
  EXPECT_FALSE(work_.Has("alive"));
}

TEST_F(SandboxTest, TheTimeLimitReachesInside) {
  ProcessSpec inner;
  inner.argv = {"sh", "-c", "trap '' TERM; sleep 1000"};
  inner.environment = {{"PATH", "/usr/bin:/bin"}};
  inner.limits.wall_clock = std::chrono::milliseconds(300);
  inner.limits.grace = std::chrono::milliseconds(100);
  const ProcessOutcome outcome = RunProcess(WrapInSandbox(plan_, inner));
  EXPECT_EQ(outcome.kind, Kind::kTimedOut);
  EXPECT_TRUE(outcome.all_gone);
}

TEST(SandboxProbe, AMissingSandboxIsSaidInWords) {
  const SandboxAvailability availability = ProbeSandbox("no-such-bwrap", "/usr/bin");
  EXPECT_FALSE(availability.usable);
  EXPECT_THAT(availability.reason, HasSubstr("not installed"));
}

TEST(SandboxProbe, PresentButNotPermittedIsSaidInWords) {
  const TempDir temp;
  temp.Put("fake-bwrap",
           "#!/bin/sh\necho 'bwrap: Creating new namespace failed: Operation not permitted' >&2\nexit 1\n", true);
  const SandboxAvailability availability = ProbeSandbox(temp / "fake-bwrap", "/usr/bin");
  EXPECT_FALSE(availability.usable);
  EXPECT_THAT(availability.reason, HasSubstr("not permitted here"));
  EXPECT_THAT(availability.reason, HasSubstr("Operation not permitted"));
}

TEST(SandboxTools, AToolOutsideTheSystemDirectoriesIsShownWithItsOwnDirectoryAndItsLinks) {
  const TempDir temp;
  temp.Put("node-20/bin/node", "#!/bin/sh\n", true);
  std::filesystem::create_directories(temp / "links");
  std::filesystem::create_symlink(temp / "node-20/bin/node", temp / "links/node");
  EXPECT_THAT(ToolDirectories({"node", "sh"}, temp / "links" + ":/usr/bin:/bin"),
              ElementsAre(temp / "links", temp / "node-20/bin"));
}

}  // namespace
}  // namespace wfe::sandbox
