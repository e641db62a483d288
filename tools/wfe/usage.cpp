#include "tools/wfe/usage.h"

#include <algorithm>

#include "engine/base/suggest.h"

namespace wfe::cli {
namespace {

/// Follows the words down the tree of commands, as far as they are understood.
class Walk {
 public:
  explicit Walk(const CLI::App& app) : command_(&app), path_(app.get_name()) {}

  void Follow(const std::vector<std::string>& words) {
    bool only_positionals = false;
    for (size_t i = 0; i < words.size() && problem_.empty(); ++i) {
      const std::string& word = words[i];
      if (word == "--") {
        only_positionals = true;
      } else if (!only_positionals && word.size() > 1 && word[0] == '-' && !IsNumber(word)) {
        Option(words, i);
      } else {
        Positional(word);
      }
    }
  }

  const CLI::App& command() const { return *command_; }
  const std::string& path() const { return path_; }
  const std::string& problem() const { return problem_; }

 private:
  static bool IsNumber(const std::string& word) {
    return word.size() > 1 && word.find_first_not_of("0123456789.", 1) == std::string::npos;
  }

  void Option(const std::vector<std::string>& words, size_t& i) {
    const std::string& word = words[i];
    const size_t equals = word.find('=');
    // -oFORM and -yes are one letter with a value or more letters behind it.
    const std::string name = word[1] == '-' ? word.substr(0, equals) : word.substr(0, 2);
    const CLI::Option* option = command_->get_option_no_throw(name);
    if (option == nullptr) {
      problem_ = path_ + " has no option " + name + DidYouMean(name, OptionNames(*command_));
      return;
    }
    const bool attached = equals != std::string::npos || (word[1] != '-' && word.size() > 2);
    if (option->get_items_expected_max() > 0 && !attached) ++i;
  }

  void Positional(const std::string& word) {
    for (const CLI::App* sub : command_->get_subcommands([](const CLI::App*) { return true; })) {
      if (!sub->check_name(word)) continue;
      command_ = sub;
      path_ += " " + word;
      positionals_ = 0;
      return;
    }
    size_t wanted = 0;
    for (const CLI::Option* option : command_->get_options()) {
      if (!option->get_positional()) continue;
      if (option->get_items_expected_max() > 1000) return;  // takes as many as there are
      ++wanted;
    }
    if (++positionals_ <= wanted) return;
    const std::vector<std::string> commands = CommandNames(*command_);
    if (wanted == 0 && !commands.empty()) {
      problem_ = path_ + " has no command " + word + DidYouMean(word, commands);
    } else {
      problem_ = "\"" + word + "\" is one argument too many for " + path_;
    }
  }

  const CLI::App* command_;
  std::string path_;
  std::string problem_;
  size_t positionals_ = 0;
};

/// What the parser says, in our words.
std::string Reworded(const std::string& path, const CLI::App& command, std::string text) {
  if (text == "A subcommand is required") {
    std::string names;
    for (const std::string& name : CommandNames(command)) names += (names.empty() ? "" : ", ") + name;
    return path + " needs a command: " + names;
  }
  // "--output: --output takes …": the validator names the option already, in a better place.
  const size_t colon = text.find(": ");
  if (colon != std::string::npos && text.find(' ') > colon) {
    const std::string name = text.substr(0, colon);
    const std::string rest = text.substr(colon + 2);
    if (rest.starts_with("-") || rest.starts_with(name + " takes ")) return rest;
    if (rest.starts_with("must ") || rest.starts_with("takes ")) return name + " " + rest;
    // "--listen: 1 required TEXT missing"
    if (rest.ends_with(" missing")) return name + " needs a value";
  }
  constexpr std::string_view kConvert = "Could not convert: ";
  if (text.starts_with(kConvert)) {
    // "Could not convert: --timeout = soon"
    const std::string rest = text.substr(kConvert.size());
    const size_t equals = rest.find(" = ");
    if (equals != std::string::npos) {
      return rest.substr(0, equals) + " does not take \"" + rest.substr(equals + 3) + "\"";
    }
  }
  return text;
}

}  // namespace

std::vector<const CLI::App*> ShownCommands(const CLI::App& app) {
  std::vector<const CLI::App*> shown;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) shown.push_back(sub);
  }
  return shown;
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : ShownCommands(app)) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

UsageProblem ExplainUsage(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& error) {
  Walk walk(app);
  walk.Follow(words);
  const std::string sentence =
      walk.problem().empty() ? Reworded(walk.path(), walk.command(), error.what()) : walk.problem();
  return {.sentence = sentence, .help = walk.path()};
}

OutputFormat FormatAskedFor(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string value;
    if ((words[i] == "-o" || words[i] == "--output") && i + 1 < words.size()) value = words[i + 1];
    if (words[i].starts_with("--output=")) value = words[i].substr(9);
    if (words[i].starts_with("-o") && words[i].size() > 2) value = words[i].substr(words[i][2] == '=' ? 3 : 2);
    std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::tolower(c); });
    if (value == "json") return OutputFormat::kJson;
    if (value == "jsonl") return OutputFormat::kJsonl;
  }
  return OutputFormat::kText;
}

}  // namespace wfe::cli
