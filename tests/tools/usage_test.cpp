// A mistake on the command line is one sentence that names the word and guesses what was meant.
#include "tools/wfe/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engine/base/suggest.h"
#include "tools/wfe/cli.h"
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
    return ExplainUsage(app, words, error).sentence;
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
