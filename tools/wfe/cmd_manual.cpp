// wfe manual: the manual page, made of the same texts as --help.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/wfe/cli.h"
#include "tools/wfe/exit_codes.h"
#include "tools/wfe/help.h"
#include "tools/wfe/usage.h"

namespace wfe::cli {
namespace {

/// docs/cli.md says more of each.
constexpr std::pair<ExitCode, const char*> kExitCodes[] = {
    {kExitOk, "Done; where a run was waited for, it completed, and an audited build passed."},
    {kExitFailed, "The workflow failed, or the server refused the call."},
    {kExitUsage, "Wrong options, malformed input or configuration."},
    {kExitUnreachable, "No server answers at the address."},
    {kExitNotFound, "No such workflow, run or file."},
    {kExitNotPassed, "An audited build completed as not_passed, or a generation as failed."},
    {kExitBudgetExhausted, "An audited build completed as budget_exhausted."},
    {kExitAborted, "An audited build completed as aborted."},
    {kExitAgentError, "An audited build completed as agent_error."},
    {kExitCanceled, "The workflow was cancelled."},
    {kExitTerminated, "The workflow was terminated."},
    {kExitTimedOut, "The workflow timed out, or --timeout passed."},
    {kExitProblemsFound, "A check found problems."},
    {kExitStore, "The store is in use, damaged, of another version, or cannot be written to."},
    {kExitAddressInUse, "The server cannot listen on its address."},
    {kExitDiskRefused, "The server's disk is full or refused a write (nothing acknowledged is lost), or the output could not be written."},
    {kExitInterrupted, "Interrupted by a signal before it was done."},
};

/// Text that roff shows as it is.
std::string Plain(const std::string& text) {
  std::string plain;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) plain += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      plain += "\\e";
    } else if (c == '-') {
      plain += "\\-";
    } else {
      plain += c;
    }
  }
  return plain;
}

/// A footer: sentences as paragraphs, examples as they are typed.
std::string Footer(const std::string& text) {
  std::string page;
  bool typed = false;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const bool is_typed = line.starts_with("  ");
    if (is_typed != typed) page += is_typed ? ".PP\n.RS 2\n.nf\n" : ".fi\n.RE\n.PP\n";
    typed = is_typed;
    page += line.empty() ? ".PP\n" : Plain(is_typed ? line.substr(2) : line) + "\n";
  }
  return page + (typed ? ".fi\n.RE\n" : "");
}

std::string Options(const CLI::App& command) {
  std::string page;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty() || option->get_name() == "--help") continue;
    page += ".TP\n.B " + Plain(option->get_name(option->get_positional(), true));
    if (!option->get_positional() && option->get_items_expected_max() > 0) {
      page += " \\fI" + Plain(ValueName(*option)) + "\\fR";
    }
    page += "\n" + Plain(option->get_description()) + "\n";
  }
  return page;
}

void AddCommands(const CLI::App& command, const std::string& path, std::string& page) {
  for (const CLI::App* sub : ShownCommands(command)) {
    const std::string name = path + " " + sub->get_name();
    page += ".SS " + Plain(name) + "\n" + Plain(sub->get_description()) + "\n" + Options(*sub);
    if (!sub->get_footer().empty()) page += ".PP\n" + Footer(sub->get_footer());
    AddCommands(*sub, name, page);
  }
}

std::string Page(const CLI::App& app) {
  // The description is "wfe: a …".
  std::string page = ".TH WFE 1 \"\" \"wfe " WFE_VERSION "\" \"User Commands\"\n"
                     ".SH NAME\nwfe \\- a durable workflow engine\n.SH SYNOPSIS\n.B wfe\n\\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.SH DESCRIPTION\n" +
                     Plain(app.get_description().substr(sizeof("wfe: ") - 1)) + ".\n.PP\n" + Footer(app.get_footer()) +
                     ".SH COMMANDS\n";
  AddCommands(app, "wfe", page);
  page += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : kExitCodes) {
    page += ".TP\n.B " + std::to_string(code) + "\n" + Plain(meaning) + "\n";
  }
  page +=
      ".SH ENVIRONMENT\n"
      ".TP\n.B TEMPORAL_ADDRESS\\fR, \\fBTEMPORAL_NAMESPACE\\fR, \\fBTEMPORAL_API_KEY\\fR\n"
      "Where clients and workers find the server, and what they say to it.\n"
      ".TP\n.B WFE_CONFIG\nThe configuration file, unless \\-\\-config names one.\n"
      ".TP\n.B GEMINI_API_KEY\nThe model's key; read by workers and kept nowhere.\n"
      ".SH FILES\n.TP\n.I ./wfe.toml\nThe configuration file, when no other is named.\n";
  return page;
}

}  // namespace

void AddManualCommand(CLI::App& app, Globals& globals) {
  CLI::App& command = *app.add_subcommand("manual", "Print the manual page");
  command.footer("Example:\n  wfe manual | man -l -");
  command.callback([&app, &globals] {
    std::fputs(Page(app).c_str(), stdout);
    globals.exit_code = kExitOk;
  });
}

}  // namespace wfe::cli
