// wfe: the command line of the engine.  Each family of commands is a file cmd_*.cpp.
#include <cstdlib>

#include "tools/wfe/cli.h"

int main(int argc, char** argv) {
  // gRPC's own log lines say nothing that an error message does not say better.
  setenv("GRPC_VERBOSITY", "NONE", 0);

  CLI::App app("wfe: a durable workflow engine that speaks Temporal's API", "wfe");
  app.set_version_flag("--version", "wfe " WFE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Examples:\n"
      "  wfe server --data ./wfe-data\n"
      "  wfe worker --queue wfe --work-root ./wfe-work\n"
      "  wfe submit AuditedBuildWorkflow --input @build.json --follow\n"
      "  wfe list\n\n"
      "`wfe COMMAND --help` shows a command's options and examples.");

  wfe::cli::Globals globals;
  wfe::cli::AddServerCommands(app, globals);
  wfe::cli::AddSubmitCommands(app, globals);
  wfe::cli::AddWorkflowCommands(app, globals);
  wfe::cli::AddHistoryCommands(app, globals);
  wfe::cli::AddAuditCommands(app, globals);
  wfe::cli::AddPromptsCommands(app, globals);
  wfe::cli::AddCostsCommand(app, globals);
  wfe::cli::AddScheduleCommands(app, globals);
  wfe::cli::AddConfigCommands(app, globals);
  wfe::cli::AddDemoCommands(app, globals);
  wfe::cli::AddBenchCommand(app, globals);
  wfe::cli::AddCompletionCommand(app, globals);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? wfe::cli::kExitOk : wfe::cli::kExitUsage;
  }
  return globals.exit_code;
}
