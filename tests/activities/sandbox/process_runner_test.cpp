// AC-1, AC-3: commands are limited, stopped whole, and leave nothing behind.

#include "activities/sandbox/process_runner.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "engine/base/hash.h"
#include "engine/base/usage_meter.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::sandbox {
namespace {

using test::TempDir;
using testing::HasSubstr;
using Kind = ProcessOutcome::Kind;
using namespace std::chrono_literals;

ProcessSpec Shell(const std::string& script) {
  ProcessSpec spec;
  spec.argv = {"sh", "-c", script};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.limits.grace = 100ms;
  return spec;
}

/// The process is gone, or at least dead and waiting for its new parent.
bool IsGone(pid_t pid) {
  if (::kill(pid, 0) != 0) return true;
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(status, text);
  return text.find(") Z") != std::string::npos || text.empty();
}

bool BecomesTrue(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

pid_t ReadPid(const TempDir& temp, const std::string& name) {
  WFE_CHECK(BecomesTrue([&] { return temp.Get(name).find('\n') != std::string::npos; }));
  return static_cast<pid_t>(std::stol(temp.Get(name)));
}

TEST(ProcessRunner, OutputAndExitCodeOfBothStreamsAreSeen) {
  const ProcessOutcome outcome = RunProcess(Shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(outcome.kind, Kind::kExited);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out.text, "out\n");
  EXPECT_EQ(outcome.err.text, "err\n");
  const auto out = Sha256("out\n");
  const auto err = Sha256("err\n");
  EXPECT_EQ(outcome.output_sha256, ToHex(Sha256({AsBytes(out), AsBytes(err)})));
  EXPECT_TRUE(outcome.all_gone);
}

TEST(ProcessRunner, ASignalledCommandReportsItsSignal) {
  const ProcessOutcome outcome = RunProcess(Shell("kill -SEGV $$"));
  EXPECT_EQ(outcome.kind, Kind::kSignalled);
  EXPECT_EQ(outcome.signal, SIGSEGV);
}

TEST(ProcessRunner, AMissingProgramIsNamed) {
  ProcessSpec spec = Shell("");
  spec.argv = {"no-such-program-here"};
  const ProcessOutcome outcome = RunProcess(spec);
  EXPECT_EQ(outcome.kind, Kind::kCouldNotStart);
  EXPECT_TRUE(outcome.program_missing);
  EXPECT_THAT(outcome.start_error, HasSubstr("no-such-program-here"));
}

TEST(ProcessRunner, AMissingWorkingDirectoryIsNotAMissingProgram) {
  ProcessSpec spec = Shell("true");
  spec.working_dir = "/no/such/directory";
  const ProcessOutcome outcome = RunProcess(spec);
  EXPECT_EQ(outcome.kind, Kind::kCouldNotStart);
  EXPECT_FALSE(outcome.program_missing);
  EXPECT_THAT(outcome.start_error, HasSubstr("/no/such/directory"));
}

TEST(ProcessRunner, TheEnvironmentIsExactlyTheGivenOne) {
  ::setenv("WFE_TEST_SECRET", "leaked", 1);
  ProcessSpec spec = Shell("");
  spec.argv = {"env"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}, {"A", "b c"}};
  EXPECT_EQ(RunProcess(spec).out.text, "PATH=/usr/bin:/bin\nA=b c\n");
}

TEST(ProcessRunner, NoOpenFileOfTheWorkerIsInherited) {
  const TempDir temp;
  temp.Put("file", "x");
  const int leaked = ::open((temp / "file").c_str(), O_RDONLY);  // Without close-on-exec, as a library might.
  const ProcessOutcome outcome = RunProcess(Shell("ls /proc/self/fd | wc -l"));
  ::close(leaked);
  EXPECT_EQ(outcome.out.text, "4\n") << "standard streams and ls's own";
}

TEST(ProcessRunner, TheTimeLimitKillsGrandchildrenThatIgnoreTermAndLeftTheSession) {
  const TempDir temp;
  ProcessSpec spec = Shell(
      "trap '' TERM; (trap '' TERM; echo $$ > a; exec sleep 1000) & "
      "setsid sh -c 'trap \"\" TERM; echo $$ > daemon; exec sleep 1000' & "
      "(setsid sh -c 'echo $$ > orphan; exec sleep 1000' &) ; sleep 1000");
  spec.working_dir = temp.path();
  spec.limits.wall_clock = 500ms;
  const ProcessOutcome outcome = RunProcess(spec);
  EXPECT_EQ(outcome.kind, Kind::kTimedOut);
  EXPECT_TRUE(outcome.all_gone);
  EXPECT_TRUE(IsGone(ReadPid(temp, "daemon")));
  EXPECT_TRUE(IsGone(ReadPid(temp, "orphan")));
}

TEST(ProcessRunner, ADaemonDoesNotOutliveTheCommandThatStartedIt) {
  const TempDir temp;
  ProcessSpec spec =
      Shell("setsid sh -c 'echo $$ > daemon; exec sleep 1000' & while [ ! -s daemon ]; do :; done; exit 0");
  spec.working_dir = temp.path();
  const ProcessOutcome outcome = RunProcess(spec);
  EXPECT_EQ(outcome.kind, Kind::kExited);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.leftover_processes, 1);
  EXPECT_TRUE(outcome.all_gone);
  EXPECT_TRUE(IsGone(ReadPid(temp, "daemon")));
}

TEST(ProcessRunner, WhatEndsByItselfAMomentAfterTheCommandWasNotLeftRunning) {
  const ProcessOutcome outcome = RunProcess(Shell("setsid sleep 0.15 & exit 0"));
  EXPECT_EQ(outcome.kind, Kind::kExited);
  EXPECT_EQ(outcome.leftover_processes, 0);
  EXPECT_TRUE(outcome.all_gone);
}

TEST(ProcessRunner, ACommandThatAnswersTermMayClearUp) {
  const TempDir temp;
  ProcessSpec spec = Shell("trap 'echo bye; exit 0' TERM; echo $$ > ready; while :; do sleep 0.01; done");
  spec.working_dir = temp.path();
  spec.limits.grace = 30s;
  ProcessWatch watch;
  watch.is_cancelled = [&] { return temp.Get("ready").find('\n') != std::string::npos; };
  const ProcessOutcome outcome = RunProcess(spec, watch);
  EXPECT_EQ(outcome.kind, Kind::kCancelled);
  EXPECT_THAT(outcome.out.text, HasSubstr("bye"));
}

TEST(ProcessRunner, HeartbeatsComeWhileTheCommandIsSilent) {
  const TempDir temp;
  ProcessSpec spec = Shell("while [ ! -e stop ]; do sleep 0.01; done");
  spec.working_dir = temp.path();
  int beats = 0;
  ProcessWatch watch;
  watch.heartbeat_interval = 10ms;
  watch.heartbeat = [&] {
    if (++beats == 3) temp.Put("stop", "");
  };
  EXPECT_EQ(RunProcess(spec, watch).kind, Kind::kExited);
  EXPECT_GE(beats, 3);
}

TEST(ProcessRunner, AFloodOfOutputIsCappedAndHashedWhole) {
  ProcessSpec spec = Shell("printf HEAD; head -c 20000000 /dev/zero | tr '\\0' x; printf TAIL");
  spec.limits.max_output_bytes = 1000;
  const ProcessOutcome outcome = RunProcess(spec);
  EXPECT_EQ(outcome.out.total_bytes, 20'000'008u);
  EXPECT_TRUE(outcome.out.truncated);
  EXPECT_LT(outcome.out.text.size(), 1200u);
  EXPECT_TRUE(outcome.out.text.starts_with("HEADx"));
  EXPECT_TRUE(outcome.out.text.ends_with("xTAIL"));
  EXPECT_THAT(outcome.out.text, HasSubstr("bytes left out"));
  const auto out = Sha256("HEAD" + std::string(20'000'000, 'x') + "TAIL");
  const auto err = Sha256("");
  EXPECT_EQ(outcome.output_sha256, ToHex(Sha256({AsBytes(out), AsBytes(err)})));
}

TEST(ProcessRunner, FilesAboveTheLimitAndCoreFilesAreNotWritten) {
  const TempDir temp;
  ProcessSpec spec = Shell("ulimit -c; head -c 100000 /dev/zero > big");
  spec.working_dir = temp.path();
  spec.limits.file_bytes = 4096;
  const ProcessOutcome outcome = RunProcess(spec);
  EXPECT_TRUE(outcome.out.text.starts_with("0\n"));
  EXPECT_LE(std::filesystem::file_size(temp / "big"), 4096u);
}

TEST(ProcessRunner, CpuTimeIsLimited) {
  ProcessSpec spec = Shell("while :; do :; done");
  spec.limits.cpu_seconds = 1;
  const ProcessOutcome outcome = RunProcess(spec);
  EXPECT_EQ(outcome.kind, Kind::kSignalled);
  EXPECT_THAT(outcome.signal, testing::AnyOf(SIGXCPU, SIGKILL));
}

TEST(ProcessRunner, NothingSurvivesAWorkerThatIsKilled) {
  const TempDir temp;
  const pid_t worker = ::fork();
  if (worker == 0) {
    ProcessSpec spec = Shell(
        "setsid sh -c 'trap \"\" TERM HUP; echo $$ > daemon; exec sleep 1000' & echo $$ > command; exec sleep 1000");
    spec.working_dir = temp.path();
    RunProcess(spec);
    ::_exit(0);
  }
  const pid_t command = ReadPid(temp, "command");
  const pid_t daemon = ReadPid(temp, "daemon");
  EXPECT_FALSE(IsGone(command));
  ::kill(worker, SIGKILL);
  ::waitpid(worker, nullptr, 0);
  EXPECT_TRUE(BecomesTrue([&] { return IsGone(command) && IsGone(daemon); }));
}

TEST(ProcessRunner, ManyCommandsAtOnceDoNotDisturbOneAnother) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer takes locks of its own in the child, and does not know _Fork";
#endif
#endif
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&right, i] {
      const ProcessOutcome outcome = RunProcess(Shell("echo " + std::to_string(i) + "; exit " + std::to_string(i)));
      if (outcome.exit_code == i && outcome.out.text == std::to_string(i) + "\n" && outcome.all_gone) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 16);
}

TEST(ProcessRunner, WhatACommandUsedGoesToTheMeterOfItsCaller) {  // PF-4
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's own memory is more than the command's";
#endif
  const UsageMeter meter;
  const ProcessOutcome outcome = RunProcess(Shell("awk 'BEGIN { s = \"x\"; while (length(s) < 100000000) s = s s }'"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err.text;
  EXPECT_GT(meter.Read().cpu, 5ms);
  ASSERT_TRUE(meter.Read().process_peak_bytes);
  EXPECT_GT(*meter.Read().process_peak_bytes, 100'000'000U);
  const UsageMeter small;
  RunProcess(Shell("true"));
  EXPECT_FALSE(small.Read().process_peak_bytes) << "what is not above this process's own is not known";
}

TEST(FindProgram, RelativeEntriesOfPathAreIgnored) {
  const TempDir temp;
  temp.Put("bin/tool", "#!/bin/sh\n", true);
  temp.Put("bin/data", "x");
  EXPECT_EQ(FindProgram("tool", "bin:.::" + temp / "bin"), temp / "bin/tool");
  EXPECT_EQ(FindProgram("data", temp / "bin"), "");
}

}  // namespace
}  // namespace wfe::sandbox
