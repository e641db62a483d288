// Triage: the kind of a task from its words alone (SG-1, AC-7).
#include "activities/generation/triage.h"

#include <gmock/gmock.h>

#include "activities/generation/steps.h"

namespace wfe::generation {
namespace {

using ::testing::HasSubstr;

TEST(TriageTest, NamesTheKindByTheWordsOfTheTask) {
  const std::pair<const char*, const char*> cases[] = {
      {"Count the words of a text.", "aggregate"},     {"download a page", "fetch"},
      {"Check whether an IBAN is valid", "validate"},  {"extract the links of an HTML page", "parse"},
      {"sort people by age", "transform"},             {"compute the distance of two points", "compute"},
      {"something else entirely", "general"},          {"Überprüfe die Prüfsumme", "general"},
  };
  for (const auto& [task, type] : cases) EXPECT_EQ(Classify(task, "python").value().task_type, type) << task;
}

TEST(TriageTest, AsksASmallModelForAShortOrderOfAKnownKindOnly) {
  EXPECT_EQ(Classify("count the words of a text", "python").value().strategy, "small");
  EXPECT_EQ(Classify("write something nice", "python").value().strategy, "medium");
  EXPECT_EQ(Classify("fetch the weather", "python").value().strategy, "medium");
  std::string longer = "count";
  for (int i = 0; i < 60; ++i) longer += " and consider case " + std::to_string(i);
  EXPECT_EQ(Classify(longer, "cpp").value().strategy, "medium");
}

TEST(TriageTest, SaysWhatIsWrongWithATask) {
  const auto sentence = [](const std::string& task, const char* language = "python") {
    const auto classified = Classify(task, language);
    return classified ? "fine" : classified.error().message;
  };
  EXPECT_EQ(sentence(""), "the task is empty");
  EXPECT_EQ(sentence(" \n\t.,;"), "the task is empty");
  EXPECT_THAT(sentence(std::string(1 << 20, 'x')), HasSubstr("has 1048576 bytes; the limit is 65536"));
  EXPECT_THAT(sentence("sort a list", "cobol"), HasSubstr("none of python, cpp"));
  EXPECT_THAT(sentence("write a parser in Rust"), HasSubstr("asks for Rust, and nodes are made in python and cpp"));
  EXPECT_THAT(sentence("a C++ program that sorts"), HasSubstr("choose --language cpp"));
  EXPECT_THAT(sentence("sort numbers using python", "cpp"), HasSubstr("choose --language python"));
  // About a language is not in it.
  EXPECT_EQ(sentence("count the functions of a text with Rust code"), "fine");
  EXPECT_EQ(sentence("tell whether a text speaks of Java or of coffee"), "fine");
  EXPECT_EQ(sentence("a C++ program that sorts", "cpp"), "fine");
}

TEST(TriageTest, MakesANameOfTheTasksWords) {
  EXPECT_EQ(NodeIdFrom("Count the words of a text!"), "count-the-words-of-a-text");
  EXPECT_EQ(NodeIdFrom("多语言"), "node");
  EXPECT_LE(NodeIdFrom(std::string(500, 'a') + " b").size(), 48u);
  EXPECT_EQ(NodeIdFrom("C++ & JSON"), "c-json");
}

}  // namespace
}  // namespace wfe::generation
