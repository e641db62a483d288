// One run of an optimizer session: its steps, and what it waits for.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workflows/optimizer/session_workflow.h"
#include "workflows/optimizer/variant_trials.h"

namespace wfe::workflows {

/// Lives in the workflow function's frame.
class SessionRun {
 public:
  SessionRun(sdk::WorkflowContext& ctx, SessionInput input);

  sdk::Task<SessionResult> Go();

 private:
  /// Thrown by a step after which there is nothing more to do.
  struct Over {
    std::string_view outcome;
    std::string why;
  };
  // The steps, in their order.
  sdk::Task<void> Begin();
  sdk::Task<void> Profile();
  sdk::Task<void> Suggest();
  sdk::Task<void> Search();
  sdk::Task<void> Validate();
  sdk::Task<void> Decide();
  sdk::Task<void> MakeVersion();
  sdk::Task<void> Test();
  sdk::Task<void> RollOut();
  sdk::Task<void> Activate();
  sdk::Task<void> Watch();
  sdk::Task<void> End(std::string outcome, std::string why);

  sdk::Task<void> Tell(std::string_view kind, std::string reason, nlohmann::json data, std::string author = {});
  sdk::Task<void> TakeDecision(SessionDecision decision);
  sdk::Task<std::string> WhyNotTogether(std::vector<std::string> ids);
  std::vector<std::string> Undecided() const;
  std::vector<std::string> Approved() const;
  std::vector<std::string> ReadyWithoutAsking() const;
  std::vector<optimizer::GraphChange> ChangesOf(const std::vector<std::string>& ids) const;
  bool NeedsExperiment() const;
  void ContinueWhenLong();

  const optimizer::SessionHeader& header() const { return progress_->header; }
  const optimizer::SessionOptions& options() const { return progress_->header.options; }
  optimizer::SessionState& state() { return progress_->state; }
  const optimizer::SessionState& state() const { return progress_->state; }
  std::string Time() const;

  sdk::WorkflowContext& ctx_;
  SessionInput input_;
  std::shared_ptr<SessionProgress> progress_ = std::make_shared<SessionProgress>();
  std::deque<SessionDecision> decisions_;
  std::optional<VariantTrials> trials_;  // from the profile on
};

}  // namespace wfe::workflows
