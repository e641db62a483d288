// Values of options, refused in words that name the option and the choices.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace wfe::cli {

/// One of these words, in any letter case: "--output takes text, json or jsonl, not "yaml"", with a guess where one is
/// near.  Shells complete it.
CLI::Validator OneOf(std::string option, std::vector<std::string> words);
/// The same, handing on the number that stands beside the word (for an enumeration).
CLI::Validator OneOfNumbered(std::string option, std::vector<std::pair<std::string, int>> words);
CLI::Validator WholeNumber(int64_t least, int64_t most);
CLI::Validator NotNegative();
CLI::Validator NumberFrom(double least, double most);
/// A time, from a millisecond to three years.
CLI::Validator Seconds();

/// "text, json or jsonl".
std::string Alternatives(const std::vector<std::string>& words);

/// The words that OneOf gave an option; empty for any other.
std::vector<std::string> WordsOf(const CLI::Option& option);

}  // namespace wfe::cli
