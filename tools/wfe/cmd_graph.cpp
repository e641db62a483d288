// wfe graph check|show|samples
#include <fmt/core.h>

#include "activities/graph/draw_graph.h"
#include "activities/graph/read_graph.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/graph_file.h"
#include "tools/wfe/one_of.h"
#include "workflows/graph/samples.h"

namespace wfe::cli {
namespace {

struct GraphCheckOptions {
  std::vector<std::string> files;
  bool any_type = false;
};

struct GraphShowOptions {
  std::string file;
  std::string format = "text";
};

/// One file's line, or one line for each mistake; false: there are some.
Result<bool> CheckOneGraph(const Globals& globals, const std::string& file, const graph::KnownTypes& known) {
  WFE_ASSIGN_OR_RETURN(const std::string text, ReadGraphFile(file));
  graph::Mistakes mistakes;
  const std::optional<graph::Graph> graph = graph::CheckGraphText(text, known, mistakes);
  if (globals.format != OutputFormat::kText) {
    nlohmann::ordered_json object = {{"file", file}, {"status", graph ? "ok" : "wrong"}};
    if (graph) {
      object["graph"] = graph->id;
      object["version"] = graph::VersionOf(*graph);
      object["nodes"] = graph->nodes.size();
      object["edges"] = graph->edges.size();
    }
    object["mistakes"] = nlohmann::json(mistakes.told);
    object["mistake_count"] = mistakes.count;
    PrintObject(object, globals.format);
    return graph.has_value();
  }
  if (graph) {
    PrintText(fmt::format("{}: {} is good: {} nodes, {} edges, version {}\n", file, graph->id, graph->nodes.size(),
                          graph->edges.size(), graph::VersionOf(*graph).substr(0, 12)));
    return true;
  }
  for (const graph::Mistake& mistake : mistakes.told) {
    PrintText(fmt::format("{}: {}{}{}\n", file, mistake.pointer, mistake.pointer.empty() ? "" : ": ", mistake.message));
  }
  if (mistakes.count > mistakes.told.size()) {
    PrintText(fmt::format("{}: and {} more\n", file, mistakes.count - mistakes.told.size()));
  }
  return false;
}

Result<int> CheckGraphs(const Globals& globals, const GraphCheckOptions& options) {
  const graph::KnownTypes known = options.any_type ? graph::KnownTypes() : TypesOfThisProgram();
  bool good = true;
  for (const std::string& file : options.files) {
    WFE_ASSIGN_OR_RETURN(const bool one, CheckOneGraph(globals, file, known));
    good = good && one;
  }
  return good ? kExitOk : kExitProblemsFound;
}

Result<int> ShowGraph(const Globals& globals, const GraphShowOptions& options) {
  WFE_ASSIGN_OR_RETURN(const graph::Graph graph, LoadGraph(options.file, {}));
  if (globals.format != OutputFormat::kText) {
    PrintJson(nlohmann::json(graph), globals.format);
    return kExitOk;
  }
  if (options.format == "svg") {
    WFE_ASSIGN_OR_RETURN(const std::string svg, graph::DrawSvg(graph));
    PrintText(svg);
  } else if (options.format == "mermaid") {
    PrintText(graph::DrawMermaid(graph));
  } else if (options.format == "dot") {
    PrintText(graph::DrawDot(graph));
  } else if (options.format == "json") {
    // As it is hashed, but for blanks: what --output json prints has all keys in order, too.
    PrintText(nlohmann::json(graph).dump(2) + "\n");
  } else {
    PrintText(graph::DrawText(graph));
  }
  return kExitOk;
}

Result<int> ListSamples(const Globals& globals) {
  Table table(
      {{"NAME", "name", false, false}, {"NODES", "nodes", false, true}, {"DESCRIPTION", "description", true, false}});
  for (const workflows::GraphSample& sample : workflows::GraphSamples()) {
    const std::string name(sample.name.substr(0, sample.name.rfind('.')));
    WFE_ASSIGN_OR_RETURN(const graph::Graph graph, LoadGraph(name, {}));
    table.Add({{"name", name},
               {"graph", graph.id},
               {"nodes", graph.nodes.size()},
               {"inputs", graph.inputs},
               {"description", graph.description},
               {"version", graph::VersionOf(graph)}});
  }
  table.Print(globals.format);
  return kExitOk;
}

}  // namespace

void AddGraphCommands(CLI::App& app, Globals& globals) {
  CLI::App& graph = *app.add_subcommand("graph", "Workflows as graphs: check them, show them, run them");
  graph.require_subcommand(1);
  graph.footer(
      "Examples:\n"
      "  wfe graph samples\n"
      "  wfe graph check release.json\n"
      "  wfe graph show feature_implementation --format mermaid\n"
      "  wfe graph run triage --input '{\"task\": \"count words\"}' --local");

  auto check_options = std::make_shared<GraphCheckOptions>();
  CLI::App& check = *graph.add_subcommand("check", "Say what is wrong with graphs, each mistake with its place");
  AddCommonOptions(check, globals);
  check.add_option("files", check_options->files, "Files, samples by name, or - for standard input")->required();
  check.add_flag("--any-type", check_options->any_type,
                 "Types of activities and workflows may be those of other programs");
  check.footer(
      "The exit code is 0 when all are good and 12 when one is not.\n"
      "Examples:\n"
      "  wfe graph check release.json\n"
      "  wfe graph check graphs/*.json --output jsonl");
  check.callback([&globals, check_options] { globals.Run([&] { return CheckGraphs(globals, *check_options); }); });

  auto show_options = std::make_shared<GraphShowOptions>();
  CLI::App& show = *graph.add_subcommand("show", "Print a graph: as text, for Mermaid, for Graphviz, as a drawing");
  AddCommonOptions(show, globals);
  show.add_option("file", show_options->file, "A file, a sample by name, or - for standard input")->required();
  show.add_option("--format", show_options->format, "text (default), mermaid, dot, svg (needs Graphviz) or json")
      ->transform(OneOf("--format", {"text", "mermaid", "dot", "svg", "json"}));
  show.footer(
      "Examples:\n"
      "  wfe graph show release.json\n"
      "  wfe graph show release.json --format svg > release.svg\n"
      "  wfe graph show feature_implementation --format json > mine.json");
  show.callback([&globals, show_options] { globals.Run([&] { return ShowGraph(globals, *show_options); }); });

  CLI::App& samples = *graph.add_subcommand("samples", "List the graphs that come with this program");
  AddCommonOptions(samples, globals);
  samples.footer("Example:\n  wfe graph samples --output jsonl");
  samples.callback([&globals] { globals.Run([&] { return ListSamples(globals); }); });

  AddGraphRunCommand(graph, globals);
  AddGraphResultsCommand(graph, globals);
}

}  // namespace wfe::cli
