#include "activities/packaged/permits/register.h"

#include "activities/packaged/common/register.h"
#include "activities/packaged/permits/steps.h"

namespace wfe::packaged {

void RegisterPermitActivities(sdk::ActivityRegistry& registry, const std::shared_ptr<const PackagedConfig>& config,
                              const documents::ReadSettings& reading) {
  registry.Register(kLoadPermits, [config, reading](sdk::ActivityContext& context, const LoadPermitsInput& input) {
    return LoadPermits(*config, reading, context, input);
  });
  ServePackaged(registry, config, kExtractPermit, &ExtractPermit);
  ServePackaged(registry, config, kReviewPermit, &ReviewPermit);
  ServePackaged(registry, config, kCheckPermits, &CheckPermits);
  ServePackaged(registry, config, kReviewConsistency, &ReviewConsistency);
  ServePackaged(registry, config, kWritePermits, &WritePermits);
}

}  // namespace wfe::packaged
