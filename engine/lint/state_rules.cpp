// H5: the state beside the history.
#include <google/protobuf/util/message_differencer.h>

#include "engine/lint/store_rules.h"

namespace wfe::lint {
namespace {

void BookkeepingFits(const engine::v1::MutableState& state, Report& report) {
  const auto& folded = state.folded();
  const auto& bookkeeping = state.bookkeeping();
  const auto& attempts = bookkeeping.activity_attempts();
  bool same = attempts.size() == folded.activities_size();
  for (int i = 0; same && i < attempts.size(); ++i) {
    same = attempts[i].scheduled_event_id() == folded.activities(i).scheduled_event_id();
    if (same && attempts[i].attempt() < 1) {
      report.Add(attempts[i].scheduled_event_id(), "attempt " + std::to_string(attempts[i].attempt()));
    }
  }
  if (!same) {
    report.Add(0, std::to_string(attempts.size()) + " activity attempts do not belong to the " +
                      std::to_string(folded.activities_size()) + " open activities");
  }
  if (!bookkeeping.buffered_events().empty() && !folded.has_workflow_task() && !bookkeeping.transient_workflow_task()) {
    report.Add(0, "events are buffered, but no workflow task is open");
  }
  if (folded.has_workflow_task() && bookkeeping.transient_workflow_task()) {
    report.Add(0, "a workflow task is both in the history and transient");
  }
}

/// What differs, on one line each.
std::string Differences(const google::protobuf::Message& rebuilt, const google::protobuf::Message& stored) {
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(rebuilt, stored)) return "";
  while (!differences.empty() && differences.back() == '\n') differences.pop_back();
  return differences;
}

/// Rebuilds all of the state, the bookkeeping too, where every transition since the first event is kept.
void StateIsRebuilt(const StoredView& view, Report& report) {
  std::vector<history::StoredStep> steps;
  auto event = view.events.begin();
  for (const StoredRun::Batch& batch : view.run.batches) {
    steps.push_back({{event, event + batch.count}, batch.notes});
    event += batch.count;
  }
  for (const std::string& notes : view.run.journal) steps.push_back({{}, notes});
  const auto rebuilt = view.options.rebuild(view.run.key, steps, view.run.state.transition());
  if (!rebuilt) return report.Add(0, "the state cannot be rebuilt from its first event: " + rebuilt.error().message);
  if (!rebuilt->has_value()) return;
  engine::v1::MutableState stored = view.run.state;
  stored.mutable_bookkeeping()->clear_chain_head();  // H4
  const std::string differences = Differences(**rebuilt, stored);
  if (!differences.empty()) {
    report.Add(0, "the stored state differs from what its events and notes make of it: " + differences);
  }
}

}  // namespace

void StateIsAFold(const StoredView& view, Report& report) {
  BookkeepingFits(view.run.state, report);
  if (!view.options.fold || !view.file_rules_hold) return;
  engine::v1::Folded rebuilt = view.options.fold(view.run.key, view.events);
  engine::v1::Folded stored = view.run.state.folded();
  // A run that an older version began has not kept them from its beginning.
  rebuilt.clear_auto_reset_points();
  stored.clear_auto_reset_points();
  const std::string differences = Differences(rebuilt, stored);
  if (!differences.empty()) report.Add(0, "the stored state differs from the fold over its events: " + differences);
  if (view.options.rebuild) StateIsRebuilt(view, report);
}

}  // namespace wfe::lint
