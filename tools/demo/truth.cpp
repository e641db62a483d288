#include "tools/demo/truth.h"

#include <array>

#include "activities/trace/log_entry.h"
#include "tools/demo/contexts.h"

namespace wfe::demo {
namespace {

using trace::LogEntry;
using Json = nlohmann::ordered_json;

struct Sum {
  int64_t n = 0;
  int64_t total = 0;
  Json Mean() const {
    Json object = {{"n", n}};
    if (n > 0) object["mean"] = total / n;
    return object;
  }
};
struct Share {
  int64_t n = 0;
  int64_t hits = 0;
  Json ToJson() const { return {{"n", n}, {"hits", hits}}; }
};

/// Figures of the completed runs.
struct Counts {
  std::map<std::string, Sum> repair_tokens;  // by validation_error_type
  std::map<int, Share> first_pass;           // by template version
  std::map<int, Share> ruled_class;          // initial verifications where the ruled class was found, by version
  std::map<std::string, Share> first_pass_of_context;
  int64_t completed = 0;
  int64_t not_completed = 0;
};

Result<Counts> Count(const BuildTraces& traces) {
  std::map<std::string, std::vector<LogEntry>> runs;
  for (const auto& [folder, text] : traces.sink.traces()) {
    for (std::string_view rest = text; !rest.empty();) {
      const size_t end = rest.find('\n');
      WFE_ASSIGN_OR_RETURN(LogEntry entry, trace::ParseLogEntry(rest.substr(0, end)));
      runs[entry.workflow_run_id].push_back(std::move(entry));
      rest.remove_prefix(end + 1);
    }
  }
  Counts counts;
  for (const auto& [run, entries] : runs) {
    if (entries.back().step_name != "workflow_completed") {
      ++counts.not_completed;
      continue;
    }
    ++counts.completed;
    for (const LogEntry& entry : entries) {
      const bool is_agent = trace::ExtString(entry, "kind") == trace::kKindAgent;
      if (is_agent && entry.step_name.starts_with("fix_attempt_")) {
        Sum& sum = counts.repair_tokens[entry.validation_error_type.value_or("")];
        ++sum.n;
        sum.total += entry.total_token_cost.value_or(0);
      }
      if (entry.step_name != "initial_verification") continue;
      const int version = static_cast<int>(trace::ExtInteger(entry, "template_version"));
      const int64_t passed = entry.validation_status == trace::kValidationPass ? 1 : 0;
      for (Share* share : {&counts.first_pass[version], &counts.first_pass_of_context[*entry.context_file_hash]}) {
        ++share->n;
        share->hits += passed;
      }
      Share& ruled = counts.ruled_class[version];
      ++ruled.n;
      const auto found = entry.ext.find("validation_error_counts");
      if (found != entry.ext.end() && found->contains(kErrorClasses[kRuledClass].name)) ++ruled.hits;
    }
  }
  return counts;
}

Share Join(const std::map<int, Share>& shares, int first, int last) {
  Share all;
  for (const auto& [version, share] : shares) {
    if (version < first || version > last) continue;
    all.n += share.n;
    all.hits += share.hits;
  }
  return all;
}

}  // namespace

Result<std::string> DescribeTruth(const Behaviour& behaviour, const BuildTraces& traces, bool through_engine) {
  WFE_ASSIGN_OR_RETURN(const Counts counts, Count(traces));
  const Causes& causes = behaviour.causes();

  Json repairs = Json::object();
  for (const auto& [error_class, sum] : counts.repair_tokens) repairs[error_class] = sum.Mean();
  Json rates = Json::object();
  for (const auto& [version, share] : counts.first_pass) {
    Json rate = share.ToJson();
    rate["expected_share"] = behaviour.FirstPassRate(version);
    rates[std::to_string(version)] = std::move(rate);
  }
  Json contexts = Json::array();
  for (const auto& [hash, gemini] : traces.contexts) {
    const auto counted = counts.first_pass_of_context.find(hash);
    contexts.push_back(
        {{"context_file_hash", hash},
         {"file", "contexts/" + hash + ".md"},
         {"template_version", gemini.prepared.template_version},
         {"first_used", gemini.first_used},
         {"builds", gemini.builds},
         {"first_pass", counted != counts.first_pass_of_context.end() ? counted->second.ToJson() : Share().ToJson()},
         {"section_hashes", gemini.prepared.section_hashes}});
  }
  std::sort(contexts.begin(), contexts.end(), [](const Json& a, const Json& b) {
    return std::tie(a["first_used"].get_ref<const std::string&>(),
                    a["context_file_hash"].get_ref<const std::string&>()) <
           std::tie(b["first_used"].get_ref<const std::string&>(),
                    b["context_file_hash"].get_ref<const std::string&>());
  });

  const Json truth = {{"schema_version", 1},
                      {"note", "No model was called: agents and checks are simulated, every row is `scripted`."},
                      {"seed", behaviour.seed()},
                      {"through_engine", through_engine},
                      {"runs", behaviour.plans().size()},
                      {"completed_runs", counts.completed},
                      {"not_completed_runs", counts.not_completed},
                      {"entries", traces.sink.entries()},
                      {"template_id", kTemplateId},
                      {"planted", causes.Names()},
                      {"causes",
                       {{"costly_class",
                         {{"planted", causes.costly_class},
                          {"audit", "token_efficiency"},
                          {"what", "repairs of one error class cost several times the tokens of the others"},
                          {"error_type", kErrorClasses[kCostlyClass].name},
                          {"factor_of_turns_and_completion", causes.costly_class ? kCostlyFactor : 1.0},
                          {"tokens_per_repair", std::move(repairs)}}},
                        {"constraint_change",
                         {{"planted", causes.constraint_change},
                          {"audit", "constraint_effectiveness"},
                          {"what", "a new rule under STRICT CONSTRAINTS makes one error class rarer"},
                          {"error_type", kErrorClasses[kRuledClass].name},
                          {"section", "STRICT CONSTRAINTS"},
                          {"since", FormatIso8601Millis(Behaviour::RuleDay())},
                          {"from_template_version", kRuleVersion},
                          {"probability_before", behaviour.Probability(kRuledClass, kFirstVersion)},
                          {"probability_after", behaviour.Probability(kRuledClass, kRuleVersion)},
                          {"builds_with_it_before", Join(counts.ruled_class, kFirstVersion, kFirstVersion).ToJson()},
                          {"builds_with_it_after", Join(counts.ruled_class, kRuleVersion, kTrialVersion).ToJson()}}},
                        {"worse_prompt",
                         {{"planted", causes.worse_prompt},
                          {"audit", "prompt_refinement"},
                          {"what", "a trial of another Implementation Prompt passes less often at first"},
                          {"section", "Implementation Prompt"},
                          {"since", FormatIso8601Millis(Behaviour::TrialDay())},
                          {"template_version", kTrialVersion},
                          {"compare_with_template_version", kRuleVersion},
                          {"more_of", kErrorClasses.back().name},
                          {"first_pass_by_template_version", std::move(rates)}}},
                        {"context_churn",
                         {{"planted", causes.context_churn},
                          {"audit", "context_volatility"},
                          {"what", "a section changes every few days, and nothing follows from it"},
                          {"section", "Core Package Specifics"},
                          {"changes", causes.context_churn ? kSpecificsPeriods - 1 : 0}}}}},
                      {"contexts", std::move(contexts)}};
  return truth.dump(2) + "\n";
}

}  // namespace wfe::demo
