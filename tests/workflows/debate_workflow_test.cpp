// DebateWorkflow in virtual time, and what its route and its judge go by (CW-7).
#include "workflows/packaged/debate.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>

#include "tests/workflows/packaged_world.h"

namespace wfe::workflows {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::vector<packaged::ExampleFile>& NoExample() {
  static const std::vector<packaged::ExampleFile> kNone;
  return kNone;
}

constexpr test::PackageUnderTest kDebates{.workflow_type = kDebateWorkflow.name,
                                          .register_workflow = &RegisterDebate,
                                          .example = &NoExample,
                                          .start = "2026-06-01T08:00:00.000Z"};

class DebateWorld : public test::PackagedWorld {
 protected:
  DebateWorld() : PackagedWorld(kDebates) {
    answer_ = [this](const agent::CallRequest& request) {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      if (fails_.contains(request.step_name)) return sdk::ActivityResult<agent::CallReply>(Fails());
      if (request.step_name == "judge_candidates") return sdk::ActivityResult<agent::CallReply>(Says(verdict_));
      if (request.step_name == "digest_part") return sdk::ActivityResult<agent::CallReply>(Says("a digest"));
      return sdk::ActivityResult<agent::CallReply>(Says("answer to: " + request.parts.back()));
    };
  }
  DebateResult Ask(json input) {
    if (!input.contains("question")) input["question"] = "Why?";
    const json result = RunWith(input);
    return result.is_null() ? DebateResult() : result.get<DebateResult>();
  }
  std::vector<agent::CallRequest> RequestsOf(const std::string& step) const {
    std::vector<agent::CallRequest> found;
    std::ranges::copy_if(requests_, std::back_inserter(found),
                         [&](const agent::CallRequest& one) { return one.step_name == step; });
    return found;
  }

  std::mutex mutex_;
  std::vector<agent::CallRequest> requests_;
  std::set<std::string> fails_;
  std::string verdict_ =
      R"({"scores": [{"candidate": 1, "score": 60, "reason": "short"}, {"candidate": 2, "score": 85, "reason": "whole"},
                     {"candidate": 3, "score": 10, "reason": "wrong"}]})";
};

TEST_F(DebateWorld, KeepsWhatTheJudgeScoresBest) {
  const DebateResult result = Ask({{"max_cost_usd", 0.9}});
  EXPECT_EQ(result.state, "done");
  EXPECT_EQ(result.best, 2);
  EXPECT_EQ(result.text, result.candidates[1].text);
  EXPECT_EQ(result.candidates[1].reason, "whole");
  EXPECT_EQ(result.model_use.calls, 4);
  std::set<std::string> asked;
  for (const agent::CallRequest& one : RequestsOf("candidate")) {
    asked.insert(one.parts.back());
    EXPECT_EQ(one.max_cost_usd, *Money::FromNumber(0.3)) << "they share what may be spent";
  }
  EXPECT_THAT(asked, SizeIs(3)) << "the same question in the same words has the same answer from a cache";
  const auto judged = RequestsOf("judge_candidates");
  ASSERT_THAT(judged, SizeIs(1));
  EXPECT_THAT(judged[0].parts.back(), HasSubstr("--- candidate 3\n"));
}

TEST_F(DebateWorld, ShowsCandidatesTheOthersAnswersInEveryRound) {
  const DebateResult result = Ask({{"rounds", 2}});
  EXPECT_EQ(result.model_use.calls, 3 * 3 + 1);
  const auto asked = RequestsOf("candidate");
  ASSERT_THAT(asked, SizeIs(9));
  for (size_t i = 0; i < asked.size(); ++i) {
    const std::string& last = asked[i].parts.back();
    EXPECT_EQ(last.find("another's answer") != std::string::npos, i >= 3) << i;
    EXPECT_EQ(last.find("your own answer") != std::string::npos, i >= 3) << i;
  }
}

TEST_F(DebateWorld, KeepsTheFirstAnswerAndSaysSoWhereTheJudgeGivesNoScores) {
  verdict_ = "All of them are fine.";
  const DebateResult result = Ask({});
  EXPECT_EQ(result.state, "unjudged");
  EXPECT_EQ(result.best, 1);
  EXPECT_EQ(result.fault, "the judge's scores: the model's answer has no JSON in it; the first answer is kept");
}

TEST_F(DebateWorld, FailsWhereNobodyAnswers) {
  fails_ = {"candidate"};
  const DebateResult result = Ask({});
  EXPECT_EQ(result.state, "failed");
  EXPECT_EQ(result.fault, "no candidate has an answer: it does not work");
  EXPECT_EQ(result.best, 0);
  EXPECT_THAT(RequestsOf("judge_candidates"), IsEmpty());
}

TEST_F(DebateWorld, RoutesByTheSizeOfWhatIsToBeRead) {
  const json limits = {{"small_bytes", 2000}, {"medium_bytes", 4000}, {"part_bytes", 1000}};
  const DebateResult result = Ask({{"material", std::string(4500, 'x')}, {"limits", limits}});
  EXPECT_EQ(result.route.tier, "large");
  EXPECT_EQ(result.route.strategy, "digest");
  EXPECT_EQ(result.route.parts, 5);
  EXPECT_THAT(RequestsOf("digest_part"), SizeIs(5));
  for (const agent::CallRequest& one : RequestsOf("digest_part")) EXPECT_EQ(one.model, "small");
  for (const agent::CallRequest& one : RequestsOf("candidate")) {
    EXPECT_EQ(one.model, "large");
    EXPECT_THAT(one.parts.front(), HasSubstr("a digest\na digest"));
    EXPECT_THAT(one.parts.front(), Not(HasSubstr("xxxx")));
  }
}

TEST_F(DebateWorld, DoesNotAnswerFromMaterialThatWasNotAllRead) {
  fails_ = {"digest_part"};
  const json limits = {{"small_bytes", 0}, {"medium_bytes", 0}, {"part_bytes", 1000}};
  const DebateResult result = Ask({{"material", std::string(1500, 'x')}, {"limits", limits}});
  EXPECT_EQ(result.state, "failed");
  EXPECT_THAT(result.fault, HasSubstr("part 1 of 2 of the material was not read: it does not work"));
  EXPECT_THAT(RequestsOf("candidate"), IsEmpty());
}

TEST_F(DebateWorld, AsksTheModelThatIsNamedWhateverTheSize) {
  Ask({{"model", "mine"}, {"judge_model", "stern"}});
  for (const agent::CallRequest& one : RequestsOf("candidate")) EXPECT_EQ(one.model, "mine");
  EXPECT_EQ(RequestsOf("judge_candidates").front().model, "stern");
}

TEST_F(DebateWorld, NamesTheWrongMemberOfItsInput) {
  Ask({{"candidates", 9}});
  EXPECT_THAT(failure_, HasSubstr("input.candidates must be from 1 to 8"));
  EXPECT_EQ(calls_, 0);
}

TEST(DebateScores, AreTakenOnlyWhereEveryAnswerHasOne) {
  const std::vector<DebateCandidate> both = {{.number = 1, .text = "a"}, {.number = 2, .text = "b"}};
  const auto taken = [&](const std::string& answer) {
    std::vector<DebateCandidate> candidates = both;
    return TakeScores(answer, candidates);
  };
  EXPECT_EQ(taken(R"([{"candidate": 1, "score": 0}, {"candidate": 2, "score": 100}])"), "");
  EXPECT_EQ(taken(R"({"scores": [{"candidate": 1, "score": 50}]})"), "candidate 2 has none from 0 to 100");
  EXPECT_EQ(taken(R"({"scores": [{"candidate": 1, "score": 101}, {"candidate": 2, "score": 5}]})"),
            "candidate 1 has none from 0 to 100");
  EXPECT_EQ(taken(R"({"scores": [7, {"candidate": 1, "score": "high"}]})"), "candidate 1 has none from 0 to 100");
  EXPECT_EQ(taken(R"({"verdict": "fine"})"), "the answer has no list of scores");
}

TEST(ContextRoutes, TakeTheTierAndTheWayOfTheirSize) {
  const packaged::RouteLimits limits{.small_bytes = 10, .medium_bytes = 20, .part_bytes = 1000};
  const auto route = [&](size_t bytes) {
    const packaged::ContextRoute taken = packaged::RouteBySize(std::string(bytes, 'x'), limits);
    return taken.tier + " " + taken.strategy;
  };
  EXPECT_EQ(route(0), "small whole");
  EXPECT_EQ(route(10), "small whole");
  EXPECT_EQ(route(11), "medium whole");
  EXPECT_EQ(route(20), "medium whole");
  EXPECT_EQ(route(21), "large digest");
}

TEST(ContextRoutes, CutIntoPartsThatAreTheTextTogether) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "Zeile " + std::to_string(i) + " über Maße und Größen\n";
  std::string together;
  for (const std::string& part : packaged::CutIntoParts(text, 1000)) {
    EXPECT_LE(part.size(), 1000U);
    EXPECT_TRUE(part.ends_with('\n')) << "a line is cut where there was no need";
    together += part;
  }
  EXPECT_EQ(together, text);
  together.clear();
  std::string letters;
  for (int i = 0; i < 999; ++i) letters += "ä";
  for (const std::string& part : packaged::CutIntoParts(letters, 1001)) {
    EXPECT_EQ(part.size() % 2, 0U) << "a character is cut";
    together += part;
  }
  EXPECT_EQ(together, letters);
}

}  // namespace
}  // namespace wfe::workflows
