#include "activities/packaged/common/register.h"

#include "activities/packaged/common/deliverables.h"

namespace wfe::packaged {

void RegisterDeliverableActivities(sdk::ActivityRegistry& registry, const PackagedConfig& config) {
  registry.Register(kPrepareDeliverables, [](sdk::ActivityContext&, const PrepareDeliverablesInput& input) {
    return PrepareDeliverables(input);
  });
  registry.Register(kSaveDeliverables,
                    [records = config.records](sdk::ActivityContext&, const SaveDeliverablesInput& input) {
                      return SaveDeliverables(*records, input);
                    });
}

}  // namespace wfe::packaged
