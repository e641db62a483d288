#include "workflows/optimization/approval.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "activities/analytics/steps/audit_steps.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using analytics::ActivateDraftInput;
using analytics::ActivateDraftResult;
using nlohmann::json;
using sdk::Task;

std::string TemplateOf(const std::string& draft) { return draft.substr(0, draft.rfind('@')); }

Task<void> Activate(sdk::WorkflowContext& ctx, std::string draft, std::string author, std::string reason) {
  ActivateDraftInput input{.template_id = TemplateOf(draft), .version = 0, .author = author, .reason = reason};
  std::from_chars(draft.data() + input.template_id.size() + 1, draft.data() + draft.size(), input.version);
  const ActivateDraftResult done = co_await ctx.Activity(analytics::kActivateDraft, input,
                                                         {.start_to_close = 1min, .retry = {.maximum_interval = 1min}});
  std::ignore = done;
}

/// The draft that a signal decides about, taken out of those that wait; empty, with a sentence, when it decides
/// nothing.
std::string TakeDraft(std::string_view signal, const json& payload, DraftDecisions& decisions) {
  const auto text = [&payload](const char* key) {
    return payload.is_object() && payload.contains(key) && payload[key].is_string() ? payload[key].get<std::string>()
                                                                                    : std::string();
  };
  const std::string draft = text("draft");
  std::string problem;
  const auto found = std::find(decisions.waiting.begin(), decisions.waiting.end(), draft);
  if (draft.empty()) {
    problem = "it names no draft";
  } else if (found == decisions.waiting.end()) {
    problem = draft + " does not wait for a decision";
  } else if (signal == kApproveSignal && (text("author").empty() || text("reason").empty())) {
    problem = "it needs an author and a reason";
  }
  if (!problem.empty()) {
    decisions.ignored.push_back("signal " + std::string(signal) + " was ignored: " + problem);
    return "";
  }
  decisions.waiting.erase(found);
  return draft;
}

}  // namespace

Task<void> AwaitDecisions(sdk::WorkflowContext& ctx, Duration time, DraftDecisions& decisions) {
  auto approvals = ctx.Signals<json>(kApproveSignal);
  auto declines = ctx.Signals<json>(kDeclineSignal);
  const Instant until = ctx.Now() + time;
  const auto decided = [&approvals, &declines] { return !approvals.empty() || !declines.empty(); };
  while (!decisions.waiting.empty()) {
    const bool in_time = co_await ctx.WaitCondition(decided, until - ctx.Now());
    if (!in_time && !decided()) co_return;  // a decision that came together with the end of the time counts
    while (const auto signal = declines.TryReceive()) {
      const std::string draft = TakeDraft(kDeclineSignal, *signal, decisions);
      if (!draft.empty()) decisions.declined.push_back(draft);
    }
    while (const auto signal = approvals.TryReceive()) {
      const std::string draft = TakeDraft(kApproveSignal, *signal, decisions);
      if (draft.empty()) continue;
      co_await Activate(ctx, draft, signal->at("author").get<std::string>(), signal->at("reason").get<std::string>());
      decisions.activated.push_back(draft);
    }
  }
}

Task<void> ApplyDrafts(sdk::WorkflowContext& ctx, std::string report_id, std::vector<std::string> claimed,
                       DraftDecisions& decisions) {
  const std::string reason = "strongest claim of report " + report_id;
  std::set<std::string> done;
  for (const std::string& draft : claimed) {
    if (!done.insert(TemplateOf(draft)).second) continue;
    co_await Activate(ctx, draft, std::string(kAutoApplyAuthor), reason);
    std::erase(decisions.waiting, draft);
    decisions.activated.push_back(draft);
  }
}

}  // namespace wfe::workflows
