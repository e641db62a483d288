#include "activities/prompts/draft_rules.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "activities/prompts/context_template.h"
#include "engine/base/parse_json.h"

namespace wfe::prompts {
namespace {

using nlohmann::json;
using Action = DraftRule::Action;

std::string LinesOf(const json& rule, const char* key) {
  std::string text;
  if (!rule.contains(key)) return text;
  for (const json& line : rule[key]) text += line.get<std::string>() + "\n";
  return text;
}

/// Throws json::exception; gives what else is wrong, or nothing.
std::string ReadRule(const json& source, DraftRule& rule) {
  rule.id = source.at("id");
  rule.match = source.at("match");
  rule.section = source.at("section");
  rule.reason = source.at("reason");
  rule.find = LinesOf(source, "find");
  rule.text = LinesOf(source, "text");
  if (source.contains("targets")) source.at("targets").get_to(rule.targets);
  const std::string action = source.at("action");
  if (action != "append" && action != "replace" && action != "remove") return "has the unknown action " + action;
  rule.action = action == "append" ? Action::kAppend : action == "replace" ? Action::kReplace : Action::kRemove;
  if (rule.match.empty() || rule.section.empty()) return "needs a match and a section";
  if (rule.action != Action::kRemove && rule.text.empty()) return "needs a text";
  if (rule.action != Action::kAppend && rule.find.empty()) return "needs the lines to find";
  if (SplitSections(rule.text).size() > 1 || rule.text.starts_with("## ")) return "may not add a section";
  if (rule.text.find("{{") != std::string::npos) return "may not add a placeholder";
  return "";
}

bool Matches(std::string_view pattern, std::string_view text) {
  size_t at = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  size_t p = 0;
  while (at < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = at;
    } else if (p < pattern.size() && pattern[p] == text[at]) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// Runs of blanks and line ends as one blank, so that rewrapped words are the same words.
std::string Words(std::string_view text) {
  std::string words;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      words += c;
    } else if (!words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  if (!words.empty() && words.back() == ' ') words.pop_back();
  return words;
}

bool SaysAlready(std::string_view section, const std::string& text) {
  return Words(section).find(Words(text)) != std::string::npos;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// `word` with no letter or digit on either side.
bool HasWord(const std::string& text, const std::string& word) {
  const auto inside = [&](size_t at) { return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0; };
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !inside(at - 1)) && !inside(at + word.size())) return true;
  }
  return false;
}

/// The items of the lists in a section, each on one line: "- …" and "1. …" with the lines set in below them.
std::vector<std::string> ListItems(std::string_view section) {
  std::vector<std::string> items;
  bool open = false;
  for (size_t at = 0; at < section.size();) {
    const size_t end = std::min(section.find('\n', at), section.size());
    const std::string_view line = section.substr(at, end - at);
    const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
    const size_t mark = line.starts_with("- ") ? 2 : digits > 0 && line.substr(digits).starts_with(". ") ? digits + 2 : 0;
    if (mark > 0) {
      items.emplace_back(line.substr(mark));
      open = true;
    } else if (open && line.starts_with("  ")) {
      items.back() += " " + Words(line);
    } else {
      open = false;
    }
    at = end + 1;
  }
  return items;
}

/// Where the lines `wanted` stand in `text`, at a line's start.
size_t FindLines(std::string_view text, const std::string& wanted) {
  size_t at = text.find(wanted);
  while (at != std::string_view::npos && at > 0 && text[at - 1] != '\n') at = text.find(wanted, at + 1);
  return at;
}

std::string Append(std::string_view section, const std::string& text) {
  size_t end = section.find_last_not_of(" \t\n\r");
  end = end == std::string_view::npos ? 0 : section.find('\n', end);
  if (end == std::string_view::npos) return std::string(section) + "\n" + text;
  const std::string_view kept = section.substr(0, end + 1);
  // A list goes on; after anything else it begins after a blank line.
  const size_t last_line = kept.find_last_of('\n', kept.size() - 2);
  const std::string_view last = kept.substr(last_line == std::string_view::npos ? 0 : last_line + 1);
  const bool goes_on = text.starts_with("- ") && (last.starts_with("- ") || last.starts_with("  "));
  return std::string(kept) + (goes_on ? "" : "\n") + text + std::string(section.substr(end + 1));
}

}  // namespace

Result<DraftRules> DraftRules::Parse(std::string_view text) {
  const json source = ParseJson(text);
  if (!source.is_object() || !source.contains("rules") || !source["rules"].is_array()) {
    return InvalidArgument("the draft rules are no JSON object with a list of rules");
  }
  DraftRules rules;
  for (const json& each : source["rules"]) {
    DraftRule rule;
    std::string problem;
    try {
      problem = ReadRule(each, rule);
    } catch (const json::exception& e) {
      problem = std::string("is malformed: ") + e.what();
    }
    const std::string name = "draft rule " + std::to_string(rules.rules_.size() + 1);
    if (!problem.empty()) return InvalidArgument(name + (rule.id.empty() ? "" : " (" + rule.id + ")") + " " + problem);
    rules.rules_.push_back(std::move(rule));
  }
  return rules;
}

const DraftRules& DraftRules::BuiltIn() {
  static const DraftRules kRules = [] {
    Result<DraftRules> rules = Parse(BuiltInDraftRulesJson());
    WFE_CHECK(rules.has_value());
    return *std::move(rules);
  }();
  return kRules;
}

const DraftRule* DraftRules::Find(std::string_view rule_key, std::string_view section) const {
  const DraftRule* first = nullptr;
  for (const DraftRule& rule : rules_) {
    if (!Matches(rule.match, rule_key)) continue;
    if (rule.section == section) return &rule;
    if (first == nullptr) first = &rule;
  }
  return first;
}

EditedSection ApplyRule(const DraftRule& rule, std::string_view section_text) {
  EditedSection edited{.text = std::string(section_text), .changed = false, .note = {}};
  const std::string where = "the section " + rule.section;
  if (rule.action != Action::kRemove && SaysAlready(section_text, rule.text)) {
    edited.note = where + " says it already";
    return edited;
  }
  if (rule.action == Action::kAppend) {
    edited.text = Append(section_text, rule.text);
  } else {
    const size_t at = FindLines(section_text, rule.find);
    if (at == std::string_view::npos) {
      edited.note = rule.action == Action::kRemove ? where + " does not have the words to remove any more"
                                                   : where + " does not have the words to replace";
      return edited;
    }
    edited.text.replace(at, rule.find.size(), rule.action == Action::kReplace ? rule.text : "");
  }
  edited.changed = true;
  return edited;
}

std::string RuleAgainst(std::string_view rule_key, std::string_view section, std::string_view template_text,
                        const DraftRules& rules) {
  const DraftRule* const rule = rules.Find(rule_key, section);
  if (rule == nullptr || rule->targets.empty()) return "";
  for (const ContextSection& each : SplitSections(template_text)) {
    if (each.name != section) continue;
    for (const std::string& item : ListItems(each.text)) {
      const std::string lower = Lower(item);
      const bool about = std::any_of(rule->targets.begin(), rule->targets.end(),
                                     [&](const std::string& word) { return HasWord(lower, word); });
      if (about) return item.size() <= 200 ? item : item.substr(0, item.rfind(' ', 197)) + " \u2026";
    }
  }
  return "";
}

}  // namespace wfe::prompts
