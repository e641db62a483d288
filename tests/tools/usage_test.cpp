// A mistake on the command line is one sentence that names the word and guesses what was meant.
#include "tools/wfe/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "engine/base/suggest.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/help.h"
#include "tools/wfe/one_of.h"

namespace wfe::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Explained(const std::vector<std::string>& words) {
  CLI::App app("wfe", "wfe");
  Globals globals;
  AddAllCommands(app, globals);
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? "" : ExplainUsage(app, words, error).sentence;
  }
  return "";
}

TEST(Usage, AnUnknownCommandIsNamedWithTheNearestOne) {
  EXPECT_EQ(Explained({"subit"}), "wfe has no command subit; did you mean submit?");
  EXPECT_EQ(Explained({"frobnicate"}), "wfe has no command frobnicate");
  EXPECT_EQ(Explained({"schedule", "crate", "x"}), "wfe schedule has no command crate; did you mean create?");
  EXPECT_THAT(Explained({"history"}), HasSubstr("wfe history needs a command: show, export, lint"));
}

TEST(Usage, AnUnknownOptionIsNamedWithTheNearestOne) {
  EXPECT_EQ(Explained({"list", "--stats", "Running"}), "wfe list has no option --stats; did you mean --status?");
  EXPECT_EQ(Explained({"submit", "X", "--inptu=1"}), "wfe submit has no option --inptu; did you mean --input?");
  EXPECT_THAT(Explained({"list", "-z"}), HasSubstr("wfe list has no option -z"));
}

TEST(Usage, AValueThatIsNoneOfTheChoicesIsToldTheChoices) {
  EXPECT_EQ(Explained({"list", "--output", "yaml"}), "--output takes text, json or jsonl, not \"yaml\"");
  EXPECT_EQ(Explained({"list", "--status", "Runing"}),
            "--status takes Running, Completed, Failed, Canceled, Terminated, ContinuedAsNew or TimedOut, not "
            "\"Runing\"; did you mean Running?");
  EXPECT_EQ(Explained({"build", "x", "--mode", "chnage"}),
            "--mode takes auto, create or change, not \"chnage\"; did you mean change?");
  EXPECT_EQ(Explained({"list", "--limit", "0"}), "--limit must be a whole number from 1 to 1000000, not \"0\"");
  EXPECT_EQ(Explained({"build", "x", "--cost-budget", "free"}),
            "--cost-budget must be a number that is not negative, not \"free\"");
}

TEST(Usage, OneArgumentTooManyAndOneTooFew) {
  EXPECT_EQ(Explained({"show", "a", "b"}), "\"b\" is one argument too many for wfe show");
  EXPECT_EQ(Explained({"show"}), "workflow is required");
}

TEST(Usage, RightCommandLinesAreUnderstood) {
  // Parsed only as far as the callback, which these do not reach: help ends the parsing.
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"submit", "X", "-q", "a", "--help"},
                                             {"submit", "X", "-t", "a", "--help"},
                                             {"list", "-q", "a", "-o", "JSON", "--help"},
                                             {"build", "words", "--check", "npm test", "--check", "make", "--help"}}) {
    CLI::App app("wfe", "wfe");
    Globals globals;
    AddAllCommands(app, globals);
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    EXPECT_THROW(app.parse(reversed), CLI::CallForHelp) << words[0];
  }
}

TEST(Usage, TheOutputAskedForIsFoundInAnyNotation) {
  EXPECT_EQ(FormatAskedFor({"list", "--output", "json"}), OutputFormat::kJson);
  EXPECT_EQ(FormatAskedFor({"list", "--output=JSONL"}), OutputFormat::kJsonl);
  EXPECT_EQ(FormatAskedFor({"list", "-ojson"}), OutputFormat::kJson);
  EXPECT_EQ(FormatAskedFor({"list", "-o", "yaml"}), OutputFormat::kText);
  EXPECT_EQ(FormatAskedFor({"list", "-o"}), OutputFormat::kText);
}

/// Every option that is shown, of every command.
void ForEachOption(const CLI::App& command, const std::string& path,
                   const std::function<void(const std::string&, const CLI::Option&)>& visit) {
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_group().empty()) visit(path, *option);
  }
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    ForEachOption(*sub, path + " " + sub->get_name(), visit);
  }
}

TEST(Options, OneLetterHasOneMeaningInAllCommands) {
  CLI::App app("wfe", "wfe");
  Globals globals;
  AddAllCommands(app, globals);
  std::map<std::string, std::map<std::string, std::string>> meanings;  // letter → long name → a command
  ForEachOption(app, "wfe", [&](const std::string& path, const CLI::Option& option) {
    for (const std::string& letter : option.get_snames()) {
      // The id of a workflow is called so in both.
      std::string name = option.get_lnames().empty() ? "" : option.get_lnames()[0];
      if (name == "workflow-id") name = "id";
      meanings[letter][name] = path;
    }
  });
  for (const auto& [letter, names] : meanings) {
    EXPECT_EQ(names.size(), 1u) << "-" << letter << " is --" << names.begin()->first << " in " << names.begin()->second
                                << " and --" << names.rbegin()->first << " in " << names.rbegin()->second;
  }
}

TEST(Options, EveryOptionAndCommandSaysWhatItDoes) {
  CLI::App app("wfe", "wfe");
  Globals globals;
  AddAllCommands(app, globals);
  ForEachOption(app, "wfe", [&](const std::string& path, const CLI::Option& option) {
    EXPECT_NE(option.get_description(), "") << path << " " << option.get_name();
  });
}

void ForEachCommand(const CLI::App& command, const std::vector<std::string>& words,
                    const std::function<void(const CLI::App&, const std::vector<std::string>&)>& visit) {
  visit(command, words);
  for (const CLI::App* sub : ShownCommands(command)) {
    std::vector<std::string> below = words;
    below.push_back(sub->get_name());
    ForEachCommand(*sub, below, visit);
  }
}

std::string Path(const std::vector<std::string>& words) {
  std::string path = "wfe";
  for (const std::string& word : words) path += " " + word;
  return path;
}

/// Lines that are wider, with where they are.
std::vector<std::string> WiderLines(const CLI::App& app, size_t columns) {
  std::vector<std::string> wider;
  ForEachCommand(app, {}, [&](const CLI::App& command, const std::vector<std::string>& words) {
    std::istringstream help(command.help(words.empty() ? "" : Path({words.begin(), words.end() - 1})));
    for (std::string line; std::getline(help, line);) {
      const auto width = std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; });
      if (static_cast<size_t>(width) > columns) wider.push_back(Path(words) + ": " + line);
    }
  });
  return wider;
}

TEST(Help, FitsEightyColumnsInEveryCommand) {
  CLI::App app("wfe", "wfe");
  Globals globals;
  AddAllCommands(app, globals);
  EXPECT_THAT(WiderLines(app, 80), IsEmpty());
}

TEST(Help, HasExamplesInEveryCommandAndNoneThatAreItsParents) {
  CLI::App app("wfe", "wfe");
  Globals globals;
  AddAllCommands(app, globals);
  ForEachCommand(app, {}, [](const CLI::App& command, const std::vector<std::string>& words) {
    EXPECT_THAT(command.get_footer(), HasSubstr("Example")) << Path(words);
    EXPECT_THAT(command.get_footer(), HasSubstr(Path(words))) << Path(words);
    const CLI::App* const parent = command.get_parent();
    EXPECT_NE(command.get_footer(), parent == nullptr ? "" : parent->get_footer()) << Path(words);
  });
}

TEST(Help, WrapsSentencesBetweenWordsAndExamplesAsAShellGoesOn) {
  EXPECT_EQ(WrappedFooter("Examples:\n  wfe run --task 'one and two' --file a.txt --output json\n\nThe exit code\nis 0.", 40),
            "Examples:\n"
            "  wfe run --task 'one and two' \\\n"
            "      --file a.txt --output json\n"
            "\n"
            "The exit code is 0.");
  // What stands in quotes is one word, however long it is.
  EXPECT_EQ(WrappedFooter("  wfe run --task 'words that go on and on'", 20),
            "  wfe run \\\n      --task \\\n      'words that go on and on'");
  // The end of a sentence ends a line that ends with it.
  EXPECT_EQ(WrappedFooter("One.\nTwo.\nExamples:\n  x", 40), "One.\nTwo.\nExamples:\n  x");
}

TEST(Help, NamesTheWordsThatAnOptionTakesOrItsKind) {
  CLI::App app("x", "x");
  std::string text;
  double seconds = 0;
  int number = 0;
  bool flag = false;
  EXPECT_EQ(ValueName(*app.add_option("--mode", text, "m")->transform(OneOf("--mode", {"auto", "create"}))), "auto|create");
  EXPECT_EQ(ValueName(*app.add_option("--text", text, "t")), "TEXT");
  EXPECT_EQ(ValueName(*app.add_option("--timeout", seconds, "s")->check(Seconds())), "SECONDS");
  EXPECT_EQ(ValueName(*app.add_option("--number", number, "n")->check(WholeNumber(1, 5))), "NUMBER");
  EXPECT_EQ(ValueName(*app.add_flag("--flag", flag, "f")), "");
}

/// What the parser says to these words, with --help behind them so that no command runs.
std::string Refused(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return Explained(words);
}

TEST(Usage, NoWordOfTheParserReachesAPersonWhateverAnOptionIsGiven) {
  CLI::App app("wfe", "wfe");
  Globals globals;
  AddAllCommands(app, globals);
  std::set<std::string> seen;
  ForEachCommand(app, {}, [&seen](const CLI::App& command, const std::vector<std::string>& words) {
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_positional() || option->get_group().empty() || option->get_items_expected_max() == 0) continue;
      const std::string name = "--" + option->get_lnames().at(0);
      // What many commands have is the same in all of them.
      if (!seen.insert(name + option->get_description() + ValueName(*option)).second) continue;
      EXPECT_EQ(Refused(words, {name}), name + " needs a value") << Path(words);
      if (ValueName(*option) == "TEXT") continue;
      for (const char* const value : {"!?", "-1", "nan", "1e400"}) {
        const std::string sentence = Refused(words, {name + "=" + value, "--help"});
        if (sentence.empty()) continue;  // it takes such a number
        EXPECT_THAT(sentence, testing::StartsWith(name)) << Path(words);
        EXPECT_THAT(sentence, Not(testing::ContainsRegex("Value |not in |FAILED|required|[(]e[+]"))) << Path(words);
      }
    }
  });
}

TEST(Suggest, GuessesSlipsAndNothingElse) {
  const std::vector<std::string> known = {"submit", "signal", "show", "schedule", "list"};
  EXPECT_EQ(Suggest("subimt", known), "submit");
  EXPECT_EQ(Suggest("lst", known), "list");
  EXPECT_EQ(Suggest("sched", known), "schedule");
  EXPECT_EQ(Suggest("SHOW", known), "show");
  EXPECT_EQ(Suggest("deploy", known), "");
  EXPECT_EQ(Suggest("", known), "");
  EXPECT_EQ(DidYouMean("list", known), "");
}

TEST(OneOf, GivesItsWordsToCompletion) {
  CLI::App app("x", "x");
  std::string value;
  const CLI::Option* option = app.add_option("--mode", value, "m")->transform(OneOf("--mode", {"auto", "create"}));
  EXPECT_THAT(WordsOf(*option), testing::ElementsAre("auto", "create"));
  EXPECT_THAT(WordsOf(*app.add_option("--free", value, "m")), IsEmpty());
}

}  // namespace
}  // namespace wfe::cli
