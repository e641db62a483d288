#include "activities/compliance/host_info.h"

namespace wfe::activities {

void to_json(nlohmann::json& json, const HostInfo& info) {
  json = {{"host_queue", info.host_queue}, {"work_root", info.work_root}, {"host_timeout_s", info.host_timeout_s}};
}

void from_json(const nlohmann::json& json, HostInfo& info) {
  info.host_queue = json.at("host_queue").get<std::string>();
  info.work_root = json.at("work_root").get<std::string>();
  info.host_timeout_s = json.value("host_timeout_s", info.host_timeout_s);
}

void RegisterHostActivities(sdk::ActivityRegistry& registry, HostInfo info) {
  registry.Register(kDescribeHost, [info = std::move(info)](sdk::ActivityContext&, const sdk::Nothing&) {
    return sdk::ActivityResult<HostInfo>(info);
  });
}

}  // namespace wfe::activities
