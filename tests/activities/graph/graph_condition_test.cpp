// Conditions of edges: what they mean, that they always end, and the sentence with the place when they have no answer.
#include <gmock/gmock.h>

#include "activities/graph/condition.h"
#include "tests/simulation/random.h"

namespace wfe::graph {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

const json kState = {{"n", 3},
                     {"half", 0.5},
                     {"grade", "B"},
                     {"ok", true},
                     {"nothing", nullptr},
                     {"list", {1, 2}},
                     {"verdict", {{"passed", false}, {"score", 7}}}};

/// "true", "false", or the sentence.
std::string Answer(const std::string& text) {
  const Result<Condition> condition = Condition::Parse(text);
  if (!condition) return condition.error().message;
  const Result<bool> holds = condition->Holds(kState);
  if (!holds) return "when asked: " + holds.error().message;
  return *holds ? "true" : "false";
}

TEST(Condition, MeansWhatItSays) {  // GW-1
  const std::pair<const char*, const char*> cases[] = {
      {"/ok", "true"},
      {"not /ok", "false"},
      {"not not /ok", "true"},
      {"/n == 3", "true"},
      {"/n == 3.0", "true"},
      {"/n != 4 and /grade == \"B\"", "true"},
      {"/n < 4 and /n <= 3 and /n > 2 and /n >= 3", "true"},
      {"/half < /n", "true"},
      {"/grade < \"C\"", "true"},
      {"/verdict/passed or /verdict/score >= 7", "true"},
      {"/verdict == {}",
       "at character 13: expected a place such as /plan, a number, a text in quotes, true, false, null, "
       "present(…) or count(…), not \"{\""},
      {"count(/list) == 2 and count(/verdict) == 2 and count(/grade) == 1", "true"},
      {"present(/verdict/passed)", "true"},
      {"present(/verdict/reason) or present(/absent)", "false"},
      {"present(/absent) and /absent == 1", "false"},
      {"/nothing == null", "true"},
      {"/list/1 == 2", "true"},
      {"(/ok or /ok) and (not (/n == 4))", "true"},
      {"true and not false", "true"},
      {"/n==3and/ok",
       "at character 5: expected a place such as /plan, a number, a text in quotes, true, false, null, "
       "present(…) or count(…), not \"3and\""},
      {"-1 < 1e2", "true"},
  };
  for (const auto& [text, answer] : cases) EXPECT_EQ(Answer(text), answer) << text;
}

TEST(Condition, WithoutAnAnswerSaysWhereAndWhy) {  // GW-2
  const std::pair<const char*, const char*> cases[] = {
      {"", "at character 1: expected a value, not its end"},
      {"/n =", "at character 4: a comparison is written =="},
      {"/n = 3", "at character 4: a comparison is written =="},
      {"/n ==", "at character 6: expected a value, not its end"},
      {"/ok and", "at character 8: expected a value, not its end"},
      {"/ok /ok", "at character 5: expected and, or, a comparison or its end, not \"/\""},
      {"(/ok", "at character 5: expected ), not its end"},
      {"present(3)", "at character 9: present takes a place in the state such as /plan, not \"3\""},
      {"count /list", "at character 7: expected ( after count, not \"/\""},
      {"\"B", "at character 1: a text that begins here has no end"},
      {"/", "at character 1: a place in the state begins with a key, as in /plan/text"},
      {"/a~2", "at character 1: /a~2 is no JSON pointer"},
      {"passed",
       "at character 1: expected a place such as /plan, a number, a text in quotes, true, false, null, "
       "present(…) or count(…), not \"passed\""},
      {"/absent", "when asked: at character 1: the state has nothing at /absent"},
      {"/list/7 == 1", "when asked: at character 1: the state has nothing at /list/7"},
      {"/n", "when asked: at character 1: this is a number, not true or false"},
      {"/ok and /grade", "when asked: at character 9: this is a text, not true or false"},
      {"/n < /grade", "when asked: at character 4: a number and a text have no order"},
      {"count(/n) == 1", "when asked: at character 1: a number has no count"},
  };
  for (const auto& [text, answer] : cases) EXPECT_EQ(Answer(text), answer) << text;
  EXPECT_EQ(Answer(std::string(2'001, ' ')), "it has 2001 bytes; the limit is 2000");
  EXPECT_EQ(Answer(std::string(60, '(') + "/ok" + std::string(60, ')')),
            "at character 51: more than 50 brackets are open");
}

TEST(Condition, KnowsTheKeysThatItReads) {
  const Result<Condition> condition = Condition::Parse("present(/b) and /b/x == 1 or count(/a) > /c/d or present(/z)");
  ASSERT_TRUE(condition.has_value());
  EXPECT_THAT(condition->keys(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(condition->guarded_keys(), ElementsAre("b", "z"));
}

TEST(Condition, AnyTextEndsWithAnAnswerOrASentence) {  // seeded; nothing crashes, nothing throws
  simulation::Random random(7);
  const std::vector<std::string> words = {"/n",       "/ok",
                                          "/list",    "/list/9999999999999999999999",
                                          "and",      "or",
                                          "not",      "(",
                                          ")",        "==",
                                          "<",        "count(",
                                          "present(", "3",
                                          "\"B\"",    "null",
                                          "true",     "/verdict/score",
                                          "~",        "\\",
                                          "\xff",     " ",
                                          "1e400"};
  int answered = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (uint64_t n = random.Below(9); n > 0; --n)
      text += words[random.Below(words.size())] + (random.Below(3) == 0 ? "" : " ");
    const std::string answer = Answer(text);
    EXPECT_FALSE(answer.empty());
    answered += answer == "true" || answer == "false";
  }
  EXPECT_GT(answered, 100);
}

}  // namespace
}  // namespace wfe::graph
