#include "activities/build/checks/host_info.h"

namespace wfe::build {

void RegisterHostActivities(sdk::ActivityRegistry& registry, HostInfo info) {
  registry.Register(kDescribeHost, [info = std::move(info)](sdk::ActivityContext&, const sdk::Nothing&) {
    return sdk::ActivityResult<HostInfo>(info);
  });
}

}  // namespace wfe::build
