#include "activities/batch/register.h"

#include "activities/batch/document_list.h"

namespace wfe::batch {

void RegisterBatchActivities(sdk::ActivityRegistry& registry, BatchConfig config) {
  if (!config.lists) config.lists = std::make_shared<ListCache>();
  const auto shared = std::make_shared<const BatchConfig>(std::move(config));
  const auto serve = [&]<class Input, class Output>(
                         sdk::ActivityType<Input, Output> type,
                         sdk::ActivityResult<Output> (*function)(const BatchConfig&, sdk::ActivityContext&,
                                                                 const Input&)) {
    registry.Register(type, [shared, function](sdk::ActivityContext& context, const Input& input) {
      return function(*shared, context, input);
    });
  };
  serve(kPlanBatch, &PlanBatch);
  serve(kProcessBatch, &ProcessBatch);
  serve(kJoinBatch, &JoinBatch);
}

}  // namespace wfe::batch
