// report.html: well-formed, self-contained, and what it says (RP-1 to RP-4).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <pugixml.hpp>
#include <regex>
#include <set>

#include "activities/analytics/reports/reports.h"
#include "engine/base/hash.h"
#include "tests/activities/analytics/example_report.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string Html(const json& report) {
  Result<std::string> html = RenderHtml(report);
  EXPECT_TRUE(html.has_value()) << (html ? "" : html.error().message);
  return html ? *std::move(html) : "";
}

pugi::xml_document Parse(const std::string& html) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_string(
      html.c_str(), pugi::parse_default | pugi::parse_cdata | pugi::parse_doctype | pugi::parse_ws_pcdata);
  EXPECT_TRUE(parsed) << parsed.description() << " near: " << html.substr(static_cast<size_t>(parsed.offset), 120);
  return document;
}

std::string TextOf(const pugi::xml_node& node) {
  std::string text;
  struct Walker : pugi::xml_tree_walker {
    std::string* out = nullptr;
    bool for_each(pugi::xml_node& at) override {
      if (at.type() == pugi::node_pcdata) *out += at.value();
      return true;
    }
  } walker;
  walker.out = &text;
  pugi::xml_node(node).traverse(walker);
  return text;
}

std::string TextAt(const pugi::xml_document& document, const char* path) {
  return TextOf(document.select_node(path).node());
}

std::string StyleAndScript(const pugi::xml_document& document) {
  std::string text;
  for (const pugi::xpath_node& node : document.select_nodes("//style | //script")) {
    for (const pugi::xml_node& child : node.node().children()) text += child.value();
  }
  EXPECT_GT(text.size(), 10'000U);
  return text;
}

std::string Error(const json& report) {
  const Result<std::string> html = RenderHtml(report);
  return html ? "no error" : html.error().message;
}

class ReportHtmlOf : public testing::TestWithParam<json (*)()> {};
INSTANTIATE_TEST_SUITE_P(Reports, ReportHtmlOf, testing::Values(&ExampleReport, &AuditedReport, &SmallestReport));

TEST_P(ReportHtmlOf, IsWellFormedAndLoadsNothing) {
  const std::string html = Html(GetParam()());
  const pugi::xml_document document = Parse(html);
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  EXPECT_LT(html.size(), 300'000U);
  for (const char* element : {"link", "img", "iframe", "object", "embed", "base"}) {
    EXPECT_FALSE(document.select_node(("//" + std::string(element)).c_str())) << element;
  }
  EXPECT_FALSE(document.select_node("//*[@src or @srcset or @onclick or @onload]"));
  // Styles and scripts fetch nothing either.
  EXPECT_FALSE(
      std::regex_search(StyleAndScript(document), std::regex(R"(https?:|url\(|@import|fetch\(|XMLHttpRequest)")));
}

TEST_P(ReportHtmlOf, EveryLinkLeadsToAnElementAndNoIdIsUsedTwice) {
  const pugi::xml_document document = Parse(Html(GetParam()()));
  std::set<std::string> ids;
  for (const pugi::xpath_node& node : document.select_nodes("//*[@id]")) {
    const std::string id = node.node().attribute("id").value();
    EXPECT_TRUE(ids.insert(id).second) << id << " twice";
  }
  for (const pugi::xpath_node& node : document.select_nodes("//a")) {
    const std::string href = node.node().attribute("href").value();
    ASSERT_TRUE(href.starts_with("#")) << href;
    EXPECT_TRUE(ids.contains(href.substr(1))) << href;
  }
}

TEST(ReportHtml, FindingsComeFirstAndSignificantOnesBeforeTheOthers) {
  json report = ExampleReport();
  report["findings"][0]["significant"] = false;
  const pugi::xml_document document = Parse(Html(report));
  std::vector<std::string> sections;
  for (const pugi::xpath_node& node : document.select_nodes("//main/section")) {
    sections.emplace_back(node.node().attribute("id").value());
  }
  EXPECT_THAT(sections, testing::ElementsAre("summary", "findings", "audit-token_5fefficiency",
                                             "audit-constraint_5feffectiveness", "audit-prompt_5frefinement",
                                             "audit-context_5fvolatility", "trend", "appendix"));
  std::vector<std::string> findings;
  for (const pugi::xpath_node& node : document.select_nodes("//article[contains(@class,'finding')]")) {
    findings.emplace_back(node.node().attribute("id").value());
  }
  EXPECT_THAT(findings, testing::ElementsAre("finding-F2", "finding-F3", "finding-F1", "finding-F4"));
}

TEST(ReportHtml, AFindingShowsItsEvidenceItsSavingAndItsProposal) {
  const pugi::xml_document document = Parse(Html(ExampleReport()));
  const std::string text = TextAt(document, "//article[@id='finding-F2']");
  EXPECT_THAT(text, HasSubstr("+10,150 tokens worse"));
  EXPECT_THAT(text, HasSubstr("+7,120 to +13,180"));
  EXPECT_THAT(text, HasSubstr("<0.001"));
  EXPECT_THAT(text, HasSubstr("314,650 tokens, $0.5349"));
  EXPECT_THAT(text, HasSubstr("STRICT CONSTRAINTS"));
  EXPECT_THAT(text, HasSubstr("audit_trace.jsonl:"));
  EXPECT_THAT(text, HasSubstr("wfe prompts activate typescript-package 4"));
  EXPECT_TRUE(document.select_node("//article[@id='finding-F2']//svg[contains(@class,'interval')]"));
  EXPECT_EQ(document.select_nodes("//article[@id='finding-F2']//span[@class='add']").size(), 4U);
  EXPECT_EQ(document.select_nodes("//article[@id='finding-F2']//span[@class='del']").size(), 1U);
  EXPECT_FALSE(document.select_node("//article[@id='finding-F1']//details")) << "F1 proposes nothing";
}

TEST(ReportHtml, RunsItsOwnScriptsAndNothingElse) {  // SEC-M4
  const std::string html = Html(ExampleReport());
  const pugi::xml_document document = Parse(html);
  const std::string policy =
      document.select_node("//meta[@http-equiv='Content-Security-Policy']").node().attribute("content").value();
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("script-src 'unsafe-inline'")));
  // Each script's hash is of the bytes between its tags.
  size_t scripts = 0;
  for (size_t at = html.find("<script>"); at != std::string::npos; at = html.find("<script>", at + 1)) {
    const size_t begin = at + 8;
    const std::string body = html.substr(begin, html.find("</script>", begin) - begin);
    const Sha256Digest digest = Sha256(body);
    std::string encoded(4 * ((digest.size() + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()), digest.data(), static_cast<int>(digest.size()));
    EXPECT_THAT(policy, HasSubstr("'sha256-" + encoded + "'"));
    ++scripts;
  }
  EXPECT_EQ(scripts, 2U);
}

TEST(ReportHtml, AFindingThatIsNotSignificantClaimsNoDirection) {  // OP-14
  json report = ExampleReport();
  report["findings"][1]["significant"] = false;
  const pugi::xml_document document = Parse(Html(report));
  const std::string text = TextAt(document, "//article[@id='finding-F2']");
  EXPECT_THAT(text, HasSubstr("+10,150 tokens"));
  EXPECT_THAT(text, HasSubstr("Not significant"));
  EXPECT_THAT(text, Not(HasSubstr("worse")));
  EXPECT_FALSE(document.select_node("//article[@id='finding-F2']//*[contains(@class,'bad')]"));
}

TEST(ReportHtml, ChangesOfTheSummarySayInWordsWhetherTheyAreGood) {
  const pugi::xml_document document = Parse(Html(ExampleReport()));
  const auto card = [&](const std::string& label) {
    return document.select_node(("//dl[starts-with(@class,'cards')]/div[dt='" + label + "']").c_str()).node();
  };
  EXPECT_STREQ(card("First-pass success rate").attribute("class").value(), "card good");
  EXPECT_THAT(TextOf(card("First-pass success rate")), HasSubstr("+7.0\u00A0pts better"));
  EXPECT_STREQ(card("Tokens per successful build").attribute("class").value(), "card good");
  EXPECT_THAT(TextOf(card("Tokens per successful build")), HasSubstr("−12.3% better"));
  EXPECT_THAT(TextOf(card("Cost per successful build")), HasSubstr("+2.9% worse"));
  EXPECT_STREQ(card("Builds").attribute("class").value(), "card");
}

TEST(ReportHtml, ChartsAreDrawnForWideAndNarrowScreensWithTitlesAndDescriptions) {
  const pugi::xml_document document = Parse(Html(ExampleReport()));
  EXPECT_GE(document.select_nodes("//figure").size(), 7U);
  for (const pugi::xpath_node& figure : document.select_nodes("//figure")) {
    EXPECT_EQ(figure.node().select_nodes("svg").size(), 2U);
  }
  for (const pugi::xpath_node& svg : document.select_nodes("//svg")) {
    EXPECT_STRNE(svg.node().child("title").text().get(), "");
    EXPECT_STRNE(svg.node().child("desc").text().get(), "");
    EXPECT_FALSE(std::regex_search(TextOf(svg.node()), std::regex("nan|inf")));
  }
  EXPECT_EQ(document.select_nodes("//ol[@class='steps']/li").size(), 4U) << "the steps of the timeline in words";
  EXPECT_FALSE(document.select_node("//th[not(@scope)]"));
}

TEST(ReportHtml, TextFromTracesIsNeverMarkup) {
  const std::string attack = "<script>alert(\"x\")</script><img src=x onerror='y'>&lt;]]>";
  json report = ExampleReport();
  report["findings"][0]["title"] = attack;
  report["findings"][0]["statement"] = attack;
  report["findings"][1]["proposal"]["diff"] = "+" + attack + "\n-" + attack + "\n";
  report["findings"][0]["examples"][0]["run_id"] = attack;
  report["findings"][0]["rule_key"] = attack;
  report["audits"][0]["kind"] = attack;
  report["audits"][0]["tables"][0]["rows"][0]["fixing"] = attack;
  report["audits"][0]["tables"][0]["rows"][0]["runs"] = json::array({attack});
  report["audits"][0]["charts"][0]["series"][0]["points"][0]["x"] = attack;
  report["audits"][3]["charts"][0]["series"][0]["points"][0]["note"] = attack;
  report["appendix"]["runs"][0]["run_id"] = attack;
  report["appendix"]["thresholds"][attack] = attack;
  report["header"]["note"] = attack;
  report["header"]["problems"]["listed"][0]["message"] = attack;
  report["report_id"] = attack;
  const std::string html = Html(report);
  const pugi::xml_document document = Parse(html);
  EXPECT_EQ(document.select_nodes("//script").size(), 2U) << "only our own";
  EXPECT_FALSE(document.select_node("//img"));
  EXPECT_FALSE(document.select_node("//*[@onerror]"));
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_EQ(TextAt(document, "//article[@id='finding-F1']/h3"), attack);
}

TEST(ReportHtml, WhatIsAbsentIsLeftOut) {
  const pugi::xml_document document = Parse(Html(SmallestReport()));
  EXPECT_THAT(TextAt(document, "//h1"), HasSubstr("all time"));
  EXPECT_FALSE(document.select_node("//section[@id='trend']"));
  EXPECT_FALSE(document.select_node("//svg"));
  EXPECT_THAT(TextAt(document, "//main"), Not(HasSubstr("$")));

  json report = ExampleReport();
  for (json& finding : report["findings"]) {
    finding = {{"id", finding["id"]}, {"title", finding["title"]}, {"something new", {1, 2, 3}}};
  }
  for (json& audit : report["audits"]) {
    for (json& table : audit["tables"]) {
      for (json& row : table["rows"]) row = json::object();
    }
  }
  report["appendix"]["runs"] = json::array({{{"run_id", "r"}}});
  Parse(Html(report));
}

TEST(ReportHtml, MoneyIsAbsentAndTheHeadingSaysSoWhenNoModelWasCalled) {
  json report = ExampleReport();
  report["scripted_only"] = true;
  report["summary"].erase(5);
  for (json& finding : report["findings"]) {
    if (finding.contains("saving")) finding["saving"].erase("usd");
  }
  for (json& run : report["appendix"]["runs"]) run.erase("cost_usd");
  const pugi::xml_document document = Parse(Html(report));
  EXPECT_THAT(TextAt(document, "//h1"), HasSubstr("no model was called"));
  EXPECT_THAT(TextAt(document, "//main"), Not(HasSubstr("$")));
}

TEST(ReportHtml, InsufficientDataIsSaidCalmlyOnTop) {  // OP-5
  json report = ExampleReport();
  report["findings"] = json::array();
  report["header"]["sufficiency"] = {
      {"sufficient", false}, {"min_runs", 24}, {"runs", 11}, {"statement", "11 of 24 runs."}};
  const pugi::xml_document document = Parse(Html(report));
  EXPECT_THAT(TextAt(document, "//header//div[@class='notice']"), HasSubstr("11 of 24 runs."));
  EXPECT_THAT(TextAt(document, "//section[@id='findings']"), HasSubstr("withheld"));
}

TEST(ReportHtml, TheSameReportGivesTheSameBytes) {  // OP-11
  EXPECT_EQ(Html(ExampleReport()), Html(ExampleReport()));
}

TEST(ReportHtml, ThousandsOfRunsDoNotMakeALargeDocument) {
  json report = ExampleReport();
  const json run = report["appendix"]["runs"][0];
  const std::string named = report["findings"][0]["examples"][0]["run_id"];
  for (int i = 0; i < 5000; ++i) {
    json another = run;
    another["run_id"] = "another-" + std::to_string(i);
    report["appendix"]["runs"].insert(report["appendix"]["runs"].begin(), another);
  }
  const std::string html = Html(report);
  EXPECT_LT(html.size(), 300'000U);
  const pugi::xml_document document = Parse(html);
  EXPECT_TRUE(document.select_node(("//tr[@id='run-" + named + "']").c_str())) << "runs that findings name stay";
  EXPECT_THAT(TextAt(document, "//section[@id='appendix']"), HasSubstr("120 of 5,084 runs"));
}

TEST(ReportHtml, AMalformedReportIsRefusedByTheNameOfItsField) {
  EXPECT_EQ(Error(json::array()), "audit report: the report must be an object");
  json report = ExampleReport();
  report["schema_version"] = 2;
  EXPECT_EQ(Error(report), "audit report: schema_version must be 1");
  report = ExampleReport();
  report["findings"][2]["effect"]["interval"] = {0.5, 0.1};
  EXPECT_EQ(Error(report), "audit report: findings[2].effect.interval must be two numbers, the lower one first");
  report = ExampleReport();
  report["audits"][1]["charts"][0]["type"] = "pie";
  EXPECT_EQ(Error(report), "audit report: audits[1].charts[0].type must be bar, line, stacked_bar or timeline");
  report = ExampleReport();
  report["header"].erase("sources");
  report["header"]["runs"] = "many";
  EXPECT_EQ(Error(report), "audit report: header.runs must be a finite number");
  report = ExampleReport();
  report.erase("findings");
  EXPECT_EQ(Error(report), "audit report: findings is missing");
}

}  // namespace
}  // namespace wfe::analytics
