// `wfe bench`: what the engine does per second on this machine, beside what the machine itself can do.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace wfe::bench {

/// How the calls of the benchmark's client and worker travel.
enum class Transport {
  kUnary,   ///< One by one, as any SDK's.
  kStream,  ///< In a stream, as `wfe worker` makes them.
  kEmbedded,  ///< Not at all: engine, worker and callers are in this process.
};

struct Options {
  Transport transport = Transport::kStream;
  std::vector<std::string> scenarios;  ///< Names; empty: all but `everyday` and `million`, which take minutes.
  std::vector<int> concurrency;        ///< Empty: 1, 16 and 128 where the scenario takes callers.
  std::string address;                 ///< Empty: own server and worker processes in a temporary directory.
  std::string program;                 ///< Path of this program, to start them from.
  int64_t runs = 0;                    ///< Closed ones in the store of `million`, a tenth as many open; 0: a million.
  std::string store;                   ///< Where `million` keeps its store: filled when it is not there; empty: temporary.
  double seconds = 6;                  ///< Measured time of one load scenario at one concurrency.
};

/// One measured figure.
struct Figure {
  std::string scenario;
  int concurrency = 0;  ///< 0: does not apply.
  std::string name;     ///< "workflows_per_s", "p50_ms" …
  double value = 0;
  std::string unit;
  int64_t samples = 0;
  double aim = 0;  ///< 0: none stated.
  bool aim_is_upper = false;
  std::string against;  ///< The limit measured in the same run that `ratio` refers to; empty: none.
  double ratio = 0;
};

struct Report {
  std::vector<Figure> limits;
  std::vector<Figure> figures;
  std::vector<std::string> failures;  ///< Scenarios that could not be measured, with the reason.
};

/// The names of all scenarios.
const std::vector<std::string>& ScenarioNames();

/// Runs the scenarios; `progress` gets a line for each step.  Blocks.
Result<Report> Run(const Options& options, const std::function<void(const std::string&)>& progress);

std::string ToText(const Report& report);
nlohmann::ordered_json ToJson(const Report& report);

/// The worker process of the benchmark: serves the workflows and activities of workload.h until SIGTERM.
int RunBenchWorker(const std::string& address, const std::string& queue, Transport transport);

/// "unary", "stream" or "embedded".
std::string NameOf(Transport transport);

}  // namespace wfe::bench
