#include "activities/learning/cycle/prompt_rules.h"

#include <set>

#include "activities/statistics/statistics.h"
#include "engine/base/check.h"
#include "engine/base/parse_json.h"

namespace wfe::learning {

using nlohmann::json;

Result<PromptRules> PromptRules::Parse(std::string_view text) {
  const json source = ParseJson(text);
  if (!source.is_object() || !source.contains("rules") || !source["rules"].is_array()) {
    return InvalidArgument("the prompt rules are no JSON object with a list of rules");
  }
  PromptRules rules;
  std::set<std::string> ids;
  for (const json& each : source["rules"]) {
    const std::string name = "prompt rule " + std::to_string(rules.rules_.size() + 1);
    PromptRule rule;
    try {
      rule.id = each.at("id");
      rule.finding_class = each.at("class");
      rule.threshold = each.at("threshold");
      rule.section = each.at("section");
      if (!(rule.threshold > 0 && rule.threshold < 1)) {
        return InvalidArgument(name + " (" + rule.id + ") needs a threshold between 0 and 1");
      }
      if (!ids.insert(rule.id).second) return InvalidArgument(name + " has the id of an earlier one: " + rule.id);
      json draft = each;
      draft["match"] = rule.finding_class;
      draft["action"] = "append";
      Result<prompts::DraftRules> parsed = prompts::DraftRules::Parse(json{{"rules", {draft}}}.dump());
      if (!parsed) return InvalidArgument(name + ": " + parsed.error().message);
      rule.draft = *std::move(parsed);
    } catch (const json::exception& e) {
      return InvalidArgument(name + " is malformed: " + JsonErrorText(e));
    }
    rules.rules_.push_back(std::move(rule));
  }
  return rules;
}

const PromptRules& PromptRules::BuiltIn() {
  static const PromptRules kRules = [] {
    Result<PromptRules> rules = Parse(BuiltInPromptRulesJson());
    WFE_CHECK(rules.has_value());
    return *std::move(rules);
  }();
  return kRules;
}

std::vector<RuleMatch> MatchRules(const WindowSummary& window, const PromptRules& rules, const CycleOptions& options) {
  std::vector<RuleMatch> matches;
  if (window.generations < options.min_generations) return matches;
  std::set<std::string> classes;
  for (const PromptRule& rule : rules.rules()) classes.insert(rule.finding_class);
  for (const FindingShare& finding : window.findings) {
    const double rate = static_cast<double>(finding.count) / static_cast<double>(window.generations);
    if (finding.count < options.min_findings || rate < options.min_rate) continue;
    for (const PromptRule& rule : rules.rules()) {
      if (rule.finding_class != finding.finding_class) continue;
      const double p = stats::BinomialAtLeast({.hits = finding.count, .n = finding.total}, rule.threshold);
      if (finding.share <= rule.threshold || p >= options.alpha / static_cast<double>(classes.size())) continue;
      matches.push_back({.rule = &rule, .finding = finding, .p_value = p});
    }
  }
  return matches;
}

}  // namespace wfe::learning
