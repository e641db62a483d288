#include "activities/packaged/permits/register.h"

#include "activities/packaged/common/register.h"
#include "activities/packaged/permits/steps.h"

namespace wfe::packaged {

void RegisterPermitActivities(sdk::ActivityRegistry& registry, const std::shared_ptr<const PackagedConfig>& config) {
  ServePackaged(registry, config, kLoadPermits, &LoadPermits);
  ServePackaged(registry, config, kExtractPermit, &ExtractPermit);
  ServePackaged(registry, config, kReviewPermit, &ReviewPermit);
  ServePackaged(registry, config, kCheckPermits, &CheckPermits);
  ServePackaged(registry, config, kReviewConsistency, &ReviewConsistency);
  ServePackaged(registry, config, kWritePermits, &WritePermits);
}

}  // namespace wfe::packaged
