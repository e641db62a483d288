// executeGeminiAgent: the loop, its files, its journal, its failures (AC-2, AB-5, AB-6, LG-12).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "activities/agent/backends/cassette_backend.h"
#include "activities/agent/step/config.h"
#include "activities/agent/step/journal.h"
#include "activities/trace/log_entry.h"
#include "tests/activities/agent/agent_step_test_support.h"

namespace wfe::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(AgentTest, WritesFilesAndReportsWhatItTouchedAndSpent) {
  WriteAll(Dir() + "/src/old.ts", "old");
  WriteAll(Dir() + "/src/keep.ts", "keep");
  const auto result = Play(
      {Answer({Write("src/b.ts", "b"), CallPart("delete_file", {{"file_path", "src/old.ts"}}),
               CallPart("replace", {{"file_path", "src/keep.ts"}, {"old_string", "keep"}, {"new_string", "kept"}})}),
       Answer({TextPart("Done.")})});
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  const AgentReply& reply = result.value();
  EXPECT_THAT(reply.files_touched, ElementsAre("src/b.ts", "src/keep.ts", "src/old.ts"));
  EXPECT_EQ(File("src/keep.ts"), "kept");
  EXPECT_EQ(reply.text, "Done.");
  EXPECT_EQ(reply.turns, 2);
  EXPECT_EQ(reply.prompt_token_count, 2000);
  EXPECT_EQ(reply.completion_token_count, 220) << "with thinking";
  EXPECT_EQ(reply.thoughts_token_count, 20);
  EXPECT_EQ(reply.token_count_source, "reported");
  EXPECT_EQ(reply.cost_usd.value().ToString(), "0.00115") << "2,000 at 0.30 and 220 at 2.50, per million";
  EXPECT_EQ(reply.finish_reason, "STOP");
  EXPECT_EQ(blobs_->Get(reply.instruction_hash).value(), "Do it.");

  trace::LogEntry entry;
  FillAgentEntry(entry, reply);
  EXPECT_EQ(entry.total_token_cost, 2220);
  EXPECT_EQ(trace::ExtString(entry, "kind"), "agent");
}

TEST_F(AgentTest, UnknownPartsAndSignaturesGoBackVerbatim) {
  json call = Write("a.txt", "a");
  call["thoughtSignature"] = "AIzaSyA1234567890123456789012345678901234";  // looks like a key, is none
  const json odd = {{"futureKind", {{"x", {1, 2}}}}};
  json with_id = Write("b.txt", "b");
  with_id["functionCall"]["id"] = "call-7";
  ASSERT_TRUE(Play({Answer({call, odd, with_id}), Answer({TextPart("ok")})}).has_value());
  const json& contents = backend_->requests.at(1).at("contents");
  ASSERT_EQ(contents.size(), 3u);
  EXPECT_EQ(contents[1].at("parts"), json::array({call, odd, with_id}));
  EXPECT_EQ(contents[2].at("role"), "user");
  ASSERT_EQ(contents[2].at("parts").size(), 2u) << "one functionResponse per call";
  EXPECT_EQ(contents[2].at("parts")[1].at("functionResponse").at("id"), "call-7");
}

TEST_F(AgentTest, PathsOutsideTheDirectoryAreRefusedAndCounted) {
  WriteAll(root_ / "secret.txt", "secret");
  std::filesystem::create_directory_symlink(root_.path(), Dir() + "/link");
  WriteAll(Dir() + "/.wfe/context.md", "rules");
  AgentRequest request = Request();
  request.protected_paths = {"tsconfig.json", "config/"};
  backend_ = std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{
      Answer({Write("../x", "1"), Write("/etc/x", "1"), Write("a/../../x", "1"), Write("link/x", "1"),
              Write(".git/config", "1"), Write("audit_trace.jsonl", "1"), Write("node_modules/x.js", "1"),
              Write(".wfe/context.md", "1"), Write("tsconfig.json", "1"), Write("config/x", "1"),
              CallPart("read_file", {{"file_path", "../secret.txt"}}),
              CallPart("read_file", {{"file_path", "link/secret.txt"}}), CallPart("list_directory", {{"path", ".."}}),
              CallPart("run_shell_command", {{"command", "id"}}), Write("ok.txt", "1")}),
      Answer({TextPart("done")})});
  config_.backends["gemini"] = backend_;
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_THAT(result.value().files_touched, ElementsAre("ok.txt"));
  EXPECT_EQ(result.value().refused_action_count, 13);
  EXPECT_FALSE(std::filesystem::exists(root_ / "x"));
  EXPECT_EQ(File(".wfe/context.md"), "rules");
  const json& responses = backend_->requests.at(1).at("contents").back().at("parts");
  for (size_t i = 0; i + 1 < responses.size(); ++i) {
    EXPECT_TRUE(responses[i].at("functionResponse").at("response").contains("error")) << i;
  }
  EXPECT_THAT(backend_->requests.at(1).dump(), ::testing::Not(HasSubstr("\"output\":\"secret\"")));
}

TEST_F(AgentTest, ReplyWithoutAnyActionIsAnAgentError) {
  const ModelOutcome words = Answer({TextPart("I would do it like this.")});
  const auto result = Play({words, words, words, words});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "AGENT_ERROR");
  EXPECT_TRUE(result.failure()->non_retryable);
  const auto reply = result.failure()->details.get<AgentReply>();
  EXPECT_EQ(reply.prompt_token_count, 4000) << "spent all the same, with what asking again cost";
  EXPECT_THAT(reply.error, HasSubstr("without changing any file, also after it was asked again 3 times"));
  EXPECT_THAT(reply.error, HasSubstr("it said: \"I would do it like this.\""));
  AgentRequest question = Request();
  question.requires_file_changes = false;
  const auto answered = Run(question, 1, "2");
  ASSERT_TRUE(answered.has_value());
  EXPECT_TRUE(answered.value().no_change);
}

TEST_F(AgentTest, TenThousandFilesInOneTurnAreRefusedBeforeAnyIsWritten) {
  std::vector<json> parts;
  for (int i = 0; i < 10'000; ++i) parts.push_back(Write("f" + std::to_string(i), "x"));
  const auto result = Play({Answer(parts)});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "AGENT_ERROR");
  EXPECT_THAT(result.failure()->message, HasSubstr("10000 file changes in this step; the limit is 1000"));
  EXPECT_FALSE(std::filesystem::exists(Dir() + "/f0"));
}

TEST_F(AgentTest, TurnLimitEndsAnAgentThatNeverStops) {
  std::vector<ModelOutcome> outcomes(10, Answer({Write("a", "x")}));
  config_.limits.max_turns = 5;
  const auto result = Play(std::move(outcomes));
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_THAT(result.failure()->message, HasSubstr("within 5 turns"));
  EXPECT_EQ(backend_->turns.size(), 5u);
}

TEST_F(AgentTest, TruncatedAnswerGetsOneRepairTurn) {
  const ModelOutcome cut = Answer({TextPart("half")}, "MAX_TOKENS");
  const ModelOutcome malformed = Answer({}, "MALFORMED_FUNCTION_CALL");
  EXPECT_TRUE(Play({malformed, Answer({Write("a", "x")}), Answer({TextPart("ok")})}).has_value());
  EXPECT_THAT(backend_->requests.at(1).dump(), HasSubstr("MALFORMED_FUNCTION_CALL"));
  config_.work_root = root_ / "worker2";
  const auto result = Play({cut, cut});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "AGENT_ERROR");
  EXPECT_THAT(result.failure()->message, HasSubstr("MAX_TOKENS again"));
}

TEST_F(AgentTest, SafetyEndingsAreAgentErrors) {
  int step = 0;
  for (const char* sample : {"gemini-response-safety.json", "gemini-response-promptblocked.json"}) {
    config_.work_root = root_ / ("worker-" + std::to_string(++step));
    const auto result = Play({json::parse(ReadAll(std::string(WFE_SOURCE_DIR) + "/tests/testdata/gemini/" + sample))});
    ASSERT_NE(result.failure(), nullptr) << sample;
    EXPECT_EQ(result.failure()->type, "AGENT_ERROR");
    EXPECT_TRUE(result.failure()->non_retryable);
  }
}

TEST_F(AgentTest, RateLimitFailsRetryablyWithTheServersDelayAndGoesOnLater) {
  const ModelError busy{.kind = ModelErrorKind::kRetryable, .message = "busy", .retry_delay = std::chrono::seconds(45)};
  auto result = Play({Answer({Write("a", "x")}), busy});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "MODEL_UNAVAILABLE");
  EXPECT_FALSE(result.failure()->non_retryable);
  EXPECT_EQ(result.failure()->next_retry_delay, Duration(std::chrono::seconds(45)));
  backend_ =
      std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{Answer({Write("b", "x")}), Answer({TextPart("ok")})});
  config_.backends["gemini"] = backend_;
  result = Run(Request(), 2);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(backend_->turns, ElementsAre(2)) << "turn 1 came from the journal";
  EXPECT_THAT(result.value().files_touched, ElementsAre("a")) << "seen although an earlier attempt wrote it";
  EXPECT_EQ(result.value().replayed_turns, 1);
}

TEST_F(AgentTest, CrashAtAnyPointCallsNoModelTwiceAndGivesTheSameFiles) {  // AB-5
  const std::vector<ModelOutcome> story = {
      Answer({CallPart("replace", {{"file_path", "n.txt"}, {"old_string", "1"}, {"new_string", "12"}})}),
      Answer({CallPart("replace", {{"file_path", "n.txt"}, {"old_string", "12"}, {"new_string", "123"}}),
              Write("d.txt", "d")}),
      Answer({CallPart("delete_file", {{"file_path", "d.txt"}}), Write("e/f.txt", "f")}), Answer({TextPart("done")})};
  const int turns = static_cast<int>(story.size());
  // Killed before the call of a turn (after the files of the one before), or after its answer was journalled.
  for (int point = 0; point < 2 * turns; ++point) {
    const TempDir root;
    const int turn = point / 2 + 1;
    const bool after_journal = point % 2 == 1;
    config_.work_root = root / "worker";
    WriteAll(root / "project/n.txt", "1");
    AgentRequest request = Request();
    request.working_dir = root / "project";
    const std::string log = root / "calls";
    backend_ = std::make_shared<PreparedBackend>(story);
    config_.backends["gemini"] = backend_;
    const pid_t child = fork();
    if (child == 0) {
      backend_->before_call = [&](int now) {
        if (!after_journal && now == turn) _exit(9);
        std::ofstream(log, std::ios::app) << now;
      };
      config_.record_call = [&](const json& row) {
        if (after_journal && static_cast<int>(backend_->turns.size()) == turn && row.contains("call_id")) _exit(9);
      };
      (void)Run(request);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_EQ(WEXITSTATUS(status), 9) << point;
    backend_->before_call = [&](int now) { std::ofstream(log, std::ios::app) << now; };
    const auto result = Run(request, 2);
    ASSERT_TRUE(result.has_value()) << point << result.failure()->message;
    EXPECT_EQ(ReadAll(log), "1234") << "crash point " << point;
    EXPECT_EQ(ReadAll(root / "project/n.txt"), "123");
    EXPECT_EQ(ReadAll(root / "project/e/f.txt"), "f");
    EXPECT_FALSE(std::filesystem::exists(root / "project/d.txt"));
    EXPECT_THAT(result.value().files_touched, ElementsAre("e/f.txt", "n.txt"));
    EXPECT_EQ(result.value().prompt_token_count, 4000);
  }
}

TEST_F(AgentTest, JournalIsRemovedWhenTheCompletionIsAcknowledgedOrOld) {
  ASSERT_TRUE(Play({Answer({Write("a", "x")}), Answer({TextPart("ok")})}).has_value());
  const std::string journal = config_.work_root + "/journal";
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(journal), {}), 1);
  OnCompletionAcknowledged(config_, "run-1/1");
  EXPECT_TRUE(std::filesystem::is_empty(journal));
  ASSERT_TRUE(Run(Request(), 1, "2").has_value());
  EXPECT_EQ(PruneJournals(config_.work_root, SystemClock().Now() - std::chrono::hours(1)), 0);
  EXPECT_EQ(PruneJournals(config_.work_root, SystemClock().Now() + std::chrono::hours(1)), 1);
}

TEST_F(AgentTest, SecretsReachNeitherJournalNorReplyNorFiles) {
  config_.secrets = {"correct-horse-battery"};
  const auto result = Play({Answer({Write("a.txt", "s = 'correct-horse-battery'"), Write("b.txt", "fine")}),
                            Answer({TextPart("used correct-horse-battery at https://bob:hunter22@example.com/x")})});
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(std::filesystem::exists(Dir() + "/a.txt")) << "a known secret in a file is refused, not rewritten";
  EXPECT_EQ(File("b.txt"), "fine");
  EXPECT_EQ(result.value().secret_findings, 1);
  EXPECT_EQ(result.value().refused_action_count, 1);
  EXPECT_THAT(backend_->requests.at(1).dump(), HasSubstr("leave it out of the files"));
  EXPECT_EQ(result.value().text, "used [redacted:secret] at https://[redacted:url_credentials]@example.com/x");
  for (const auto& file : std::filesystem::recursive_directory_iterator(config_.work_root)) {
    if (!file.is_regular_file()) continue;
    EXPECT_THAT(ReadAll(file.path()), ::testing::Not(HasSubstr("correct-horse"))) << file.path();
  }
}

TEST_F(AgentTest, CodeThatLooksLikeCredentialsIsWrittenAsTheModelGaveIt) {  // RW-D14
  config_.secrets = {"correct-horse-battery"};
  const std::string key = "AIzaSyA12345678901234567890123456789012";
  const std::string code = "const url = 'https://bob:hunter22@example.com/x'; const k = '" + key +
                           "';\n"
                           "const pem = `-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----`;\n";
  AgentRequest request = Request();
  request.keep_session = true;
  backend_ = std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{
      Answer({Write("url.ts", code), CallPart("read_file", {{"file_path", "url.ts"}})}), Answer({TextPart("done")})});
  config_.backends["gemini"] = backend_;
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(File("url.ts"), code);
  EXPECT_EQ(result.value().secret_findings, 0);
  EXPECT_THAT(backend_->requests.at(1)["contents"].dump(), HasSubstr("bob:hunter22"))
      << "the model must see what it works on";
  EXPECT_THAT(blobs_->Get(result.value().session_blob_hash).value(), ::testing::Not(HasSubstr("hunter22")))
      << "what people read is redacted";
}

TEST_F(AgentTest, FileThatHoldsASecretIsNotTouchedAndASecretInACallIsRefusedAgainAfterACrash) {  // RW-D14, AB-5
  config_.secrets = {"correct-horse-battery"};
  WriteAll(Dir() + "/.config", "token = correct-horse-battery\nport = 1\n");
  const std::vector<ModelOutcome> story = {
      Answer({CallPart("replace", {{"file_path", ".config"}, {"old_string", "port = 1"}, {"new_string", "port = 2"}}),
              Write(".config", "token = [redacted:secret]\n"), Write("leak.txt", "correct-horse-battery")}),
      Answer({Write("ok.txt", "x")}), Answer({TextPart("done")})};
  backend_ = std::make_shared<PreparedBackend>(story);
  config_.backends["gemini"] = backend_;
  // Dies when the first answer is in the journal and nothing is applied yet.
  backend_->before_call = [](int turn) {
    if (turn == 2) throw std::runtime_error("the worker dies here");
  };
  EXPECT_THROW((void)Run(Request()), std::runtime_error);
  std::filesystem::path journal;
  for (const auto& entry : std::filesystem::directory_iterator(config_.work_root + "/journal")) journal = entry.path();
  std::filesystem::remove(journal / "0001.effects.json");
  backend_->before_call = nullptr;
  const auto result = Run(Request(), 2);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(File(".config"), "token = correct-horse-battery\nport = 1\n") << "the user's file is as it was";
  EXPECT_FALSE(std::filesystem::exists(Dir() + "/leak.txt"));
  EXPECT_EQ(result.value().secret_findings, 3);
}

TEST_F(AgentTest, ContextMustHaveItsHash) {  // LG-7
  WriteAll(Dir() + "/.wfe/context.md", "rules");
  AgentRequest request = Request();
  request.context_file_hash = ToHex(Sha256("other rules"));
  backend_ =
      std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{Answer({Write("a", "x")}), Answer({TextPart("ok")})});
  config_.backends["gemini"] = backend_;
  const auto refused = Run(request);
  ASSERT_NE(refused.failure(), nullptr);
  EXPECT_EQ(refused.failure()->type, "INVALID_INPUT");
  EXPECT_TRUE(backend_->requests.empty());
  request.context_file_hash = ToHex(Sha256("rules"));
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value().context_file_hash, request.context_file_hash);
  EXPECT_THAT(backend_->requests.at(0).dump(), HasSubstr("rules"));
}

TEST_F(AgentTest, SnapshotPutsTheDirectoryBackElsewhere) {
  AgentRequest request = Request();
  request.keep_snapshot = true;
  request.keep_session = true;
  backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({Write("src/a", "x")}), Answer({TextPart("ok")})});
  config_.backends["gemini"] = backend_;
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  std::filesystem::create_directories(root_ / "other");
  WriteAll(root_ / "other/stray", "s");
  sdk::ActivityRegistry registry;
  RegisterGeminiActivities(registry, config_);
  TestContext context;
  const auto restored = CallActivity(registry, kRestoreSnapshot, context,
                                     RestoreSnapshotInput{result.value().snapshot_blob_hash, root_ / "other"});
  ASSERT_TRUE(restored.has_value()) << restored.failure()->message;
  EXPECT_EQ(restored.value().tree_hash, result.value().tree_hash);
  EXPECT_EQ(ReadAll(root_ / "other/src/a"), "x");
  EXPECT_FALSE(std::filesystem::exists(root_ / "other/stray"));

  AgentRequest next = Request("fix_attempt_1");
  next.session_blob_hash = result.value().session_blob_hash;
  next.requires_file_changes = false;
  ASSERT_TRUE(Run(next, 1, "2").has_value());
  EXPECT_EQ(backend_->requests.at(2).at("contents").size(), 5u) << "four of the session, and the new instruction";
}

TEST_F(AgentTest, DirectoryGoneUnknownBackendAndCancellationAreClear) {
  config_.backends["gemini"] = std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{});
  AgentRequest request = Request();
  request.working_dir = root_ / "missing";
  EXPECT_EQ(Run(request).failure()->type, "WORKING_DIR_GONE");
  request = Request();
  request.backend = "other";
  EXPECT_THAT(Run(request).failure()->message, HasSubstr("\"other\""));
  sdk::ActivityRegistry registry;
  RegisterGeminiActivities(registry, config_);
  TestContext context;
  context.Cancel();
  EXPECT_NE(CallActivity(registry, kExecuteGeminiAgent, context, Request()).cancelled(), nullptr);
}

TEST_F(AgentTest, CassetteTellsTheDemoStoryAndEndsWithAnError) {  // VI-8
  config_.backends["scripted"] = *OpenCassette(std::string(WFE_SOURCE_DIR) + "/tests/testdata/gemini/sum-demo.jsonl");
  config_.default_backend = "scripted";
  int id = 0;
  for (const char* step : {"scaffold", "implement_v1", "fix_attempt_1", "fix_attempt_2"}) {
    const auto result = Run(Request(step), 1, std::to_string(++id));
    ASSERT_TRUE(result.has_value()) << step << result.failure()->message;
    EXPECT_EQ(result.value().token_count_source, "scripted");
    EXPECT_EQ(result.value().model, "scripted/sum-demo");
    EXPECT_FALSE(result.value().cost_usd.has_value());
  }
  EXPECT_EQ(File("src/sum.ts"), "export function sum(a: number, b: number): number {\n  return a + b;\n}\n");
  const auto result = Run(Request("fix_attempt_3"), 1, "9");
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "AGENT_ERROR");
  EXPECT_THAT(result.failure()->message, HasSubstr("no line for step fix_attempt_3"));
}

}  // namespace
}  // namespace wfe::agent
