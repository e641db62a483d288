// The small parts of the agent activity: counting, prices, redaction, templates, cassettes, the command line's output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

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
  EXPECT_EQ(CostOf(*pro, {.prompt = 200'000, .cached = 0, .output = 1000})->ToString(), "0.26");
  EXPECT_EQ(CostOf(*pro, {.prompt = 200'001, .cached = 0, .output = 1000})->ToString(), "0.5150025");
  EXPECT_EQ(CostOf(*pro, {.prompt = 100'000, .cached = 40'000, .output = 0})->ToString(), "0.08");
}

TEST(GeminiPrices, PriceFollowsTheDayAndUnknownMeansAbsent) {
  const PriceTable& table = PriceTable::BuiltIn();
  EXPECT_EQ(table.Find("gemini-3.8-flash", "2026-12-31")->rates.input.ToString(), "0.75");
  EXPECT_EQ(table.Find("gemini-3.8-flash", "2027-01-01")->rates.input.ToString(), "1.50");
  EXPECT_EQ(table.Find("gemini-3.8-flash", "2020-01-01"), nullptr);
  EXPECT_EQ(table.Find("some-other-model", "2026-11-21"), nullptr);
  const ModelPrice* no_cached_price = table.Find("gemini-3.5-flash", "2026-11-21");
  EXPECT_TRUE(CostOf(*no_cached_price, {.prompt = 10, .cached = 0, .output = 1}).has_value());
  EXPECT_FALSE(CostOf(*no_cached_price, {.prompt = 10, .cached = 5, .output = 1}).has_value());
  EXPECT_FALSE(PriceTable::Parse(R"({"prices":[{"model":"m"}]})").has_value());
}

TEST(GeminiPrices, LocalModelsHaveANominalPriceAndTheLongestNameCounts) {  // RC-12
  const ModelPrice* const local = PriceTable::BuiltIn().Find("local/llama-3", "2026-11-21");
  ASSERT_NE(local, nullptr);
  EXPECT_EQ(CostOf(*local, {.prompt = 500, .cached = 0, .output = 500})->ToString(), "0.0001");
  const auto table = PriceTable::Parse(
      R"({"prices":[{"model":"a/*","valid_from":"2026-01-01","input":1,"output":1},
                    {"model":"a/b*","valid_from":"2026-01-01","input":2,"output":2},
                    {"model":"a/b1","valid_from":"2026-01-01","input":3,"output":"3.5"},
                    {"model":"a/b1","valid_from":"2026-02-01","input":4,"output":4}]})");
  ASSERT_TRUE(table.has_value()) << table.error().message;
  const auto input = [&](const char* model, const char* day) { return table->Find(model, day)->rates.input.usd(); };
  EXPECT_EQ(input("a/x", "2026-03-01"), 1);
  EXPECT_EQ(input("a/b2", "2026-03-01"), 2);
  EXPECT_EQ(input("a/b1", "2026-01-31"), 3);
  EXPECT_EQ(input("a/b1", "2026-02-01"), 4);
}

TEST(GeminiPrices, WhatIsNoPriceIsNamedAndWhatDoesNotFitHasNoCost) {  // RC-12
  const auto parse = [](const std::string& row) { return PriceTable::Parse("{\"prices\":[" + row + "]}"); };
  const std::string good = R"({"model":"m","valid_from":"2026-01-01","input":1,"output":2})";
  ASSERT_TRUE(parse(good).has_value());
  EXPECT_THAT(parse(good + "," + good).error().message, HasSubstr("m has two prices from 2026-01-01"));
  for (const char* bad :
       {R"({"model":"m","valid_from":"2026-13-01","input":1,"output":2})",
        R"({"model":"m","valid_from":"2026-01-01","input":-1,"output":2})",
        R"({"model":"*m","valid_from":"2026-01-01","input":1,"output":2})",
        R"({"model":"m","valid_from":"2026-01-01","input":"cheap","output":2})",
        R"({"model":"m","valid_from":"2026-01-01","input":1,"output":2,"above":{"input":1,"output":1}})"}) {
    EXPECT_FALSE(parse(bad).has_value()) << bad;
  }
  const ModelPrice price = parse(good)->prices()[0];
  EXPECT_EQ(CostOf(price, {.prompt = int64_t{1} << 62, .cached = 0, .output = 0}), std::nullopt);
  EXPECT_EQ(CostOf(price, {.prompt = -1, .cached = 0, .output = 0}), std::nullopt);
  EXPECT_EQ(CostOf(price, {.prompt = 1, .cached = 2, .output = 0}), std::nullopt);
}

TEST(GeminiPrices, TheMostThatACallCanCostIsNeverLessThanWhatItCosts) {  // QF-2
  std::mt19937_64 random(11);
  const auto below = [&random](int64_t most) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(most + 1));
  };
  for (int i = 0; i < 5000; ++i) {
    ModelPrice price{.model = "m", .valid_from = "2026-01-01"};
    const auto rates = [&] {
      return Rates{.input = Money::Nanos(below(5'000'000'000)),
                   .output = Money::Nanos(below(20'000'000'000)),
                   .cached_input = Money::Nanos(below(6'000'000'000))};
    };
    price.rates = rates();
    if (below(1) == 1) {
      price.above = rates();
      price.threshold_tokens = 1 + below(300'000);
    }
    const int64_t prompt_bound = below(400'000), output_bound = 1 + below(70'000);
    const TokenUse use{.prompt = below(prompt_bound), .cached = 0, .output = below(output_bound)};
    const TokenUse cached{.prompt = use.prompt, .cached = below(use.prompt), .output = use.output};
    const Money most = MostOf(price, prompt_bound, output_bound).value();
    ASSERT_LE(CostOf(price, use)->nanos(), most.nanos());
    ASSERT_LE(CostOf(price, cached)->nanos(), most.nanos());
  }
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

TEST_F(ContextTest, VersionOfARunThatNamesNoneIsDrawnWithItsArm) {  // AB-10
  const TempDir dir;
  GeminiConfig config;
  config.templates_dir = templates_;
  std::string asked_for;
  config.choose_template = [&](const std::string& template_id, const std::string& run_id) {
    asked_for = template_id + " " + run_id;
    return Result<GeminiConfig::TemplateChoice>({.version = 1, .experiment_arm = "e/variant"});
  };
  sdk::ActivityRegistry registry;
  RegisterGeminiActivities(registry, config);
  TestContext context;
  PrepareContextInput input{.working_dir = dir.path(), .template_id = "typescript-package", .values = values_};
  auto result = CallActivity(registry, kPrepareContext, context, input);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(result.value().experiment_arm, "e/variant");
  EXPECT_EQ(result.value().template_version, 1);
  EXPECT_EQ(asked_for, "typescript-package " + context.info().run_id);

  asked_for.clear();
  input.template_version = 1;
  result = CallActivity(registry, kPrepareContext, context, input);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value().experiment_arm, "") << "a person named the version";
  EXPECT_EQ(asked_for, "");

  // Who cannot be asked is asked again; a template that only this machine has is used as it is.
  input.template_version = 0;
  config.choose_template = [](const std::string&, const std::string&) -> Result<GeminiConfig::TemplateChoice> {
    return Unavailable("the records service does not answer");
  };
  sdk::ActivityRegistry away;
  RegisterGeminiActivities(away, config);
  const auto failed = CallActivity(away, kPrepareContext, context, input);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.failure()->type, "UNAVAILABLE");
  EXPECT_FALSE(failed.failure()->non_retryable);
  config.choose_template = [](const std::string&, const std::string&) -> Result<GeminiConfig::TemplateChoice> {
    return NotFound("no such template");
  };
  sdk::ActivityRegistry unknown;
  RegisterGeminiActivities(unknown, config);
  EXPECT_TRUE(CallActivity(unknown, kPrepareContext, context, input).has_value());
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
