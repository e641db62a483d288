// A step that was asked before over the same files is answered from the cache: CE-1, CE-3, AC-9.
#include "activities/agent/cache/context_cache.h"
#include "activities/trace/audit.h"
#include "tests/activities/agent/agent_step_test_support.h"

namespace wfe::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CachedAgent : public AgentTest {
 protected:
  CachedAgent() {
    config_.cache = std::make_shared<ContextCache>(rows_, blobs_, blobs_, clock_);
    config_.record_call = [this](const json&) { ++ledger_rows_; };
    WriteAll(Dir() + "/old.txt", "as it was");
  }
  AgentRequest Question(const std::string& policy = "always") {
    AgentRequest request = Request();
    request.cache = policy;
    return request;
  }
  /// The project as it was before the first step, as on another day.
  void Again() {
    std::filesystem::remove_all(Dir());
    std::filesystem::create_directories(Dir());
    WriteAll(Dir() + "/old.txt", "as it was");
  }
  AgentReply Answered(const AgentRequest& request, const std::string& id) {
    backend_ = std::make_shared<PreparedBackend>(
        std::vector<ModelOutcome>{Answer({Write("a.txt", "made"), CallPart("delete_file", {{"file_path", "old.txt"}})}),
                                  Answer({TextPart("done")})});
    config_.backends["gemini"] = backend_;
    const auto result = Run(request, 1, id);
    EXPECT_TRUE(result.has_value()) << (result.has_value() ? "" : result.failure()->message);
    return result.has_value() ? result.value() : AgentReply();
  }
  std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
  int ledger_rows_ = 0;
};

TEST_F(CachedAgent, TheSameQuestionIsAnsweredWithTheSameTreeAndNoCall) {
  const AgentReply first = Answered(Question(), "1");
  EXPECT_FALSE(first.cache_hit);
  EXPECT_EQ(first.cache_problem, "");
  EXPECT_EQ(ledger_rows_, 4);
  Again();
  const AgentReply second = Answered(Question(), "2");
  EXPECT_TRUE(second.cache_hit);
  EXPECT_TRUE(backend_->turns.empty());
  EXPECT_EQ(ledger_rows_, 4) << "no call, no row";
  EXPECT_EQ(File("a.txt"), "made");
  EXPECT_FALSE(std::filesystem::exists(Dir() + "/old.txt"));
  EXPECT_EQ(second.tree_hash, first.tree_hash);
  EXPECT_THAT(second.files_touched, ElementsAre("a.txt", "old.txt"));
  EXPECT_EQ(second.text, "done");
  EXPECT_EQ(second.prompt_token_count + second.completion_token_count, 0);
  EXPECT_EQ(second.cost_usd, std::nullopt);
  EXPECT_EQ(second.tokens_saved, first.prompt_token_count + first.completion_token_count);
  EXPECT_EQ(second.cost_saved_usd, first.cost_usd);
  trace::LogEntry entry;
  FillAgentEntry(entry, second);
  EXPECT_EQ(entry.ext["cache_hit"], true);
  EXPECT_FALSE(entry.prompt_token_count.has_value()) << "what was not counted is left out";
}

TEST_F(CachedAgent, AnotherFileTaskOrModelIsAnotherQuestion) {
  Answered(Question(), "1");
  const auto asks = [&](const AgentRequest& request, const std::string& id) {
    Answered(request, id);
    return !backend_->turns.empty();
  };
  Again();
  WriteAll(Dir() + "/old.txt", "other");
  EXPECT_TRUE(asks(Question(), "2"));
  Again();
  AgentRequest other = Question();
  other.instruction = "Do it otherwise.";
  EXPECT_TRUE(asks(other, "3"));
  Again();
  other = Question();
  other.model = "gemini-2.5-pro";
  EXPECT_TRUE(asks(other, "4"));
  Again();
  EXPECT_FALSE(asks(Question(), "5"));
}

TEST_F(CachedAgent, NobodyGetsAKeptAnswerWhoDidNotAskForOne) {
  Answered(Question(), "1");
  for (const char* policy : {"", "never", "auto"}) {  // auto: one file is too little
    Again();
    Answered(Question(policy), std::string("of ") + policy);
    EXPECT_EQ(backend_->turns.size(), 2u) << policy;
  }
  const auto refused = Run(Question("sometimes"));
  EXPECT_THAT(refused.failure()->message, HasSubstr("cache must be never, auto or always"));
  EXPECT_EQ(refused.failure()->type, "INVALID_INPUT");
}

TEST_F(CachedAgent, AFailedStepKeepsNothingAndARetryGoesOnFromItsJournal) {
  backend_ = std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{
      Answer({Write("a.txt", "made")}),
      ModelError{.kind = ModelErrorKind::kRetryable, .message = "later", .error_class = "HTTP_503"}});
  config_.backends["gemini"] = backend_;
  EXPECT_FALSE(Run(Question(), 1, "1").has_value());
  EXPECT_EQ(config_.cache->Statistics()->entries, 0);
  Answered(Question(), "1");
  EXPECT_THAT(backend_->turns, ElementsAre(2)) << "the first answer is in the journal";
  EXPECT_EQ(config_.cache->Statistics()->entries, 1);
  EXPECT_EQ(config_.cache->Statistics()->misses, 1) << "one question, however often it is tried";
}

}  // namespace
}  // namespace wfe::agent
