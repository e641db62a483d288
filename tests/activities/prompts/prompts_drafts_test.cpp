// Drafts from findings, their life until a person decides, and diffs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "activities/prompts/drafts.h"

namespace wfe::prompts {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kId = "typescript-package";

json Finding(const std::string& id, const std::string& key, const std::string& section) {
  return {{"id", id},
          {"audit", "token_efficiency"},
          {"title", key + " costs most"},
          {"section", section},
          {"template_id", kId},
          {"rule_key", key},
          {"effect", {{"measure", "difference in first-pass rate"}, {"value", 0.2}, {"unit", "share"}}},
          {"saving", {{"tokens", 1200}, {"basis", "mean repair"}}}};
}

class DraftsTest : public ::testing::Test {
 protected:
  TemplateStore store_{{.templates_dir = std::string(WFE_SOURCE_DIR) + "/workflows/audited_build/templates",
                        .rows = std::make_shared<MemoryTemplateRows>(),
                        .blob_sink = blobs_,
                        .blob_source = blobs_,
                        .clock = std::make_shared<ManualClock>()}};

 private:
  inline static const std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>();
};

TEST_F(DraftsTest, AFindingBecomesADraftWithDiffReasonAndEvidence) {  // OP-12
  const json finding = Finding("F1", "ESLINT_ERROR_NO_ANY", "STRICT CONSTRAINTS");
  const auto draft = DraftAndStore(store_, "report-1", finding);
  ASSERT_TRUE(draft) << draft.error().message;
  ASSERT_TRUE(draft->proposal);
  const json& proposal = *draft->proposal;
  EXPECT_EQ(proposal["template_id"], kId);
  EXPECT_EQ(proposal["base_version"], 1);
  EXPECT_EQ(proposal["draft_version"], 2);
  EXPECT_EQ(proposal["section"], "STRICT CONSTRAINTS");
  EXPECT_FALSE(proposal["reason"].get<std::string>().empty());
  const std::string diff = proposal["diff"];
  EXPECT_THAT(diff, StartsWith("--- typescript-package@1\n+++ typescript-package@2\n@@ "));
  EXPECT_THAT(diff, HasSubstr(" @@ STRICT CONSTRAINTS\n"));
  EXPECT_THAT(diff, HasSubstr("\n+- Before you finish a file, search it for `any`"));
  EXPECT_THAT(diff, Not(HasSubstr("\n-")));
  const auto state = store_.State(kId);
  EXPECT_EQ(state->active, 1) << "nothing becomes active by itself";
  const TemplateVersion& version = state->versions.at(2);
  EXPECT_EQ(version.status, kTemplateDraft);
  EXPECT_EQ(version.author, kOptimizerAuthor);
  EXPECT_EQ(version.evidence->report_id, "report-1");
  EXPECT_EQ(version.evidence->finding_id, "F1");
  EXPECT_EQ(version.evidence->predicted["effect"]["value"], 0.2);
  EXPECT_EQ(version.evidence->predicted["saving"]["tokens"], 1200);
}

TEST_F(DraftsTest, TheSectionOfTheFindingChoosesAmongRules) {
  const auto section = [&](const char* key, const char* about) {
    const auto state = store_.State(kId);
    const auto draft = DraftChange(Finding("F", key, about), *state, *store_.Load(*state, 0));
    return draft->proposal ? draft->proposal->at("section").get<std::string>() : draft->note;
  };
  EXPECT_EQ(section("JEST_FAILURE_ASSERTION", "Implementation Prompt"), "Implementation Prompt");
  EXPECT_EQ(section("JEST_FAILURE_ASSERTION", "VERIFICATION PROTOCOL"), "VERIFICATION PROTOCOL");
  EXPECT_EQ(section("TSC_ERROR_TS2322", "STRICT CONSTRAINTS"), "STRICT CONSTRAINTS");
  EXPECT_EQ(section("TSC_ERROR_TS2322", "Core Package Specifics"), "STRICT CONSTRAINTS");
  EXPECT_EQ(section("prompt:abc", "Implementation Prompt"), "Implementation Prompt");
  EXPECT_EQ(section("churn:Core Package Specifics", "Core Package Specifics"), "Core Package Specifics");
  EXPECT_THAT(section("context:abc", "STRICT CONSTRAINTS"), HasSubstr("No rule")) << "what a change did is no wording";
  EXPECT_THAT(section("AGENT_ERROR", ""), HasSubstr("No rule"));
}

TEST_F(DraftsTest, EveryBuiltInRuleFitsTheShippedTemplateAndChangesItOnce) {
  const auto state = store_.State(kId);
  const auto base = store_.Load(*state, 0);
  for (const DraftRule& rule : DraftRules::BuiltIn().rules()) {
    const auto sections = SplitSections(base->text);
    const auto section = std::ranges::find(sections, rule.section, &ContextSection::name);
    ASSERT_NE(section, sections.end()) << rule.id;
    const EditedSection once = ApplyRule(rule, section->text);
    EXPECT_TRUE(once.changed) << rule.id << ": " << once.note;
    const EditedSection twice = ApplyRule(rule, once.text);
    EXPECT_FALSE(twice.changed) << rule.id;
    EXPECT_THAT(twice.note, HasSubstr("says it already"));
    for (size_t at = 0; at < rule.text.size();) {
      const size_t end = rule.text.find('\n', at);
      EXPECT_LE(end - at, 125u) << rule.id;
      at = end + 1;
    }
  }
}

TEST_F(DraftsTest, TheSameFindingOfTheSameReportDraftsOnce) {
  const json finding = Finding("F1", "TSC_ERROR_TS2307", "STRICT CONSTRAINTS");
  const auto first = DraftAndStore(store_, "report-1", finding);
  const auto again = DraftAndStore(store_, "report-1", finding);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again->proposal, *first->proposal);
  EXPECT_EQ(store_.State(kId)->events.size(), 1u);
}

TEST_F(DraftsTest, NextNightsReportUsesTheDraftThatWaits) {
  const auto first = DraftAndStore(store_, "report-1", Finding("F1", "JEST_FAILURE", "Implementation Prompt"));
  const auto second = DraftAndStore(store_, "report-2", Finding("F3", "JEST_FAILURE", "Implementation Prompt"));
  EXPECT_EQ(second->proposal->at("draft_version"), 2);
  EXPECT_EQ(*second->proposal, *first->proposal);
  EXPECT_THAT(second->note, HasSubstr("version 2"));
  EXPECT_EQ(store_.State(kId)->events.size(), 1u);
}

TEST_F(DraftsTest, WhatTheActiveVersionSaysIsNotProposedAgain) {
  ASSERT_TRUE(DraftAndStore(store_, "report-1", Finding("F1", "JEST_FAILURE", "Implementation Prompt")));
  ASSERT_TRUE(store_.Activate(kId, 2, "ada", "try it"));
  const auto after = DraftAndStore(store_, "report-2", Finding("F1", "JEST_FAILURE", "Implementation Prompt"));
  EXPECT_FALSE(after->proposal);
  EXPECT_THAT(after->note, HasSubstr("says it already"));
}

TEST_F(DraftsTest, WhatWasRolledBackIsNotProposedAgain) {
  ASSERT_TRUE(DraftAndStore(store_, "report-1", Finding("F1", "JEST_FAILURE", "Implementation Prompt")));
  ASSERT_TRUE(store_.Activate(kId, 2, "ada", "try it"));
  ASSERT_TRUE(store_.RollBack(kId, 0, "ada", "no better"));
  const auto after = DraftAndStore(store_, "report-2", Finding("F1", "JEST_FAILURE", "Implementation Prompt"));
  EXPECT_FALSE(after->proposal);
  EXPECT_THAT(after->note, HasSubstr("Version 2 of typescript-package had this wording and was rolled back"));
}

TEST_F(DraftsTest, ActivatedDraftsCarryWhatTheyPromised) {  // OP-13
  ASSERT_TRUE(DraftAndStore(store_, "report-1", Finding("F1", "JEST_FAILURE", "Implementation Prompt")));
  ASSERT_TRUE(DraftAndStore(store_, "report-1", Finding("F2", "TSC_ERROR", "STRICT CONSTRAINTS")));
  EXPECT_TRUE(ActivatedDrafts(store_)->empty());
  ASSERT_TRUE(store_.Activate(kId, 3, "ada", "try it"));
  const auto proposals = ActivatedDrafts(store_);
  ASSERT_TRUE(proposals);
  ASSERT_EQ(proposals->size(), 1u);
  const ActivatedDraft& proposal = proposals->front();
  EXPECT_EQ(proposal.version, 3);
  EXPECT_EQ(proposal.parent_version, 1);
  EXPECT_EQ(proposal.report_id, "report-1");
  EXPECT_EQ(proposal.finding_id, "F2");
  EXPECT_FALSE(proposal.activated_at.empty());
  EXPECT_EQ(proposal.predicted["rule_key"], "TSC_ERROR");
}

TEST(DraftRules, ReplaceAndRemoveEditWholeLines) {
  const auto rules = DraftRules::Parse(R"({"rules":[
      {"id":"r","match":"A*","section":"S","action":"replace","find":["- old"],"text":["- new"],"reason":"x"},
      {"id":"d","match":"B","section":"S","action":"remove","find":["- old"],"reason":"x"}]})");
  ASSERT_TRUE(rules) << rules.error().message;
  const DraftRule& replace = *rules->Find("A1", "");
  EXPECT_EQ(ApplyRule(replace, "## S\n\n- very - old\n- old\n").text, "## S\n\n- very - old\n- new\n");
  EXPECT_THAT(ApplyRule(replace, "## S\n").note, HasSubstr("does not have the words"));
  EXPECT_EQ(ApplyRule(*rules->Find("B", "S"), "## S\n- old\n- b\n").text, "## S\n- b\n");
  EXPECT_EQ(rules->Find("C", "S"), nullptr);
  EXPECT_THAT(DraftRules::Parse(R"({"rules":[{"id":"q"}]})").error().message, HasSubstr("draft rule 1 (q)"));
}

// ---- diffs

/// Applies a unified diff; what it says must be so.
std::string Patch(const std::string& old_text, const std::string& diff) {
  std::vector<std::string> old_lines;
  for (size_t at = 0; at < old_text.size();) {
    const size_t end = std::min(old_text.find('\n', at), old_text.size() - 1) + 1;
    old_lines.push_back(old_text.substr(at, end - at));
    at = end;
  }
  std::string out;
  size_t next = 0;
  std::istringstream in(diff);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("---") || line.starts_with("+++")) continue;
    if (line.starts_with("@@ -")) {
      const size_t comma = line.find(',');
      const size_t first = std::stoul(line.substr(4));
      const bool none = comma < line.find(' ', 4) && line[comma + 1] == '0';
      while (next + (none ? 0 : 1) < first) out += old_lines[next++];
    } else if (line.starts_with("\\")) {
      out.pop_back();
    } else {
      if (line[0] != '+') {
        EXPECT_EQ(old_lines.at(next).substr(0, line.size() - 1), line.substr(1));
        ++next;
      }
      if (line[0] != '-') out += line.substr(1) + "\n";
    }
  }
  while (next < old_lines.size()) out += old_lines[next++];
  return out;
}

TEST(TextDiff, PatchingTheOldTextGivesTheNewOne) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const auto text = [&] {
      std::string lines;
      for (unsigned n = random() % 30; n > 0; --n)
        lines += std::string(1, static_cast<char>('a' + random() % 4)) + "\n";
      return lines;
    };
    const std::string before = text();
    const std::string after = text();
    const TextDiff diff = DiffTexts("a", before, "b", after);
    EXPECT_EQ(Patch(before, diff.text), after) << before << "\n--\n" << after << "\n--\n" << diff.text;
    EXPECT_EQ(diff.text.empty(), before == after);
  }
}

TEST(TextDiff, SectionsThatCameAndWentAreNamed) {
  const TextDiff diff = DiffTexts("a", "intro\n## A\nx\n## B\ny\n", "b", "intro\n## C\nz\n## A\nx2");
  ASSERT_EQ(diff.sections.size(), 3u);
  EXPECT_EQ(diff.sections[0].section + diff.sections[0].change, "Cadded");
  EXPECT_EQ(diff.sections[1].section + diff.sections[1].change, "Achanged");
  EXPECT_EQ(diff.sections[2].section + diff.sections[2].change, "Bremoved");
  EXPECT_THAT(diff.text, HasSubstr("\\ No newline at end of file"));
}

TEST(TextDiff, TextsWithNothingInCommonStayCheap) {
  std::string before;
  std::string after;
  for (int i = 0; i < 20'000; ++i) {
    before += "old " + std::to_string(i) + "\n";
    after += "new " + std::to_string(i) + "\n";
  }
  const TextDiff diff = DiffTexts("a", before, "b", after);
  EXPECT_EQ(diff.sections.at(0).lines_added, 20'000);
}

TEST(RuleAgainst, QuotesTheLineOfTheTemplateThatIsAboutTheClass) {  // RW-D26
  const auto shipped = LoadContextTemplate(std::string(WFE_SOURCE_DIR) + "/workflows/audited_build/templates", kId, 1);
  ASSERT_TRUE(shipped.has_value());
  EXPECT_EQ(RuleAgainst("ESLINT_ERROR_NO_ANY", "STRICT CONSTRAINTS", shipped->text),
            "Never use the type `any`, explicitly or by omission. Use a precise type, a generic parameter, or `unknown` "
            "narrowed by a check.");
  EXPECT_THAT(RuleAgainst("JEST_FAILURE", "VERIFICATION PROTOCOL", shipped->text), HasSubstr("tests that assert"));
}

TEST(RuleAgainst, IsNothingWhereNoLineTargetsTheClass) {  // RW-D26
  const std::string text = "## STRICT CONSTRAINTS\n\n- Many companies are there.\n\n## Other\n\n- Never use `any`.\n";
  EXPECT_EQ(RuleAgainst("ESLINT_ERROR_NO_ANY", "STRICT CONSTRAINTS", text), "");
  EXPECT_EQ(RuleAgainst("LINK_ERROR", "STRICT CONSTRAINTS", text), "");
  EXPECT_EQ(RuleAgainst("UNHEARD_OF", "STRICT CONSTRAINTS", text), "");
  EXPECT_EQ(RuleAgainst("ESLINT_ERROR_NO_ANY", "Missing", text), "");
}

}  // namespace
}  // namespace wfe::prompts
