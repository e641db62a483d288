// One call of a model: its answer is journalled, its cost is in the ledger, and its endings have names (AC-2, AC-8,
// AB-5, RC-6).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "activities/agent/backends/http_backend.h"
#include "activities/agent/backends/openai_backend.h"
#include "activities/agent/cache/context_cache.h"
#include "activities/agent/call/model_caller.h"
#include "activities/agent/cost/cost_ledger.h"
#include "tests/activities/agent/agent_step_test_support.h"
#include "tests/support/imitation/imitation_model.h"
#include "workers/client/row_store.h"

namespace wfe::agent {
namespace {

using imitation::ImitationModel;
using ::testing::HasSubstr;
using ::testing::Not;

class OneCallTest : public AgentTest {
 protected:
  OneCallTest() {
    config_.record_call = [this](const json& row) { rows_[LedgerKey(row)] = row; };
    config_.secrets = {"the-secret-of-this-worker"};
    config_.tiers = {{"small", {"gemini", "gemini-2.5-flash-lite"}}, {"large", {"openai", "qwen:7b"}}};
  }
  void Use(const ImitationModel& model) {
    config_.backends["gemini"] = *MakeHttpBackend({.base_url = model.gemini_url(), .api_key = "test-key-123456"});
    config_.backends["openai"] = *MakeOpenAiBackend({.base_url = model.openai_url()});
  }
  static CallRequest Ask(const std::string& model = "gemini-2.5-flash") {
    return {.step_name = "generate",
            .model = model,
            .backend = {},
            .system = "Be brief.",
            .parts = {"Rules.", "Count words."}};
  }
  sdk::ActivityResult<CallReply> Call(const CallRequest& request, int attempt = 1, const std::string& id = "1") {
    sdk::ActivityRegistry registry;
    RegisterGeminiActivities(registry, config_);
    TestContext context(id, attempt);
    return CallActivity(registry, kCallModel, context, request);
  }
  int64_t Ended(const std::string& status) const {
    return std::count_if(rows_.begin(), rows_.end(), [&](const auto& row) { return row.second["status"] == status; });
  }

  std::map<std::string, json> rows_;  // by key, as the table keeps them
};

TEST_F(OneCallTest, ReplySaysWhatWasSaidByWhomAndForHowMuch) {
  const ImitationModel model(
      {{.text = "```python\nx = 1\n```", .tokens = {.prompt = 1000, .output = 90, .thoughts = 10}}});
  Use(model);
  CallRequest request = Ask();
  request.parameters.temperature = 0.2;
  request.parameters.max_output_tokens = 500;
  const auto result = Call(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  const CallReply& reply = result.value();
  EXPECT_EQ(reply.text, "```python\nx = 1\n```");
  EXPECT_EQ(reply.finish_reason, "STOP");
  EXPECT_EQ(reply.backend, "gemini");
  EXPECT_EQ(reply.model, "gemini-2.5-flash");
  EXPECT_EQ(reply.model_version, "imitation");
  EXPECT_EQ(reply.prompt_token_count, 1000);
  EXPECT_EQ(reply.completion_token_count, 100);
  EXPECT_EQ(reply.token_count_source, "reported");
  EXPECT_EQ(reply.cost_usd, Money::Nanos(1000 * 300 + 100 * 2500));
  EXPECT_FALSE(reply.replayed);
  ASSERT_EQ(rows_.size(), 2u);
  EXPECT_EQ(rows_.begin()->second["call_id"], reply.call_id);
  EXPECT_EQ(rows_.begin()->second["step_name"], "generate");
  const json body = json::parse(model.served().at(0).body);
  EXPECT_EQ(body.at("systemInstruction").at("parts")[0].at("text"), "Be brief.");
  EXPECT_EQ(body.at("contents")[0].at("parts").size(), 2u);
  EXPECT_EQ(body.at("generationConfig"), (json{{"temperature", 0.2}, {"maxOutputTokens", 500}}));
  EXPECT_FALSE(body.contains("tools"));
}

TEST_F(OneCallTest, TierChoosesBackendAndModelAndIsRecorded) {
  const ImitationModel model({{.text = "small"}});
  Use(model);
  const CallReply small = Call(Ask("small"), 1, "a").value();
  const CallReply large = Call(Ask("large"), 1, "b").value();
  EXPECT_EQ(small.model, "gemini-2.5-flash-lite");
  EXPECT_EQ(small.model_tier, "small");
  EXPECT_EQ(large.backend, "openai");
  EXPECT_EQ(large.model, "qwen:7b");
  EXPECT_EQ(large.model_version, "qwen:7b");
  EXPECT_FALSE(large.cost_usd.has_value()) << "no price is known, and none is guessed";
  EXPECT_EQ(model.served().at(1).request.protocol, imitation::ModelRequest::Protocol::kOpenAi);
  EXPECT_EQ(rows_.begin()->second["model_tier"].is_string(), true);
  EXPECT_THAT(Call(Ask("medium")).failure()->message, HasSubstr("no model for the tier medium"));
  CallRequest both = Ask("large");
  both.backend = "gemini";
  EXPECT_THAT(Call(both).failure()->message, HasSubstr("the tier large is a model of the backend openai"));
}

TEST_F(OneCallTest, RetryIsAnsweredFromTheJournalAndTellsTheSameRows) {
  const ImitationModel model({{.text = "once"}});
  Use(model);
  const CallReply first = Call(Ask()).value();
  const auto rows = rows_;
  const CallReply second = Call(Ask(), 2).value();
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(second.cost_usd, first.cost_usd);
  EXPECT_EQ(second.call_id, first.call_id);
  EXPECT_EQ(model.calls(), 1);
  EXPECT_EQ(rows_.size(), 2u) << "under the same keys";
  OnCompletionAcknowledged(config_, "run-1/1");
  EXPECT_TRUE(Call(Ask(), 1, "2").has_value());
  EXPECT_EQ(model.calls(), 2) << "another activity is another call";
}

TEST_F(OneCallTest, SameQuestionIsAnsweredFromTheCacheWhereTheRequestSaysSo) {  // CE-1, CE-2, CE-3
  const ImitationModel model({{.text = "an answer", .tokens = {.prompt = 1000, .output = 90}}});
  Use(model);
  const auto blobs = std::make_shared<MemoryBlobs>();
  config_.cache = std::make_shared<ContextCache>(std::make_shared<MemoryRows>(), blobs, blobs, nullptr);
  CallRequest request = Ask();
  request.cache = "always";
  const CallReply first = Call(request, 1, "a").value();
  EXPECT_FALSE(first.cache_hit);
  const CallReply again = Call(request, 1, "b").value();
  EXPECT_TRUE(again.cache_hit);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.model_version, first.model_version);
  EXPECT_EQ(again.tokens_saved, 1090);
  EXPECT_EQ(again.cost_saved_usd, first.cost_usd);
  EXPECT_FALSE(again.cost_usd.has_value());
  EXPECT_EQ(model.calls(), 1);
  EXPECT_EQ(rows_.size(), 2u) << "what was not called is in no ledger";
  EXPECT_TRUE(Call(request, 2, "b").value().cache_hit);
  EXPECT_EQ(config_.cache->Statistics()->hits, 1) << "a retry is the same look-up";

  // Another word, model, parameter or step is another question; so is one that asks for no cache, or for too little.
  CallRequest others[6] = {request, request, request, request, request, request};
  others[0].parts = {"Rules.Count", " words."};
  others[1].model = "gemini-2.5-pro";
  others[2].parameters.temperature = 0.5;
  others[3].step_name = "plan";
  others[4].cache = "auto";
  others[5].cache = "";
  int calls = 1;
  for (const CallRequest& other : others) {
    EXPECT_FALSE(Call(other, 1, "other-" + std::to_string(calls)).value().cache_hit);
    EXPECT_EQ(model.calls(), ++calls);
  }
  request.cache = "perhaps";
  EXPECT_THAT(Call(request).failure()->message, HasSubstr("cache must be never, auto or always"));
}

TEST_F(OneCallTest, AnswerThatIsNoneOrIsInTheJournalIsNotTakenFromTheCache) {  // CE-1, AB-5
  const ImitationModel model({{.times = 1, .text = "cut", .finish = "MAX_TOKENS"}, {.text = "whole"}});
  Use(model);
  const auto blobs = std::make_shared<MemoryBlobs>();
  config_.cache = std::make_shared<ContextCache>(std::make_shared<MemoryRows>(), blobs, blobs, nullptr);
  CallRequest request = Ask();
  request.cache = "always";
  EXPECT_EQ(Call(request, 1, "a").value().text, "cut");
  EXPECT_EQ(Call(request, 1, "b").value().text, "whole") << "an answer that was cut is not kept";
  EXPECT_EQ(Call(request, 1, "c").value().text, "whole");
  EXPECT_EQ(model.calls(), 2);
  const CallReply retried = Call(request, 2, "a").value();
  EXPECT_EQ(retried.text, "cut") << "what was paid for is what counts, also when a better answer is kept meanwhile";
  EXPECT_FALSE(retried.cache_hit);
  EXPECT_EQ(model.calls(), 2);
}

TEST_F(OneCallTest, FailuresAreWaitedForAndEachCallMadeHasItsPairOfRows) {
  const ImitationModel model({{.times = 1, .fault = "429", .retry_after_s = 7},
                              {.times = 1, .text = "Half of it.", .fault = "cut"},
                              {.times = 1, .fault = "503"},
                              {.text = "whole"}});
  Use(model);
  const auto limited = Call(Ask(), 1);
  EXPECT_EQ(limited.failure()->type, "MODEL_UNAVAILABLE");
  EXPECT_FALSE(limited.failure()->non_retryable);
  EXPECT_EQ(limited.failure()->next_retry_delay, Duration(std::chrono::seconds(7)));
  EXPECT_EQ(Call(Ask(), 2).failure()->type, "MODEL_UNAVAILABLE");
  const auto overloaded = Call(Ask(), 3);
  EXPECT_EQ(overloaded.failure()->details.get<CallReply>().lost_calls, 3);
  const CallReply reply = Call(Ask(), 4).value();
  EXPECT_EQ(reply.text, "whole");
  EXPECT_EQ(reply.lost_calls, 3);
  EXPECT_EQ(reply.lost_prompt_token_count, 1000) << "the cut stream had said so";
  EXPECT_EQ(rows_.size(), 2 * static_cast<size_t>(model.calls()));
  EXPECT_EQ(Ended("started"), model.calls());
  EXPECT_EQ(Ended("failed"), 3);
  EXPECT_EQ(Ended("done"), 1);

  clock_->Advance(std::chrono::hours(48));
  const ImitationModel gone({{.fault = "503"}});
  Use(gone);
  CallRequest impatient = Ask();
  impatient.patience_s = 0;
  const auto refused = Call(impatient, 1, "3");
  EXPECT_TRUE(refused.failure()->non_retryable);
}

TEST_F(OneCallTest, EndingsThatWerePaidAreRepliesAndRefusalsAreNot) {
  for (const auto& [fault, reason] : std::vector<std::pair<std::string, std::string>>{
           {"safety", "SAFETY"}, {"max_tokens", "MAX_TOKENS"}, {"empty", "STOP"}, {"blocked", "PROMPT_BLOCKED"}}) {
    const ImitationModel model({{.text = "Some words.", .fault = fault}});
    Use(model);
    const auto result = Call(Ask(), 1, fault);
    ASSERT_TRUE(result.has_value()) << fault << ": " << result.failure()->message;
    EXPECT_EQ(result.value().finish_reason, reason);
    EXPECT_EQ(result.value().prompt_token_count, 1000) << fault;
  }
  const ImitationModel model({{.fault = "bad_key"}});
  Use(model);
  const auto refused = Call(Ask(), 1, "key");
  EXPECT_EQ(refused.failure()->type, "AGENT_ERROR");
  EXPECT_TRUE(refused.failure()->non_retryable);
  EXPECT_THAT(refused.failure()->message, HasSubstr("API_KEY_INVALID"));
}

TEST_F(OneCallTest, BudgetThatIsUsedUpBuysNothing) {
  const ImitationModel model({{.text = "x"}});
  Use(model);
  CallRequest request = Ask();
  request.max_cost_usd = Money();
  const auto result = Call(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_TRUE(result.value().budget_exhausted);
  EXPECT_EQ(result.value().call_id, "");
  EXPECT_EQ(model.calls(), 0);
  EXPECT_TRUE(rows_.empty());
}

TEST_F(OneCallTest, CodeIsNotRewrittenAndSecretsOfTheWorkerAreInNoRecord) {
  const std::string code = "url = 'https://user:pass@host/x'\nkey = 'the-secret-of-this-worker'\n";
  const ImitationModel model({{.text = code}});
  Use(model);
  CallRequest request = Ask();
  request.parts = {"Use the-secret-of-this-worker"};
  const CallReply reply = Call(request).value();
  EXPECT_THAT(reply.text, HasSubstr("https://user:pass@host/x"));
  EXPECT_THAT(reply.text, Not(HasSubstr("the-secret-of-this-worker")));
  EXPECT_EQ(reply.redaction_count, 1);
  EXPECT_THAT(model.served().at(0).body, Not(HasSubstr("the-secret-of-this-worker")));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(config_.work_root)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(ReadAll(entry.path()), Not(HasSubstr("the-secret-of-this-worker")));
  }
}

TEST_F(OneCallTest, BadInputIsRefusedBeforeAnythingIsSpent) {
  const ImitationModel model({{.text = "x"}});
  Use(model);
  const auto refusal = [&](CallRequest request) {
    const auto result = Call(request);
    EXPECT_EQ(result.failure()->type, "INVALID_INPUT");
    return result.failure()->message;
  };
  CallRequest request = Ask();
  request.parts = {""};
  EXPECT_THAT(refusal(request), HasSubstr("has no prompt"));
  request.parts = {std::string(kMaxPromptBytes, 'x')};
  EXPECT_THAT(refusal(request), HasSubstr("the limit is"));
  request = Ask();
  request.backend = "gemni";
  EXPECT_THAT(refusal(request), HasSubstr("no agent backend \"gemni\""));
  request = Ask();
  request.step_name.clear();
  EXPECT_THAT(refusal(request), HasSubstr("step_name"));
  EXPECT_EQ(model.calls(), 0);
}

TEST_F(OneCallTest, LongAnswerIsWholeForAnActivityAndCutForAHistory) {
  const std::string text(kMaxCallTextBytes + 1000, 'y');
  const ImitationModel model({{.text = text}});
  Use(model);
  TestContext context("1");
  EXPECT_EQ(ModelCaller(config_).Call(context, Ask()).value().text, text);
  const CallReply reply = Call(Ask(), 2).value();
  EXPECT_LT(reply.text.size(), kMaxCallTextBytes + 200);
  EXPECT_EQ(*blobs_->Get(reply.text_blob_hash), text);
  EXPECT_EQ(model.calls(), 1);
}

TEST_F(OneCallTest, CallsOfOneActivityHaveTokensOfTheirOwn) {
  const ImitationModel model({{.when = "first", .text = "one"}, {.text = "two"}});
  Use(model);
  const ModelCaller caller(config_);
  TestContext context("1");
  CallRequest first = Ask();
  first.parts = {"first"};
  const std::string token = context.info().IdempotencyToken();
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(caller.Call(context, first, token + "/first").value().text, "one");
    EXPECT_EQ(caller.Call(context, Ask(), token + "/second").value().text, "two");
  }
  EXPECT_EQ(model.calls(), 2);
  EXPECT_EQ(rows_.size(), 4u);
}

TEST_F(OneCallTest, KilledInMidAnswerPaysOnceMoreAndTheLedgerShowsBoth) {
  const ImitationModel model({{.times = 1, .text = "I beg", .fault = "hang"}, {.text = "whole"}});
  Use(model);
  config_.record_call = nullptr;
  const pid_t worker = fork();
  if (worker == 0) {
    (void)Call(Ask());
    _exit(1);
  }
  while (model.hanging() == 0) {
    ASSERT_EQ(waitpid(worker, nullptr, WNOHANG), 0) << "it ended by itself";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(worker, SIGKILL);
  int status = 0;
  waitpid(worker, &status, 0);
  config_.record_call = [this](const json& row) { rows_[LedgerKey(row)] = row; };
  const CallReply reply = Call(Ask(), 2).value();
  EXPECT_EQ(reply.text, "whole");
  EXPECT_EQ(reply.lost_calls, 1);
  EXPECT_EQ(model.calls(), 2);
  EXPECT_EQ(Ended("lost"), 1);
  EXPECT_EQ(Ended("done"), 1);
}

}  // namespace
}  // namespace wfe::agent
