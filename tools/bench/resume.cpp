#include "tools/bench/resume.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "tools/bench/clock.h"
#include "tools/bench/fresh_stack.h"
#include "tools/bench/load.h"
#include "tools/bench/workload.h"

namespace wfe::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr int kRuns = 1000;
constexpr int kSteps = 10;

/// One line a step that ran: how often each did.
std::map<std::string, int> StepsIn(const std::string& path) {
  std::map<std::string, int> steps;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) ++steps[line];
  return steps;
}

uintmax_t SizeOf(const std::string& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

/// Waits until the file has so many bytes.
Status AwaitSize(const std::string& path, uintmax_t bytes, std::chrono::seconds longest) {
  const Clock::time_point give_up = Clock::now() + longest;
  while (SizeOf(path) < bytes) {
    if (Clock::now() > give_up) return DeadlineExceeded("the steps stopped");
    std::this_thread::sleep_for(1ms);
  }
  return Ok();
}

Status StartRuns(client::ServiceClient& client, const std::string& record) {
  Status started = Internal("not tried");
  for (int i = 0; i < 1000 && !started; ++i) {
    started = StartMany(client, std::string(kRecorded), "\"" + record + "\"", "resume", 1, 1);
    if (!started) std::this_thread::sleep_for(10ms);
  }
  WFE_RETURN_IF_ERROR(started);
  return StartMany(client, std::string(kRecorded), "\"" + record + "\"", "resume-more", kRuns - 1, 128);
}

}  // namespace

Status MeasureResume(const Environment& env, std::vector<Figure>& figures) {
  const std::string directory = env.directory + "/resume";
  const std::string record = directory + "/steps";
  env.progress("resume: starting 1,000 workflows of ten steps");
  WFE_ASSIGN_OR_RETURN(FreshStack stack, StartFresh(env, directory));
  const auto client = NewClient(stack.address, env.options);
  WFE_RETURN_IF_ERROR(StartRuns(*client, record));
  // Half of the work is done; "resume-more-123 7" has about so many bytes.
  WFE_RETURN_IF_ERROR(AwaitSize(record, kRuns * kSteps / 2 * std::string("resume-more-123 7\n").size(), 60s));
  env.progress("resume: killing the server");
  stack.server.Kill();
  std::this_thread::sleep_for(1s);  // what the worker has at hand runs to its end
  const uintmax_t before = SizeOf(record);
  const Clock::time_point begin = Clock::now();
  WFE_ASSIGN_OR_RETURN(stack.server,
                       ChildProcess::Start({env.program, "server", "--http", "off", "--data", directory + "/data", "--listen",
                                            stack.address},
                                           directory + "/server-2.log"));
  WFE_RETURN_IF_ERROR(AwaitSize(record, before + 1, 60s));
  const double first_ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  int lost = 0;
  const Clock::time_point longest = Clock::now() + 120s;
  for (int i = 0; i < kRuns; ++i) {
    const std::string id = i == 0 ? "resume-0" : "resume-more-" + std::to_string(i - 1);
    if (!AwaitClose(*client, id, std::max<Duration>(longest - Clock::now(), 1ms))) ++lost;
  }
  int repeated = 0;
  const auto steps = StepsIn(record);
  for (const auto& [step, times] : steps) repeated += times - 1;
  const auto add = [&](const std::string& name, double value, const std::string& unit, double aim) {
    figures.push_back({.scenario = "resume", .name = name, .value = value, .unit = unit, .samples = kRuns, .aim = aim,
                       .aim_is_upper = true});
  };
  add("first_step", first_ms, "ms", 200);
  add("repeated_steps", repeated, "steps", 0);
  add("lost_runs", lost, "runs", 0);
  if (lost == 0 && steps.size() != kRuns * kSteps) {
    return Internal(std::to_string(steps.size()) + " steps were recorded instead of 10,000");
  }
  return Ok();
}

}  // namespace wfe::bench
