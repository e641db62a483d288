// wfe graph results
#include <fmt/core.h>

#include <fstream>

#include "activities/graph/records/recorded_results.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/history_source.h"

namespace wfe::cli {
namespace {

struct GraphResultsOptions {
  std::vector<std::string> sources;
  std::string file;
};

Result<int> GatherResults(Globals& globals, const GraphResultsOptions& options) {
  graph::RecordedResults results;
  for (const std::string& source : options.sources) {
    WFE_ASSIGN_OR_RETURN(const auto history, LoadHistory(globals, source, ""));
    results.Add(history);
  }
  const nlohmann::json all = results.All();
  if (options.file.empty()) {
    PrintJson(all, globals.format == OutputFormat::kText ? OutputFormat::kJson : globals.format);
    return kExitOk;
  }
  std::ofstream file(options.file, std::ios::binary | std::ios::trunc);
  file << all.dump(1) << "\n";
  file.close();
  if (!file) return InvalidArgument("cannot write " + options.file);
  PrintObject({{"file", options.file},
               {"results", all.size()},
               {"repeats", results.repeats()},
               {"contradictions", results.contradictions()}},
              globals.format);
  return kExitOk;
}

}  // namespace

void AddGraphResultsCommand(CLI::App& graph, Globals& globals) {
  auto options = std::make_shared<GraphResultsOptions>();
  CLI::App& command = *graph.add_subcommand("results", "Gather the results of runs, for dry runs of a graph");
  AddClientOptions(command, globals);
  command.add_option("runs", options->sources, "Workflow ids, or files of wfe history export")->required();
  command.add_option("--file", options->file, "Write them to this file (default: to standard output)");
  command.footer(
      "Of activities and children that ended well: type, SHA-256 of the input, result, duration. Of equal inputs the\n"
      "first result counts; contradictions are equal inputs with different results.\n"
      "Example:\n"
      "  wfe graph results release-6 release-7 --file results.json\n"
      "  wfe graph run release.json --input @release-7.json --recorded results.json --only-recorded");
  command.callback([&globals, options] { globals.Run([&] { return GatherResults(globals, *options); }); });
}

}  // namespace wfe::cli
