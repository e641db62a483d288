#include "activities/compliance/host_info.h"

namespace wfe::activities {

void RegisterHostActivities(sdk::ActivityRegistry& registry, HostInfo info) {
  registry.Register(kDescribeHost, [info = std::move(info)](sdk::ActivityContext&, const sdk::Nothing&) {
    return sdk::ActivityResult<HostInfo>(info);
  });
}

}  // namespace wfe::activities
