// What is served over HTTP, beside its own description and beside the stored records (HT-1 to HT-3, RP-5 to RP-8,
// RP-12).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "activities/analytics/audits/json_schema.h"
#include "engine/base/time.h"
#include "engine/local/local_engine.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tests/support/http_talk.h"
#include "tools/site/start_site.h"
#include "workers/client/blocking_call.h"
#include "workers/client/records_client.h"
#include "workers/embedded/direct_client.h"

namespace wfe::site {
namespace {

namespace ws = temporal::api::workflowservice::v1;
using nlohmann::json;
using test::AskHttp;
using test::GetHttp;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kToken = "open sesame";

class ServedSite : public ::testing::Test {
 protected:
  ServedSite() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wfe-site-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    engine_ = *local::LocalEngine::Open({.data_dir = directory_ + "/data", .log = &NoLog()});
    client_ = std::make_unique<embedded::DirectClient>(embedded::WayInto(*engine_));
    records_ = std::make_unique<client::RecordsClient>(*client_);
  }
  ~ServedSite() override {
    site_.reset();
    records_.reset();
    client_.reset();
    engine_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Serve(const std::string& token = kToken) {
    cli::SiteOptions options;
    options.config.http.listen = "127.0.0.1:0";
    options.config.http.token = token;
    auto site = StartSite(*engine_, options);
    ASSERT_TRUE(site.has_value()) << site.error().message;
    site_ = *std::move(site);
  }
  /// It stays open, since nobody works for its queue.
  std::string StartRun(const std::string& id, const std::string& type = "Waits") {
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(id);
    request.mutable_workflow_type()->set_name(type);
    request.mutable_task_queue()->set_name("nobody");
    request.set_request_id(id);
    const auto started = client::BlockingCall<ws::StartWorkflowExecutionResponse>(*client_, client::kWorkflowService,
                                                                                  "StartWorkflowExecution", request);
    EXPECT_TRUE(started.has_value()) << started.error().message;
    return started->run_id();
  }
  void PlantCall(const std::string& id, const std::string& started, double cost) {
    const json row = {{"call_id", id},      {"status", "done"},     {"started", started},  {"time", started},
                      {"model", "m<1>"},    {"workflow_type", "T"}, {"workflow_id", "w"},  {"input_tokens", 10},
                      {"output_tokens", 5}, {"cost_usd", cost},     {"step_name", "plan"}, {"workflow_run_id", id}};
    ASSERT_TRUE(records_->AppendRow("cost_ledger", started.substr(0, 10) + "/" + id + "/1", row.dump()).has_value());
  }
  void PlantArtifact(const std::string& id, const std::string& at) {
    const json row = {{"artifact_id", id}, {"artifact_type", "PATTERN"}, {"name", "<script>alert(1)</script>"},
                      {"created_at", at},  {"quality_score", 0.9},       {"tags", {"proven"}}};
    ASSERT_TRUE(records_->AppendRow("artifacts", at + "/" + id, row.dump()).has_value());
  }
  void PlantPattern(const std::string& signature) {
    const json pattern = {{"pattern_signature", signature}, {"occurrence_count", 7},
                          {"first_seen", "2026-01-01T00:00:00.000Z"}, {"last_seen", "2026-01-02T00:00:00.000Z"},
                          {"automation_status", "active"}, {"changed_at", "2026-01-02T00:00:00.000Z"},
                          {"tool_id", "<b>sorter</b>"}};
    ASSERT_TRUE(records_->PutRow("mutable_operation_patterns", signature, pattern.dump(), std::nullopt).has_value());
    const json saving = {{"saved_at", FormatIso8601Millis(SystemClock().Now())}, {"optimization_type", "tool_routing"},
                         {"tokens_saved", 400}, {"cost_saved_usd", 0.5}};
    ASSERT_TRUE(records_->AppendRow("cost_savings_log", "tool_routing/x", saving.dump()).has_value());
  }
  void PlantDecision(const std::string& run_id) {
    const json row = {{"run_id", run_id}, {"workflow_id", "<b>w</b>"}, {"decision", "deny"}, {"enforced", true},
                      {"decided_at", "2026-01-01T00:00:00.000Z"}, {"reason", "the quota is used up"}};
    ASSERT_TRUE(records_->AppendRow("quota_preflights", run_id, row.dump()).has_value());
  }
  void PlantReport(const std::string& id) {
    const auto blob = records_->Put(json{{"report_id", id}, {"summary", json::array()}}.dump());
    const json row = {{"report_id", id}, {"report", *blob}, {"headline", "a <b>bold</b> claim"}, {"runs", 3}};
    ASSERT_TRUE(records_->AppendRow("audit_reports", id, row.dump()).has_value());
  }

  json Get(const std::string& target) {
    const auto answer = GetHttp(site_->address(), target);
    EXPECT_EQ(answer.status, 200) << target << ": " << answer.body;
    return json::parse(answer.body, nullptr, false);
  }
  test::HttpTalk::Answer Post(const std::string& target, const std::string& body, const std::string& token = kToken) {
    return AskHttp(site_->address(),
                   "POST " + target +
                       " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n" +
                       (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") +
                       "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  /// What is wrong with an answer by the document's own schema for it.
  std::vector<std::string> ProblemsOf(const json& document, const std::string& path, const json& answer) {
    const json& content = document["paths"][path]["get"]["responses"]["200"]["content"];
    std::string text =
        json{{"$defs", document["components"]["schemas"]}, {"top", content["application/json"]["schema"]}}.dump();
    const std::string from = "#/components/schemas/";
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from))
      text.replace(at, from.size(), "#/$defs/");
    json schema = json::parse(text);
    json top = schema["top"];
    top["$defs"] = schema["$defs"];
    return analytics::SchemaProblems(answer, top);
  }

  std::string directory_;
  std::unique_ptr<local::LocalEngine> engine_;
  std::unique_ptr<client::ServiceClient> client_;
  std::unique_ptr<client::RecordsClient> records_;
  std::unique_ptr<cli::Site> site_;
};

TEST_F(ServedSite, AnswersEveryOperationAsItsDocumentSays) {
  Serve();
  StartRun("a/b c");
  PlantCall("c1", "2026-01-01T00:00:00.000Z", 0.25);
  PlantArtifact("a1", "2026-01-01T00:00:00.000Z");
  PlantReport("r1");
  const json document = Get("/api/openapi.json");
  int operations = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    if (!methods.contains("get") || path == "/metrics") continue;
    std::string target = path;
    if (path == "/api/runs/{workflow_id}") target = "/api/runs/a%2Fb%20c";
    if (path == "/api/reports/{report_id}") target = "/api/reports/r1";
    EXPECT_THAT(ProblemsOf(document, path, Get(target)), IsEmpty()) << path;
    ++operations;
  }
  EXPECT_GE(operations, 12);
}

TEST_F(ServedSite, EveryPageIsWholeAndHasNothingOfOthersAsMarkup) {
  Serve();
  StartRun("<script>alert(1)</script>", "T&\"'");
  PlantCall("c1", "2026-01-01T00:00:00.000Z", 0.25);
  PlantArtifact("a1", "2026-01-01T00:00:00.000Z");
  PlantReport("r1");
  for (const char* page :
       {"/", "/?hours=48", "/costs", "/quota", "/patterns", "/runs", "/runs?status=Running&type=T%26%22%27",
        "/runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/reports"}) {
    const auto answer = GetHttp(site_->address(), page);
    EXPECT_EQ(answer.status, 200) << page << answer.body;
    EXPECT_THAT(answer.headers.at("content-type"), HasSubstr("text/html")) << page;
    EXPECT_THAT(answer.headers.at("content-security-policy"),
                AllOf(HasSubstr("default-src 'none'"), HasSubstr("frame-ancestors 'none'")))
        << page;
    EXPECT_THAT(answer.body, AllOf(HasSubstr("</html>"), HasSubstr("href=\"/costs\""))) << page;
    EXPECT_THAT(answer.body, AllOf(Not(HasSubstr("<script>alert")), Not(HasSubstr("<b>bold")),
                                   Not(HasSubstr("src=\"http")), Not(HasSubstr("url("))))
        << page;
  }
  const auto missing = GetHttp(site_->address(), "/runs/nobody");
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, HasSubstr("Not here"));
}

TEST_F(ServedSite, ListsRunsPageByPageEachOnce) {
  Serve();
  std::set<std::string> started;
  for (int i = 0; i < 25; ++i) started.insert(StartRun("run-" + std::to_string(i), i % 2 == 0 ? "Even" : "Odd's"));
  std::set<std::string> listed;
  std::string token;
  for (int page = 0; page < 4; ++page) {
    const json runs = Get("/api/runs?limit=7" + (token.empty() ? "" : "&page_token=" + token));
    for (const json& run : runs["runs"]) EXPECT_TRUE(listed.insert(run["run_id"]).second);
    token = runs.value("next_page_token", "");
  }
  EXPECT_EQ(listed, started);
  EXPECT_EQ(Get("/api/runs?type=Odd%27s")["runs"].size(), 12u);
  EXPECT_EQ(Get("/api/runs?status=Completed")["runs"].size(), 0u);
  EXPECT_EQ(Get("/api/runs?workflow_id=run-7")["runs"].size(), 1u);
  for (const char* none : {"zz", "00", "abcdef"}) {
    EXPECT_EQ(GetHttp(site_->address(), std::string("/api/runs?page_token=") + none).status, 404) << none;
  }
}

TEST_F(ServedSite, CountsCostsAsTheLedgerHasThem) {  // RP-6, RP-12
  const std::string today = FormatIso8601Millis(SystemClock().Now());
  PlantCall("c1", "2026-01-01T00:00:00.000Z", 0.25);
  PlantCall("c2", "2026-01-02T00:00:00.000Z", 0.5);
  PlantCall("c3", today, 1);
  Serve();
  const json all = Get("/api/costs");
  EXPECT_EQ(all["total"]["cost_usd"], 1.75);
  EXPECT_EQ(all["total"]["calls"], 3);
  EXPECT_EQ(all["today"]["cost_usd"], 1.0);
  EXPECT_EQ(all["groups"][0]["name"], "m<1>");
  EXPECT_EQ(Get("/api/costs?by=day&since=2026-01-02")["groups"].size(), 2u);
  EXPECT_EQ(Get("/api/costs?since=2026-01-02")["total"]["cost_usd"], 1.5);
  EXPECT_EQ(Get("/api/dashboard")["costs"]["total"]["cost_usd"], 1.75);
  EXPECT_EQ(Get("/api/quota/forecast")["used"], 15);
}

TEST_F(ServedSite, ShowsPatternsSavingsAndDecisionsAsTheyAreStored) {  // RP-7, RP-8, RP-12
  PlantPattern("lint:imports:python");
  PlantDecision("r1");
  Serve();
  const json patterns = Get("/api/patterns")["report"];
  EXPECT_EQ(patterns["by_status"]["active"], 1);
  EXPECT_EQ(patterns["patterns"][0]["occurrence_count"], 7);
  EXPECT_EQ(patterns["growth"].size(), 13u);
  EXPECT_EQ(patterns["roi"][0]["pattern_signature"], "lint:imports:python");
  const json savings = Get("/api/savings");
  EXPECT_EQ(savings["saved_7_days"][0]["optimization_type"], "tool_routing");
  EXPECT_EQ(savings["saved_30_days"]["tokens_saved"], 400);
  EXPECT_EQ(savings["cache"]["entries"], 0);
  const json decisions = Get("/api/quota/forecast")["decisions"];
  EXPECT_EQ(decisions["by_decision"]["deny"], 1);
  EXPECT_EQ(decisions["newest"][0]["run_id"], "r1");
  EXPECT_THAT(GetHttp(site_->address(), "/patterns").body,
              AllOf(HasSubstr("lint:imports:python"), HasSubstr("tool_routing"), Not(HasSubstr("<b>sorter"))));
  EXPECT_THAT(GetHttp(site_->address(), "/quota").body,
              AllOf(HasSubstr("the quota is used up"), Not(HasSubstr("<b>w"))));
}

TEST_F(ServedSite, TellsPeopleInAPageThatAParameterIsWrong) {
  Serve();
  const test::HttpTalk::Answer answer = GetHttp(site_->address(), "/?hours=0");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("This did not work"));
  EXPECT_THAT(answer.body, HasSubstr("hours"));
}

TEST_F(ServedSite, ChangesRunsWithTheTokenOnly) {  // HT-3
  Serve();
  const json document = Get("/api/openapi.json");
  StartRun("a");
  EXPECT_EQ(Post("/api/runs/a/cancel", "{}", "").status, 401);
  EXPECT_EQ(Post("/api/runs/a/cancel", "{}", "wrong").status, 401);
  EXPECT_EQ(Get("/api/runs/a")["history"]["by_type"].count("WorkflowExecutionCancelRequested"), 0u);
  EXPECT_EQ(Post("/api/runs/a/signal", R"({"name":"hello","input":{"n":1}})").status, 202);
  EXPECT_EQ(Post("/api/runs/a/cancel", R"({"reason":"enough"})").status, 202);
  EXPECT_EQ(Get("/api/runs/a")["history"]["by_type"]["WorkflowExecutionSignaled"], 1);
  EXPECT_EQ(Post("/api/runs/a/terminate", "").status, 202);
  EXPECT_EQ(Get("/api/runs/a")["status"], "Terminated");
  for (const char* change : {"cancel", "terminate", "signal"}) {
    const std::string body = std::string(change) == "signal" ? R"({"name":"x"})" : "{}";
    const auto ended = Post("/api/runs/a/" + std::string(change), body);
    EXPECT_EQ(ended.status, 409) << change << ended.body;
    EXPECT_EQ(json::parse(ended.body)["error"], "conflict") << change;
    EXPECT_THAT(ended.body, HasSubstr("a has ended already (Terminated, run ")) << change;
    EXPECT_EQ(Post("/api/runs/nobody/" + std::string(change), body).status, 404) << change;
    const std::string path = "/api/runs/{workflow_id}/" + std::string(change);
    EXPECT_TRUE(document["paths"][path]["post"]["responses"].contains("409")) << change;
  }
  EXPECT_EQ(Post("/api/runs/a/signal", R"({"input":1})").status, 400);
  const auto forecast = Post("/api/quota/forecast", "{}");
  EXPECT_EQ(forecast.status, 202);
  EXPECT_EQ(Get("/api/runs?type=QuotaForecastWorkflow")["runs"].size(), 1u);
}

TEST_F(ServedSite, WithoutATokenIsReadOnlyAndSaysWhy) {
  Serve("");
  StartRun("a");
  const auto refused = Post("/api/runs/a/terminate", "{}", "anything");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("http.token"));
  EXPECT_EQ(Get("/api/runs/a")["status"], "Running");
}

TEST_F(ServedSite, ServesWhatTheEngineAndItselfHaveCountedAsOneText) {
  Serve();
  StartRun("a");
  Get("/health");
  const auto metrics = GetHttp(site_->address(), "/metrics");
  EXPECT_THAT(metrics.headers.at("content-type"), HasSubstr("application/openmetrics-text"));
  EXPECT_THAT(metrics.body, AllOf(HasSubstr("wfe_http_answers_total{status=\"2xx\"}"), ::testing::EndsWith("# EOF\n")));
  EXPECT_EQ(metrics.body.find("# EOF"), metrics.body.size() - 6);
}

TEST_F(ServedSite, ServesAReportThatIsStoredAndNoOther) {
  Serve();
  PlantReport("r1");
  EXPECT_EQ(Get("/api/reports")["reports"][0]["report_id"], "r1");
  EXPECT_EQ(Get("/api/reports/r1")["report_id"], "r1");
  EXPECT_EQ(GetHttp(site_->address(), "/api/reports/r2").status, 404);
  EXPECT_EQ(GetHttp(site_->address(), "/api/reports/..%2F..%2Fetc%2Fpasswd").status, 404);
}

}  // namespace
}  // namespace wfe::site
