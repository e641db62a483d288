#include "tools/wfe/run_cli.h"

#include <fmt/core.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <system_error>

#include "tools/wfe/cli.h"
#include "tools/wfe/usage.h"

namespace wfe::cli {
namespace {

/// One sentence where the format says, and where to read more.
int ReportUsage(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& error) {
  const auto [sentence, help] = ExplainUsage(app, words, error);
  const OutputFormat format = FormatAskedFor(words);
  std::ignore = Fail(InvalidArgument(sentence), format);
  if (format == OutputFormat::kText) fmt::print(stderr, "`{} --help` shows what it takes\n", help);
  return kExitUsage;
}

/// What was printed must have arrived: a file that was cut short is no answer.  A reader that has heard enough (a pipe's)
/// is content.
int Printed(int exit_code, OutputFormat format, int error = 0) {
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  if (error == 0 && !flushed) error = errno;
  struct stat out {};
  const bool is_pipe = ::fstat(STDOUT_FILENO, &out) == 0 && (S_ISFIFO(out.st_mode) || S_ISSOCK(out.st_mode));
  if ((error == 0 && std::ferror(stdout) == 0 && std::cout.good()) || is_pipe) return exit_code;
  std::ignore = Fail(
      Unavailable(std::string("the output could not be written: ") + std::strerror(error == 0 ? EIO : error)), format);
  return kExitDiskRefused;
}

}  // namespace

int RunCli(int argc, char** argv, SiteStarter site) {
  // gRPC's own log lines say nothing that an error message does not say better.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // Nor do protobuf's, and anybody who sends text that is no UTF-8 would write them into a server's log.
  google::protobuf::SetLogHandler(nullptr);

  CLI::App app("wfe: a durable workflow engine that speaks Temporal's API", "wfe");
  Globals globals;
  globals.site = std::move(site);
  AddAllCommands(app, globals);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // Help and version are "errors" to the parser, too.
    if (e.get_exit_code() == 0) return Printed(app.exit(e), globals.format);
    return ReportUsage(app, {argv + 1, argv + argc}, e);
  } catch (const std::system_error& e) {
    return Printed(globals.exit_code, globals.format, e.code().value());  // of fmt::print
  }
  return Printed(globals.exit_code, globals.format);
}

}  // namespace wfe::cli
