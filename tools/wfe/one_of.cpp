#include "tools/wfe/one_of.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "engine/base/suggest.h"

namespace wfe::cli {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string Names(const std::vector<std::string>& words) {
  std::string names;
  for (const std::string& word : words) names += (names.empty() ? "" : ",") + word;
  return "{" + names + "}";
}

std::optional<double> FiniteNumber(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace

std::string Alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

CLI::Validator OneOf(std::string option, std::vector<std::string> words) {
  const std::string names = Names(words);
  return CLI::Validator(
      [option = std::move(option), words = std::move(words)](std::string& value) -> std::string {
        for (const std::string& word : words) {
          if (Lower(word) != Lower(value)) continue;
          value = word;
          return {};
        }
        const std::string guess = Suggest(value, words);
        return option + " takes " + Alternatives(words) + ", not \"" + value + "\"" +
               (guess.empty() ? "" : "; did you mean " + guess + "?");
      },
      names, "words");
}

CLI::Validator OneOfNumbered(std::string option, std::vector<std::pair<std::string, int>> words) {
  std::vector<std::string> names;
  for (const auto& [word, number] : words) names.push_back(word);
  const CLI::Validator plain = OneOf(std::move(option), names);
  return CLI::Validator(
      [plain, words = std::move(words)](std::string& value) -> std::string {
        std::string problem = plain(value);
        for (const auto& [word, number] : words) {
          if (problem.empty() && value == word) {
            value = std::to_string(number);
            break;
          }
        }
        return problem;
      },
      Names(names), "words");
}

CLI::Validator WholeNumber(int64_t least, int64_t most) {
  return CLI::Validator(
      [least, most](std::string& value) -> std::string {
        int64_t number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error == std::errc() && end == value.data() + value.size() && number >= least && number <= most) return {};
        std::string range = most == INT64_MAX ? "from " + std::to_string(least) + " on"
                                              : "from " + std::to_string(least) + " to " + std::to_string(most);
        return "must be a whole number " + range + ", not \"" + value + "\"";
      },
      "NUMBER");
}

CLI::Validator NotNegative() {
  return CLI::Validator(
      [](std::string& value) -> std::string {
        const std::optional<double> number = FiniteNumber(value);
        if (number && *number >= 0) return {};
        return "must be a number that is not negative, not \"" + value + "\"";
      },
      "NUMBER");
}

CLI::Validator NumberFrom(double least, double most) {
  return CLI::Validator(
      [least, most](std::string& value) -> std::string {
        const std::optional<double> number = FiniteNumber(value);
        if (number && *number >= least && *number <= most) return {};
        return fmt::format("must be a number from {:g} to {:g}, not \"{}\"", least, most, value);
      },
      "NUMBER");
}

CLI::Validator Seconds() {
  return CLI::Validator(
      [](std::string& value) -> std::string {
        const std::optional<double> number = FiniteNumber(value);
        if (number && *number >= 0.001 && *number <= 1e8) return {};
        return "must be seconds, 0.001 to 100000000, not \"" + value + "\"";
      },
      "SECONDS");
}

std::vector<std::string> WordsOf(const CLI::Option& option) {
  // The type name of such an option is "{a,b,c}", after the type it is stored as.
  const std::string type = const_cast<CLI::Option&>(option).get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.find('}', open);
  std::vector<std::string> words;
  if (open == std::string::npos || close == std::string::npos) return words;
  for (size_t at = open + 1; at < close;) {
    const size_t end = std::min(type.find(',', at), close);
    words.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace wfe::cli
