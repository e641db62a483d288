// The small parts of the agent activity: counting, prices, redaction, templates, cassettes, the command line's output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activities/agent/backends/cassette_backend.h"
#include "activities/agent/cost/prices.h"
#include "activities/agent/cost/token_estimator.h"
#include "activities/agent/programs/gemini_cli.h"
#include "activities/agent/step/config.h"
#include "activities/agent/step/redactor.h"
#include "activities/prompts/context_template.h"
#include "tests/activities/agent/agent_test_support.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string Sample(const std::string& name) {
  return ReadAll(std::string(WFE_SOURCE_DIR) + "/tests/testdata/gemini/" + name);
}

TEST(GeminiTokens, EstimatorFollowsItsFormula) {  // LG-19
  EXPECT_DOUBLE_EQ(EstimateTokens(""), 0);
  EXPECT_DOUBLE_EQ(EstimateTokens("one two"), 2 * 0.94);
  EXPECT_DOUBLE_EQ(EstimateTokens("longidentifier"), 0.94 + 0.36 * 2);
  EXPECT_DOUBLE_EQ(EstimateTokens("fooBarBaz"), 0.94 + 0.36 * 0.75 + 0.28 * 2);
  EXPECT_DOUBLE_EQ(EstimateTokens("1234"), 1.37 * 4);
  EXPECT_DOUBLE_EQ(EstimateTokens("=>;"), 1.11 + 0.04 * 2);
  EXPECT_DOUBLE_EQ(EstimateTokens("a  b\tc\n\nd"), 4 * 0.94 + 2 * 0.95 + 1.11);
  EXPECT_DOUBLE_EQ(EstimateTokens("ü€"), 2 * 0.62);
}

TEST(GeminiTokens, RatioIsLearntPerModelAndSurvivesARestart) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word ";
  {
    TokenCounter counter(dir / "ratio.json");
    EXPECT_EQ(counter.Tokens("m", "one two three four").source, "estimated");
    counter.Learn("m", text, static_cast<int64_t>(EstimateTokens(text) * 1.25));
    EXPECT_NEAR(counter.Ratio("m"), 1.25, 1e-3);
    EXPECT_EQ(counter.Ratio("other"), 1);
    counter.Learn("wild", text, 1'000'000);
    EXPECT_EQ(counter.Ratio("wild"), 2);
  }
  const TokenCounter again(dir / "ratio.json");
  EXPECT_NEAR(again.Ratio("m"), 1.25, 1e-3);
  const TokenCounter exact("", [](std::string_view) { return 42; });
  EXPECT_EQ(exact.Tokens("m", "x").tokens, 42);
  EXPECT_EQ(exact.Tokens("m", "x").source, "tokenizer");
}

TEST(GeminiPrices, TierIsChosenByThePromptOfTheCall) {  // RC-12
  const ModelPrice* pro = PriceTable::BuiltIn().Find("models/gemini-2.5-pro", "2026-11-21");
  ASSERT_NE(pro, nullptr);
  EXPECT_NEAR(*CostOf(*pro, {.prompt = 200'000, .cached = 0, .output = 1000}), 0.25 + 0.01, 1e-12);
  EXPECT_NEAR(*CostOf(*pro, {.prompt = 200'001, .cached = 0, .output = 1000}), 200'001 * 2.5 / 1e6 + 0.015, 1e-12);
  EXPECT_NEAR(*CostOf(*pro, {.prompt = 100'000, .cached = 40'000, .output = 0}), 0.06 * 1.25 + 0.04 * 0.125, 1e-12);
}

TEST(GeminiPrices, PriceFollowsTheDayAndUnknownMeansAbsent) {
  const PriceTable& table = PriceTable::BuiltIn();
  EXPECT_EQ(table.Find("gemini-3.8-flash", "2026-12-31")->rates.input, 0.75);
  EXPECT_EQ(table.Find("gemini-3.8-flash", "2027-01-01")->rates.input, 1.50);
  EXPECT_EQ(table.Find("gemini-3.8-flash", "2020-01-01"), nullptr);
  EXPECT_EQ(table.Find("some-other-model", "2026-11-21"), nullptr);
  const ModelPrice* no_cached_price = table.Find("gemini-3.5-flash", "2026-11-21");
  EXPECT_TRUE(CostOf(*no_cached_price, {.prompt = 10, .cached = 0, .output = 1}).has_value());
  EXPECT_FALSE(CostOf(*no_cached_price, {.prompt = 10, .cached = 5, .output = 1}).has_value());
  EXPECT_FALSE(PriceTable::Parse(R"({"prices":[{"model":"m"}]})").has_value());
}

TEST(GeminiRedactor, KnownSecretsAndShapesAreReplacedAndCounted) {
  const Redactor redactor({"abc", "hunter2-hunter2"});
  int64_t count = 0;
  EXPECT_EQ(redactor.Apply("abc hunter2-hunter2", count), "abc [redacted:secret]") << "three letters are no secret";
  EXPECT_EQ(count, 1);
  EXPECT_EQ(redactor.Apply("AKIAIOSFODNN7EXAMPLE sk-aaaaaaaaaaaaaaaaaaaaaaaa ghp_" + std::string(36, 'a'), count),
            "[redacted:aws_key] [redacted:api_key] [redacted:github_token]");
  EXPECT_EQ(redactor.Apply("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest", count),
            "[redacted:pem]\nrest");
  EXPECT_EQ(redactor.Apply("postgres://user:pass@host/db", count), "postgres://[redacted:url_credentials]@host/db");
  const std::string plain = "const url = `https://${host}:80/`; a@b.c; task-skip-aaaaaaaaaaaaaaaaaaaaaaaaa";
  EXPECT_EQ(redactor.Apply(plain, count), plain);
  const std::string once = redactor.Apply("x://u:p@h hunter2-hunter2", count);
  const int64_t before = count;
  EXPECT_EQ(redactor.Apply(once, count), once);
  EXPECT_EQ(count, before);
}

class ContextTest : public ::testing::Test {
 protected:
  const std::string templates_ = std::string(WFE_SOURCE_DIR) + "/workflows/audited_build/templates";
  const std::map<std::string, std::string> values_ = {{"package_name", "sum"},
                                                      {"task", "Add {{two}} numbers.\n## STRICT CONSTRAINTS\n"},
                                                      {"checks", "tsc"},
                                                      {"package_specifics", "None."}};
};

TEST_F(ContextTest, ShippedTemplateRendersWithAllSections) {  // AC-5, RC-4
  const auto source = prompts::LoadContextTemplate(templates_, "typescript-package", 0);
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_EQ(source->version, 1);
  const auto rendered = prompts::RenderContext(*source, values_);
  ASSERT_TRUE(rendered.has_value()) << rendered.error().message;
  EXPECT_THAT(rendered->text, HasSubstr("Add {{two}} numbers."));
  EXPECT_EQ(rendered->section_hashes.size(), 4u);
  auto other = values_;
  other["task"] = "Something else.";
  const auto changed = prompts::RenderContext(*source, other);
  for (const auto& [section, hash] : rendered->section_hashes) {
    EXPECT_EQ(changed->section_hashes.at(section) == hash, section != "Implementation Prompt") << section;
  }
}

TEST_F(ContextTest, PlaceholdersAreStrict) {
  const auto source = prompts::LoadContextTemplate(templates_, "typescript-package", 1);
  auto values = values_;
  values.erase("task");
  EXPECT_THAT(prompts::RenderContext(*source, values).error().message, HasSubstr("{{task}}"));
  values = values_;
  values["unused"] = "x";
  EXPECT_THAT(prompts::RenderContext(*source, values).error().message, HasSubstr("{{unused}}"));
  prompts::ContextTemplate broken = *source;
  broken.text += "{{ spaced }}";
  EXPECT_FALSE(prompts::RenderContext(broken, values_).has_value());
  broken.text = "## STRICT CONSTRAINTS\n";
  EXPECT_THAT(prompts::RenderContext(broken, {}).error().message, HasSubstr("Implementation Prompt"));
  EXPECT_EQ(prompts::LoadContextTemplate(templates_, "typescript-package", 99).error().code, StatusCode::kNotFound);
  EXPECT_FALSE(prompts::LoadContextTemplate(templates_, "../templates", 1).has_value());
}

TEST_F(ContextTest, ActivityWritesStoresAndHashesTheSameBytesAndLeavesTheUsersNotesAlone) {  // RW-D3
  const TempDir dir;
  WriteAll(dir / "GEMINI.md", "Our house rule: tabs.\n");
  GeminiConfig config;
  config.templates_dir = templates_;
  const auto blobs = std::make_shared<MemoryBlobs>();
  config.blob_sink = blobs;
  sdk::ActivityRegistry registry;
  RegisterGeminiActivities(registry, config);
  TestContext context;
  PrepareContextInput input{.working_dir = dir.path(), .template_id = "typescript-package", .values = values_};
  for (const char* name : {".wfe/context.md", "GEMINI.md"}) {  // the second is what older inputs say
    input.file_name = name;
    const auto result = CallActivity(registry, kPrepareContext, context, input);
    ASSERT_TRUE(result.has_value()) << result.failure()->message;
    EXPECT_EQ(result.value().path, ".wfe/context.md");
    const std::string file = ReadAll(dir / ".wfe/context.md");
    EXPECT_EQ(result.value().context_file_hash, ToHex(Sha256(file)));
    EXPECT_EQ(blobs->Get(result.value().context_file_hash).value(), file);
    EXPECT_TRUE(result.value().stored);
    EXPECT_GT(result.value().context_token_count, 400);
    EXPECT_THAT(file, HasSubstr("## Notes of the project (GEMINI.md)\n\nOur house rule: tabs.\n"));
    EXPECT_EQ(ReadAll(dir / "GEMINI.md"), "Our house rule: tabs.\n");
  }
  input.file_name = "../GEMINI.md";
  EXPECT_EQ(CallActivity(registry, kPrepareContext, context, input).failure()->type, "INVALID_INPUT");
  WriteAll(dir / "AGENTS.md", std::string(100'000, 'x'));
  input.file_name = ".wfe/context.md";
  EXPECT_THAT(CallActivity(registry, kPrepareContext, context, input).failure()->message, HasSubstr("AGENTS.md"));
}

TEST(GeminiCassette, LinesAreCheckedWhenItIsOpened) {
  const TempDir dir;
  const std::string meta = R"({"origin":"hand-written","model":"m","date":"2026-11-21","sentence":"s"})";
  const std::string line = R"({"step_name":"a","turn":1,"response":[{"candidates":[{"finishReason":"STOP"}]}]})";
  WriteAll(dir / "c.jsonl", line + "\n" + line + "\n");
  EXPECT_EQ(OpenCassette(dir / "c.jsonl").error().code, StatusCode::kNotFound) << "no meta file";
  WriteAll(dir / "c.meta.json", meta);
  EXPECT_THAT(OpenCassette(dir / "c.jsonl").error().message, HasSubstr("c.jsonl:2: step a has two lines for turn 1"));
  WriteAll(dir / "c.jsonl", "{}\n");
  EXPECT_THAT(OpenCassette(dir / "c.jsonl").error().message, HasSubstr("c.jsonl:1:"));
}

TEST(GeminiCassette, StrictMatchingIgnoresDatesPathsAndListings) {
  const auto hash = [](const std::string& text) {
    const json request = {{"contents", {{{"text", text}}}}};
    return StableRequestHash({.step_name = "s", .turn = 1, .model = "m", .request = request});
  };
  EXPECT_EQ(hash("on 2026-11-21 in /home/a/b <files>\na\n</files>"),
            hash("on 2025-01-02 in /srv/x <files>\nb\nc\n</files>"));
  EXPECT_NE(hash("do this"), hash("do that"));
}

TEST(GeminiCli, SuccessfulRunReportsTextActionsAndTokens) {
  const ModelOutcome outcome = ParseGeminiCliRun(0, Sample("gemini-cli-stream-json.jsonl"), "");
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  const auto report = outcome.response().get<ProgramReport>();
  EXPECT_EQ(report.text, "Created src/sum.ts.");
  ASSERT_EQ(report.actions.size(), 1u);
  EXPECT_EQ(report.actions[0].path, "src/sum.ts");
  EXPECT_EQ(report.actions[0].status, "ok");
  EXPECT_EQ(report.prompt_tokens, 3200);
  EXPECT_EQ(report.output_tokens, 48);
  EXPECT_EQ(report.thoughts_tokens, 25);
  EXPECT_EQ(report.cached_tokens, 1024);
}

TEST(GeminiCli, ExitCodesAndErrorLinesAreClassified) {
  const ModelOutcome bad_key = ParseGeminiCliRun(144, Sample("gemini-cli-stream-json-error.jsonl"), "");
  ASSERT_FALSE(bad_key.ok());
  EXPECT_EQ(bad_key.error().kind, ModelErrorKind::kPermanent);
  EXPECT_THAT(bad_key.error().message, HasSubstr("API_KEY_INVALID"));
  const ModelOutcome daily = ParseGeminiCliRun(173, "", Sample("gemini-cli-stderr-429-daily.txt"));
  EXPECT_TRUE(daily.error().daily_quota);
  EXPECT_EQ(daily.error().kind, ModelErrorKind::kRetryable);
  EXPECT_THAT(daily.error().message, HasSubstr("day's quota"));
  EXPECT_EQ(ParseGeminiCliRun(247, "", "").error().kind, ModelErrorKind::kRetryable);
  EXPECT_EQ(ParseGeminiCliRun(53, "", "").error().kind, ModelErrorKind::kPermanent);
  EXPECT_THAT(ParseGeminiCliRun(55, "", "").error().message, HasSubstr("trust"));
  const ModelOutcome cut = ParseGeminiCliRun(0, "{\"type\":\"init\",\"model\":\"m\"}\n", "");
  EXPECT_EQ(cut.error().kind, ModelErrorKind::kRetryable) << "exit 0 is no proof of success";
}

}  // namespace
}  // namespace wfe::agent
