// wfe: the command line of the engine.  Each family of commands is a file cmd_*.cpp.
#include <fmt/core.h>

#include <cstdlib>

#include "tools/wfe/cli.h"
#include "tools/wfe/usage.h"

namespace {

/// One sentence where the format says, and where to read more.
int ReportUsage(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& error) {
  const auto [sentence, help] = wfe::cli::ExplainUsage(app, words, error);
  const wfe::cli::OutputFormat format = wfe::cli::FormatAskedFor(words);
  std::ignore = wfe::cli::Fail(wfe::InvalidArgument(sentence), format);
  if (format == wfe::cli::OutputFormat::kText) fmt::print(stderr, "`{} --help` shows what it takes\n", help);
  return wfe::cli::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC's own log lines say nothing that an error message does not say better.
  setenv("GRPC_VERBOSITY", "NONE", 0);

  CLI::App app("wfe: a durable workflow engine that speaks Temporal's API", "wfe");
  app.footer(
      "Examples:\n"
      "  wfe build \"Add a --json option\" --dir ~/src/parser --local\n"
      "  wfe server --data ./wfe-data\n"
      "  wfe worker --queue wfe --work-root ./wfe-work\n"
      "  wfe submit AuditedBuildWorkflow --input @build.json --follow\n"
      "  wfe list\n\n"
      "`wfe COMMAND --help` shows a command's options and examples.");

  wfe::cli::Globals globals;
  wfe::cli::AddAllCommands(app, globals);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // Help and version are "errors" to the parser, too.
    if (e.get_exit_code() == 0) return app.exit(e);
    return ReportUsage(app, {argv + 1, argv + argc}, e);
  }
  return globals.exit_code;
}
