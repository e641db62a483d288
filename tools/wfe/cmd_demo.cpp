// wfe demo traces
#include <fmt/core.h>
#include <unistd.h>

#include "engine/base/counted.h"
#include "tools/demo/corpus.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/optimize_commands.h"

namespace wfe::cli {
namespace {

struct TracesOptions {
  demo::CorpusOptions corpus;
  std::string out;
  bool no_causes = false;
  std::string causes;
};

Result<int> WriteTraces(const Globals& globals, TracesOptions& options) {
  if (options.no_causes) options.corpus.causes = demo::Causes::None();
  if (!options.causes.empty()) {
    WFE_ASSIGN_OR_RETURN(options.corpus.causes, demo::Causes::Parse(options.causes));
  }
  if (options.out.empty()) options.out = "wfe-demo-traces-" + std::to_string(options.corpus.seed);
  WFE_RETURN_IF_ERROR(demo::CheckEmpty(options.out));
  const bool terminal = isatty(STDERR_FILENO) == 1;
  options.corpus.progress = [terminal](int done, int runs) {
    // A terminal gets one line that counts, a log a line for each tenth.
    const bool tenth = done * 10 / runs != (done - 1) * 10 / runs;
    if (terminal || tenth)
      fmt::print(stderr, "{}… {} of {} builds{}", terminal ? "\r" : "", done, runs, terminal ? "" : "\n");
    if (terminal && done == runs) fmt::print(stderr, "\n");
  };
  WFE_ASSIGN_OR_RETURN(const demo::Corpus corpus, demo::GenerateCorpus(options.corpus));
  WFE_RETURN_IF_ERROR(demo::WriteCorpus(corpus, options.out));

  size_t bytes = 0;
  size_t traces = 0;
  for (const auto& [path, content] : corpus.files) {
    if (!path.ends_with("/audit_trace.jsonl")) continue;
    ++traces;
    bytes += content.size();
  }
  const std::vector<std::string> planted = options.corpus.causes.Names();
  if (globals.format != OutputFormat::kText) {
    PrintObject({{"directory", options.out},
                 {"seed", options.corpus.seed},
                 {"runs", corpus.runs},
                 {"entries", corpus.entries},
                 {"traces", traces},
                 {"bytes", bytes},
                 {"planted", planted},
                 {"truth", options.out + "/truth.json"}},
                globals.format);
    return kExitOk;
  }
  std::string names;
  for (const std::string& name : planted) names += (names.empty() ? "" : ", ") + name;
  fmt::print("{}: {}, {} in {} ({} KB); no model was called\n", options.out, Counted(corpus.runs, "build"),
             Counted(corpus.entries, "entry", "entries"),
             Counted(traces, "trace"), bytes / 1024);
  fmt::print("planted: {}; the truth about them is in {}/truth.json\n", names.empty() ? "nothing" : names, options.out);
  return kExitOk;
}

}  // namespace

void AddDemoCommands(CLI::App& app, Globals& globals) {
  CLI::App& demo = *app.add_subcommand("demo", "Material to try the audits on, and an optimizer at work");
  demo.require_subcommand(1);
  demo.footer("Examples:\n  wfe demo traces --seed 1 --out traces\n  wfe demo optimizer");
  AddDemoOptimizerCommand(demo, globals);
  auto options = std::make_shared<TracesOptions>();
  CLI::App& traces = *demo.add_subcommand("traces", "Write audit traces of simulated builds with planted causes");
  AddCommonOptions(traces, globals);
  traces.add_option("--seed", options->corpus.seed, "The same seed writes the same bytes (default 1)");
  traces.add_option("--runs", options->corpus.runs, "Builds, spread over six weeks (default 240)")
      ->check(WholeNumber(1, 99'999));
  traces.add_option("--out", options->out, "A new or empty directory (default: wfe-demo-traces-SEED)");
  auto* none = traces.add_flag("--no-causes", options->no_causes, "Plant nothing: an audit should claim nothing");
  traces
      .add_option("--causes", options->causes,
                  "Plant only these, separated by commas: costly_class, constraint_change, worse_prompt, context_churn")
      ->excludes(none);
  traces.add_flag("--without-engine", options->corpus.without_engine,
                  "Run the workflow's code by itself: quicker; run ids and times differ from those of the engine");
  traces.footer(
      "The builds are AuditedBuildWorkflow runs through this program's own engine and worker, in virtual time. Agents\n"
      "and checks are simulated: every row says `scripted`, and no money is in it.\n"
      "Examples:\n"
      "  wfe demo traces --seed 1 --out traces\n"
      "  wfe demo traces --seed 2 --no-causes --out nothing-planted\n"
      "  wfe demo traces --runs 2000 --causes costly_class,worse_prompt --without-engine\n"
      "  wfe audit run --local --traces traces");
  traces.callback([&globals, options] { globals.Run([&] { return WriteTraces(globals, *options); }); });
}

}  // namespace wfe::cli
