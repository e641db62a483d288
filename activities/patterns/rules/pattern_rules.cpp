#include "activities/patterns/rules/pattern_rules.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "engine/base/check.h"
#include "engine/base/parse_json.h"

namespace wfe::patterns {
namespace {

using nlohmann::json;

constexpr size_t kMaxPhraseWords = 4;
/// Shorter pieces are in every text and tell nothing.
constexpr int kMinAtomBytes = 3;
constexpr int64_t kExpressionMemory = 1 << 20;

/// Where a rule looks, as bits.
constexpr unsigned kInTask = 1;
constexpr unsigned kInCommands = 2;
constexpr unsigned kInErrors = 4;
constexpr unsigned kInTools = 8;

std::string LowerText(std::string_view text) {
  std::string lower(text.substr(0, PatternRules::kMaxTextBytes));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Runs of letters, digits, '_' and what is not ASCII.
std::vector<std::string_view> WordsIn(std::string_view lower) {
  std::vector<std::string_view> words;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  size_t at = 0;
  while (at < lower.size()) {
    if (!is_word(lower[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < lower.size() && is_word(lower[end])) ++end;
    words.push_back(lower.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string Joined(const std::vector<std::string_view>& words, size_t first, size_t count) {
  std::string phrase;
  for (size_t i = first; i < first + count; ++i) {
    if (i > first) phrase += ' ';
    phrase += words[i];
  }
  return phrase;
}

/// Finds which of many keywords and expressions a text has.
class Finder {
 public:
  Status AddKeyword(const std::string& keyword, size_t owner) {
    const std::string lower = LowerText(keyword);
    const std::vector<std::string_view> words = WordsIn(lower);
    if (words.empty() || words.size() > kMaxPhraseWords) {
      return InvalidArgument("the keyword \"" + keyword + "\" must have 1 to 4 words");
    }
    keywords_[Joined(words, 0, words.size())].push_back(owner);
    return Ok();
  }

  Status AddExpression(const std::string& expression, size_t owner) {
    if (owners_.size() == PatternRules::kMaxExpressions) {
      return InvalidArgument("there are more than " + std::to_string(PatternRules::kMaxExpressions) +
                             " regular expressions; keywords have no such limit");
    }
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kExpressionMemory);
    const RE2 alone(expression, options);
    if (!alone.ok()) return InvalidArgument("the expression \"" + expression + "\" is wrong: " + alone.error());
    int id = 0;
    if (filter_.Add(expression, options, &id) != RE2::NoError) {
      return InvalidArgument("the expression \"" + expression + "\" is too large");
    }
    owners_.push_back(owner);
    return Ok();
  }

  void Compile() {
    if (owners_.empty()) return;
    std::vector<std::string> atoms;
    filter_.Compile(&atoms);
    for (size_t i = 0; i < atoms.size(); ++i) {
      lengths_.insert(atoms[i].size());
      atoms_[atoms[i]] = static_cast<int>(i);
    }
  }

  void Find(std::string_view text, std::set<size_t>& found) const {
    const std::string lower = LowerText(text);
    const std::vector<std::string_view> words = WordsIn(lower);
    for (size_t at = 0; at < words.size(); ++at) {
      for (size_t count = 1; count <= std::min(kMaxPhraseWords, words.size() - at); ++count) {
        const auto known = keywords_.find(Joined(words, at, count));
        if (known != keywords_.end()) found.insert(known->second.begin(), known->second.end());
      }
    }
    if (owners_.empty()) return;
    std::vector<int> matches;
    filter_.AllMatches(re2::StringPiece(text.data(), std::min(text.size(), PatternRules::kMaxTextBytes)),
                       AtomsIn(lower), &matches);
    for (const int match : matches) found.insert(owners_[static_cast<size_t>(match)]);
  }

 private:
  /// One look-up for each place and each length that an atom has.
  std::vector<int> AtomsIn(const std::string& lower) const {
    std::unordered_set<int> seen;
    for (const size_t length : lengths_) {
      for (size_t at = 0; at + length <= lower.size(); ++at) {
        const auto known = atoms_.find(lower.substr(at, length));
        if (known != atoms_.end()) seen.insert(known->second);
      }
    }
    std::vector<int> atoms(seen.begin(), seen.end());
    std::ranges::sort(atoms);
    return atoms;
  }

  std::unordered_map<std::string, std::vector<size_t>> keywords_;
  re2::FilteredRE2 filter_{kMinAtomBytes};
  std::vector<size_t> owners_;  // of expressions
  std::unordered_map<std::string, int> atoms_;
  std::set<size_t> lengths_;
};

std::vector<std::string> TextsAt(const json& object, const char* key) {
  if (!object.contains(key)) return {};
  return object.at(key).get<std::vector<std::string>>();
}

Result<Money> AmountAt(const json& object, const char* key, Money otherwise) {
  if (!object.contains(key)) return otherwise;
  const Money amount = object.at(key).get<Money>();
  if (amount.negative()) return InvalidArgument(std::string(key) + " must not be negative");
  return amount;
}

Result<unsigned> PlacesOf(const json& rule) {
  if (!rule.contains("in")) return kInTask | kInCommands | kInErrors | kInTools;
  unsigned places = 0;
  for (const std::string& place : TextsAt(rule, "in")) {
    if (place == "task") places |= kInTask;
    else if (place == "commands") places |= kInCommands;
    else if (place == "errors") places |= kInErrors;
    else if (place == "tools") places |= kInTools;
    else return InvalidArgument("\"in\" may name task, commands, errors and tools, not \"" + place + "\"");
  }
  return places;
}

Status RefuseUnknownKeys(const json& object, std::string_view known) {
  for (const auto& [key, value] : object.items()) {
    if (!HasWord(known, key)) return InvalidArgument("the key \"" + key + "\" is not known");
  }
  return Ok();
}

}  // namespace

struct PatternRules::Impl {
  struct Rule {
    size_t kind = 0;
    std::string target;  ///< Empty: from the targets.
    unsigned places = 0;
  };

  std::vector<OperationKind> kinds;
  std::map<std::string, size_t, std::less<>> kind_of;  ///< By "category:subcategory".
  std::vector<Rule> rules;
  std::vector<std::string> targets;
  Finder rule_finder;
  Finder target_finder;

  Status AddRule(const json& rule) {
    WFE_RETURN_IF_ERROR(RefuseUnknownKeys(
        rule, "category subcategory target keywords regexes in suggested_tool implementation_cost_usd tool_cost_usd"));
    OperationKind kind{.category = rule.at("category").get<std::string>(),
                       .subcategory = rule.at("subcategory").get<std::string>(),
                       .suggested_tool = TextAt(rule, "suggested_tool")};
    Rule added{.target = TextAt(rule, "target")};
    for (const std::string* part : {&kind.category, &kind.subcategory, &added.target}) {
      if (part == &added.target && part->empty()) continue;
      if (!IsSignaturePart(*part)) {
        return InvalidArgument("\"" + *part + "\" must have 1 to 40 of the characters a-z, 0-9, '.', '_' and '-'");
      }
    }
    WFE_ASSIGN_OR_RETURN(kind.implementation_cost_usd,
                         AmountAt(rule, "implementation_cost_usd", kind.implementation_cost_usd));
    if (kind.implementation_cost_usd.zero()) return InvalidArgument("implementation_cost_usd must be above 0");
    WFE_ASSIGN_OR_RETURN(kind.tool_cost_usd, AmountAt(rule, "tool_cost_usd", kind.tool_cost_usd));
    WFE_ASSIGN_OR_RETURN(added.places, PlacesOf(rule));
    // Several rules may tell of one kind; what the first says of it counts.
    const auto [known, is_new] = kind_of.try_emplace(kind.category + ":" + kind.subcategory, kinds.size());
    if (is_new) kinds.push_back(std::move(kind));
    added.kind = known->second;
    WFE_RETURN_IF_ERROR(AddWords(rule, rule_finder, rules.size()));
    rules.push_back(std::move(added));
    return Ok();
  }

  Status AddTarget(const json& target) {
    WFE_RETURN_IF_ERROR(RefuseUnknownKeys(target, "target keywords regexes"));
    const auto name = target.at("target").get<std::string>();
    if (!IsSignaturePart(name)) return InvalidArgument("\"" + name + "\" is no name of a target");
    WFE_RETURN_IF_ERROR(AddWords(target, target_finder, targets.size()));
    targets.push_back(name);
    return Ok();
  }

  static Status AddWords(const json& rule, Finder& finder, size_t owner) {
    const std::vector<std::string> keywords = TextsAt(rule, "keywords");
    const std::vector<std::string> expressions = TextsAt(rule, "regexes");
    if (keywords.empty() && expressions.empty()) return InvalidArgument("it has no keywords and no regexes");
    for (const std::string& keyword : keywords) WFE_RETURN_IF_ERROR(finder.AddKeyword(keyword, owner));
    for (const std::string& expression : expressions) WFE_RETURN_IF_ERROR(finder.AddExpression(expression, owner));
    return Ok();
  }

  std::string TargetOf(const std::string& task) const {
    std::set<size_t> found;
    target_finder.Find(task, found);
    return found.empty() ? "general" : targets[*found.begin()];
  }
};

Result<PatternRules> PatternRules::Parse(std::string_view text, const std::string& name) {
  const json source = ParseJson(text);
  if (source.is_discarded()) return InvalidArgument(name + " " + WhyNotJson(text));
  if (!source.is_object() || !source.contains("rules") || !source["rules"].is_array()) {
    return InvalidArgument(name + " is no JSON object with a list of rules");
  }
  const auto impl = std::make_shared<Impl>();
  if (source["rules"].size() > kMaxRules) {
    return InvalidArgument(name + " has more than " + std::to_string(kMaxRules) + " rules");
  }
  const auto add_all = [&](const char* list, const char* what, auto add) -> Status {
    if (!source.contains(list)) return Ok();
    size_t number = 0;
    for (const json& each : source[list]) {
      const std::string place = name + ": " + what + " " + std::to_string(++number);
      try {
        if (!each.is_object()) return InvalidArgument(place + " is no JSON object");
        const Status added = add(each);
        if (!added) return InvalidArgument(place + ": " + added.error().message);
      } catch (const json::exception& e) {
        return InvalidArgument(place + ": " + JsonErrorText(e));
      }
    }
    return Ok();
  };
  WFE_RETURN_IF_ERROR(add_all("rules", "rule", [&](const json& rule) { return impl->AddRule(rule); }));
  WFE_RETURN_IF_ERROR(add_all("targets", "target", [&](const json& target) { return impl->AddTarget(target); }));
  impl->rule_finder.Compile();
  impl->target_finder.Compile();
  PatternRules rules;
  rules.impl_ = impl;
  return rules;
}

const PatternRules& PatternRules::BuiltIn() {
  static const PatternRules kRules = [] {
    Result<PatternRules> rules = Parse(BuiltInPatternRulesJson(), "rules.json");
    WFE_CHECK(rules.has_value());
    return *std::move(rules);
  }();
  return kRules;
}

std::vector<RecognizedOperation> PatternRules::Recognize(const Operation& operation) const {
  std::set<size_t> matched;
  const auto look = [&](const std::string& text, unsigned place) {
    std::set<size_t> found;
    impl_->rule_finder.Find(text, found);
    for (const size_t rule : found) {
      if ((impl_->rules[rule].places & place) != 0) matched.insert(rule);
    }
  };
  look(operation.task, kInTask);
  for (const std::string& command : operation.commands) look(command, kInCommands);
  for (const std::string& error : operation.errors) look(error, kInErrors);
  for (const std::string& tool : operation.tools) look(tool, kInTools);
  std::vector<RecognizedOperation> recognized;
  if (matched.empty()) return recognized;
  const std::string target = impl_->TargetOf(operation.task);
  for (const size_t index : matched) {
    const Impl::Rule& rule = impl_->rules[index];
    const OperationKind& kind = impl_->kinds[rule.kind];
    std::string signature =
        kind.category + ":" + kind.subcategory + ":" + (rule.target.empty() ? target : rule.target);
    const bool known = std::ranges::any_of(recognized, [&](const auto& other) { return other.signature == signature; });
    if (!known) recognized.push_back({.signature = std::move(signature), .kind = &kind});
    if (recognized.size() == kMaxSignatures) break;
  }
  return recognized;
}

const OperationKind* PatternRules::KindOf(std::string_view signature) const {
  const auto known = impl_->kind_of.find(signature.substr(0, signature.rfind(':')));
  return known == impl_->kind_of.end() ? nullptr : &impl_->kinds[known->second];
}

size_t PatternRules::size() const { return impl_->rules.size(); }

}  // namespace wfe::patterns
