// imitation_model: a model's service on 127.0.0.1 whose weather can be changed while it runs, for tests of the built
// program.
//
//   imitation_model --port-file FILE --answers FILE --weather FILE --log FILE
//
// answers   JSON lines, as tests/support/imitation/model_script.h has them: {"when": TEXT, "turn": N, "response": […]}
// weather   one word and perhaps seconds, read all the time: clear; a fault (503, cut …); 429 SECONDS; refuse (nobody
//           listens).  A missing file is clear weather.
// log       one line for each request: seconds since the start, what it was, what it got, of which model.
// The port goes into its file once it listens.  It ends with its parent.
#include <signal.h>
#include <sys/prctl.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/imitation/imitation_model.h"

namespace {

using wfe::imitation::ImitationModel;
using Clock = std::chrono::steady_clock;

std::map<std::string, std::string> g_options;
const Clock::time_point g_start = Clock::now();

[[noreturn]] void Die(const std::string& why) {
  std::cerr << "imitation_model: " << why << "\n";
  std::exit(2);
}

std::vector<wfe::imitation::ModelAnswer> ReadAnswers(const std::string& path) {
  std::ifstream in(path);
  if (!in) Die("cannot read " + path);
  std::string error;
  auto answers = wfe::imitation::ParseScript({std::istreambuf_iterator<char>(in), {}}, &error);
  if (!answers) Die(path + ": " + error);
  return *std::move(answers);
}

ImitationModel::Weather ReadWeather() {
  ImitationModel::Weather weather;
  std::ifstream in(g_options["--weather"]);
  if (std::string word; in >> word) weather.word = word;
  in >> weather.retry_after_s;
  return weather;
}

void Log(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::ofstream out(g_options["--log"], std::ios::app);
  char time[32];
  std::snprintf(time, sizeof time, "%.2f", std::chrono::duration<double>(Clock::now() - g_start).count());
  out << time << " " << line << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 1; i + 1 < argc; i += 2) g_options[argv[i]] = argv[i + 1];
  for (const char* name : {"--port-file", "--answers", "--weather", "--log"}) {
    if (!g_options.contains(name)) Die(std::string("needs ") + name);
  }
  ImitationModel model(
      ReadAnswers(g_options["--answers"]),
      {.served = [](const ImitationModel::Served& call) { Log("generate " + call.got + " " + call.request.model); },
       .other = &Log});
  model.SetWeather(ReadWeather());
  std::ofstream(g_options["--port-file"] + ".new") << model.port() << std::endl;
  std::filesystem::rename(g_options["--port-file"] + ".new", g_options["--port-file"]);
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    model.SetWeather(ReadWeather());
  }
}
