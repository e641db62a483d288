#include "engine/lint/lint.h"

#include "engine/lint/rule.h"
#include "engine/lint/store_rules.h"

namespace wfe::lint {
namespace {

std::vector<Rule> FileRules() {
  std::vector<Rule> rules;
  for (const auto family : {StructureRules(), WorkflowTaskRules(), CommandRules(), ActivityRules(), TimerRules(),
                            ChildRules(), ExternalRules(), ClosingRules()}) {
    rules.insert(rules.end(), family.begin(), family.end());
  }
  return rules;
}

}  // namespace

std::string Finding::ToString() const {
  return rule + (event_id == 0 ? ": " : " at event " + std::to_string(event_id) + ": ") + message;
}

std::string Describe(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) text += finding.ToString() + "\n";
  return text;
}

std::vector<Finding> LintHistory(const std::vector<HistoryEvent>& events, const LintOptions& options) {
  static const std::vector<Rule> kFileRules = FileRules();
  std::vector<Finding> findings;
  const HistoryView history(events, options);
  for (const Rule& rule : kFileRules) {
    Report report(rule.id, findings);
    rule.check(history, report);
  }
  return findings;
}

std::vector<RuleInfo> Rules() {
  std::vector<RuleInfo> rules;
  for (const Rule& rule : FileRules()) rules.push_back({rule.id, rule.title});
  for (const StoreRule& rule : StoreRules()) rules.push_back({rule.id, rule.title});
  rules.push_back({"H29", "a run that follows another one points back and carries its input"});
  rules.push_back({"H32", "exactly one run of a workflow id is open"});
  rules.push_back({"H41", "a parent and its children tell the same"});
  rules.push_back({"H42", "what a workflow asks of another one arrives once, where it was sent"});
  rules.push_back({"H43", "nothing that a run owes to another one is lost"});
  rules.push_back({"H44", "nothing that a run owes to another one is paid twice"});
  return rules;
}

}  // namespace wfe::lint
