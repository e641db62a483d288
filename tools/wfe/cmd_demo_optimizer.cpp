// wfe demo optimizer
#include <fmt/core.h>

#include <unistd.h>

#include "tools/demo/optimizer_demo.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/graph_file.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

struct OptimizerDemoFlags {
  int64_t seed = 1;
  std::string html;
  bool no_regression = false;
};

Result<int> RunDemo(Globals& globals, const OptimizerDemoFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const std::string graph, ReadGraphFile("feature_implementation"));
  demo::OptimizerWorld world(static_cast<uint64_t>(flags.seed), *ParseIso8601("2026-03-02T08:00:00.000Z"));
  const bool text = globals.format == OutputFormat::kText;
  const demo::OptimizerDemoOptions options{
      .seed = static_cast<uint64_t>(flags.seed),
      .graph = graph,
      .planted_regression = !flags.no_regression,
      .say = [&](const std::string& sentence) {
        fmt::print(text ? stdout : stderr, "{}  {}\n", MinuteOf(world.Time()), sentence);
        std::fflush(stdout);
      }};
  WFE_RETURN_IF_ERROR(demo::RunOptimizerDemo(world, options));
  WFE_ASSIGN_OR_RETURN(const SessionStory story, StoryOf(world.records(), world.Session(demo::kDemoSession)));
  if (!flags.html.empty()) WFE_RETURN_IF_ERROR(WriteTextFile(flags.html, SessionPage(story, world.Time())));
  if (!text) {
    PrintJson(JsonOf(story), globals.format);
    return kExitOk;
  }
  PrintText("\n" + SessionText(story, TerminalWidth()));
  PrintText(fmt::format("\n{} runs in virtual time; no model was asked, nothing was paid.\n", world.runs()));
  return kExitOk;
}

}  // namespace

void AddDemoOptimizerCommand(CLI::App& demo, Globals& globals) {
  auto flags = std::make_shared<OptimizerDemoFlags>();
  CLI::App& command = *demo.add_subcommand(
      "optimizer", "A workflow is profiled, made faster, rolled out; a change that hurts is taken back");
  AddCommonOptions(command, globals);
  command.add_option("--seed", flags->seed, "The same seed tells the same story (default 1)");
  command.add_option("--html", flags->html, "Write the session's report to this file, too");
  command.add_flag("--no-regression", flags->no_regression, "End when the better version is in service");
  command.footer(
      "This program's own engine, worker, workflows and activities, on one thread in virtual time; only what the steps\n"
      "of the workflow do is simulated. It takes about a minute.\n"
      "Examples:\n  wfe demo optimizer\n  wfe demo optimizer --html session.html --output json");
  command.callback([&globals, flags] { globals.Run([&] { return RunDemo(globals, *flags); }); });
}

}  // namespace wfe::cli
