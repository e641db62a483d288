// wfe bench, bench-worker
#include <fmt/core.h>

#include <filesystem>
#include <map>

#include "tools/bench/bench.h"
#include "tools/bench/workload.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"

namespace wfe::cli {

namespace {

void AddTransport(CLI::App& command, bench::Transport& transport, const std::vector<bench::Transport>& ways,
                  const std::string& what) {
  std::map<std::string, bench::Transport> words;
  std::string text;
  for (const bench::Transport way : ways) {
    words.emplace(bench::NameOf(way), way);
    text += (text.empty() ? "" : ",") + bench::NameOf(way);
  }
  command.add_option("--transport", transport, what)
      ->transform(CLI::CheckedTransformer(words))
      ->option_text("ENUM:{" + text + "}");
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
  command.add_option("--concurrency", options->concurrency, "Callers, instead of 1, 16 and 128");
  using bench::Transport;
  AddTransport(command, options->transport, {Transport::kStream, Transport::kUnary, Transport::kEmbedded},
               "How calls of client and worker travel: stream (default), unary, or embedded: all in this process");
  command.add_option("--seconds", options->seconds, "Measured time of one load scenario (default 6)")
      ->check(Seconds());
  command.add_option("--runs", options->runs,
                     "Closed runs in the store of million (default 1000000); a tenth as many are open beside them")
      ->check(CLI::Range(int64_t{100}, int64_t{100'000'000}));
  command.add_option("--store", options->store,
                     "Folder where million keeps its store: filled if it is not there, used as it is if it is");
  command.add_option("--address", options->address, "Measure this server and its workers instead of own processes");
  command.footer(
      "Without --address it starts its own server and worker in a temporary directory and stops them.\n"
      "Examples:\n  wfe bench one --concurrency 128\n  wfe bench --all --output json > figures.json");
  command.callback([&globals, options, all] {
    globals.Run([&]() -> Result<int> {
      if (options->scenarios.empty() && !*all) return InvalidArgument("name a scenario, or say --all");
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
  serve.callback([&globals, worker] {
    globals.exit_code = bench::RunBenchWorker(worker->address, worker->queue, worker->transport);
  });
}

}  // namespace wfe::cli
