// activateDraft: what a person, or auto_apply, decided about a draft.
#include "activities/analytics/steps/aggregate.h"

namespace wfe::analytics {

sdk::ActivityResult<ActivateDraftResult> ActivateDraft(const OptimizationConfig& config, sdk::ActivityContext&,
                                                       const ActivateDraftInput& input) {
  if (!config.templates) return FailedPrecondition("this worker has no template store");
  WFE_ASSIGN_OR_RETURN(const prompts::TemplateChange change,
                       config.templates->Activate(input.template_id, input.version, input.author, input.reason));
  return ActivateDraftResult{.version = change.version, .previous_version = change.previous_version};
}

}  // namespace wfe::analytics
