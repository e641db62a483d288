// wfe bench, bench-worker
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "engine/base/suggest.h"
#include "tools/bench/bench.h"
#include "tools/bench/workload.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {

namespace {

void AddTransport(CLI::App& command, bench::Transport& transport, const std::vector<bench::Transport>& ways,
                  const std::string& what) {
  std::vector<std::pair<std::string, int>> words;
  for (const bench::Transport way : ways) words.emplace_back(bench::NameOf(way), static_cast<int>(way));
  command.add_option("--transport", transport, what)->transform(OneOfNumbered("--transport", words));
}

/// A server that was named has its workers already, or its runs would wait for them without an end.
Status CheckBenchServer(Globals& globals, const std::string& address) {
  globals.address = address;
  globals.ns = "default";
  WFE_ASSIGN_OR_RETURN(const QueuePollers pollers, DescribeQueue(globals, std::string(bench::kBenchQueue)));
  if (pollers.workflow > 0 && pollers.activity > 0) return Ok();
  return FailedPrecondition(fmt::format(
      "nobody serves the queue {} at {}; start `wfe bench-worker --address {}` first (`wfe worker` does not know these "
      "workflows)",
      bench::kBenchQueue, address, address));
}

Status CheckScenarios(const std::vector<std::string>& scenarios) {
  const std::vector<std::string>& known = bench::ScenarioNames();
  for (const std::string& name : scenarios) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return InvalidArgument("there is no scenario " + name + DidYouMean(name, known) + "; there are " +
                           Alternatives(known));
  }
  return Ok();
}

}  // namespace

void AddBenchCommand(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<bench::Options>();
  auto all = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("bench", "Measure this machine and the engine on it");
  AddCommonOptions(command, globals);
  command.add_option("scenario", options->scenarios,
                     "one, ten, graph, fan100, wide, timers, park, cold, idle, resume, traces, money, generate, everyday, million");
  command.add_flag("--all", *all, "Every scenario but everyday and million; ends within 8 minutes on two cores");
  command.add_option("--concurrency", options->concurrency, "Callers, instead of 1, 16 and 128")
      ->check(WholeNumber(1, 10'000));
  using bench::Transport;
  AddTransport(command, options->transport, {Transport::kStream, Transport::kUnary, Transport::kEmbedded},
               "How calls of client and worker travel: stream (default), unary, or embedded: all in this process");
  command.add_option("--seconds", options->seconds, "Measured time of one load scenario (default 6)")
      ->check(Seconds());
  command.add_option("--runs", options->runs,
                     "Closed runs in the store of million (default 1000000); a tenth as many are open beside them")
      ->check(WholeNumber(100, 100'000'000));
  command.add_option("--store", options->store,
                     "Folder where million keeps its store: filled if it is not there, used as it is if it is");
  command.add_option("--address", options->address, "Measure this server, and the `wfe bench-worker` that serves it");
  command.footer(
      "Without --address it starts its own server and worker in a temporary directory and stops them.\n"
      "With it, a `wfe bench-worker` must serve the server.\n"
      "Examples:\n  wfe bench one --concurrency 128\n  wfe bench --all --output json > figures.json");
  command.callback([&globals, options, all] {
    globals.Run([&]() -> Result<int> {
      if (options->scenarios.empty() && !*all) return InvalidArgument("name a scenario, or say --all");
      WFE_RETURN_IF_ERROR(CheckScenarios(options->scenarios));
      if (!options->address.empty()) WFE_RETURN_IF_ERROR(CheckBenchServer(globals, options->address));
      if (*all) options->scenarios.clear();
      options->program = std::filesystem::read_symlink("/proc/self/exe").string();
      WFE_ASSIGN_OR_RETURN(const bench::Report report,
                           bench::Run(*options, [](const std::string& line) { fmt::print(stderr, "… {}\n", line); }));
      if (globals.format == OutputFormat::kText) {
        std::fputs(bench::ToText(report).c_str(), stdout);
      } else {
        PrintObject(bench::ToJson(report), globals.format);
      }
      return report.failures.empty() ? kExitOk : kExitFailed;
    });
  });

  struct WorkerOptions {
    std::string address;
    std::string queue{bench::kBenchQueue};
    bench::Transport transport = bench::Transport::kStream;
  };
  auto worker = std::make_shared<WorkerOptions>();
  CLI::App& serve = *app.add_subcommand("bench-worker", "Serve the workflows that `wfe bench --address` starts");
  serve.add_option("--address", worker->address, "HOST:PORT of the server")->required();
  serve.add_option("--queue", worker->queue, "Task queue");
  AddTransport(serve, worker->transport, {Transport::kStream, Transport::kUnary},
               "How its calls travel: stream (default) or unary");
  serve.footer("Example:\n  wfe bench-worker --address 127.0.0.1:7233");
  serve.callback([&globals, worker] {
    globals.exit_code = bench::RunBenchWorker(worker->address, worker->queue, worker->transport);
  });
}

}  // namespace wfe::cli
