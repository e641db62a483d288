// wfe: the command line of the engine.  Each family of commands is a file cmd_*.cpp.
#include <fmt/core.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <system_error>

#include "tools/site/start_site.h"
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

/// What was printed must have arrived: a file that was cut short is no answer.  A reader that has heard enough (a pipe's)
/// is content.
int Printed(int exit_code, wfe::cli::OutputFormat format, int error = 0) {
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  if (error == 0 && !flushed) error = errno;
  struct stat out {};
  const bool is_pipe = ::fstat(STDOUT_FILENO, &out) == 0 && (S_ISFIFO(out.st_mode) || S_ISSOCK(out.st_mode));
  if ((error == 0 && std::ferror(stdout) == 0 && std::cout.good()) || is_pipe) return exit_code;
  std::ignore = wfe::cli::Fail(
      wfe::Unavailable(std::string("the output could not be written: ") + std::strerror(error == 0 ? EIO : error)), format);
  return wfe::cli::kExitDiskRefused;
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC's own log lines say nothing that an error message does not say better.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // Nor do protobuf's, and anybody who sends text that is no UTF-8 would write them into a server's log.
  google::protobuf::SetLogHandler(nullptr);

  CLI::App app("wfe: a durable workflow engine that speaks Temporal's API", "wfe");
  wfe::cli::Globals globals;
  globals.site = &wfe::site::StartSite;
  wfe::cli::AddAllCommands(app, globals);

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
