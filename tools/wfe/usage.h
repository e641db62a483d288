// What is wrong with a command line, as one sentence that names the word, with a guess at what was meant.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/wfe/output.h"

namespace wfe::cli {

struct UsageProblem {
  std::string sentence;
  std::string help;  ///< The command whose --help shows more, e.g. "wfe submit".
};
/// `words`: the command line without the program's name, as it failed to parse with `error`.
UsageProblem ExplainUsage(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& error);

/// The --output that the words ask for, so that a mistake in the rest of them can be told in it.
OutputFormat FormatAskedFor(const std::vector<std::string>& words);

/// What a person may use, subcommands and long options: hidden ones are left out.
std::vector<const CLI::App*> ShownCommands(const CLI::App& app);
std::vector<std::string> CommandNames(const CLI::App& app);
std::vector<std::string> OptionNames(const CLI::App& app);

}  // namespace wfe::cli
