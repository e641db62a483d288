// What DescribeTaskQueue says of a queue and who polls it (WIRE-F19): in the old form, and in the "enhanced" one that asks
// for several types at once.
#include <algorithm>
#include <memory>

#include "engine/base/proto_time.h"
#include "engine/frontend/method_table.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"
#include "temporal/api/enums/v1/task_queue.pb.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
namespace tq = temporal::api::taskqueue::v1;
using Described = runtime::PollBroker::QueueDescription;

namespace {

/// All there is: no worker is versioned.
constexpr const char* kUnversioned = "__unversioned__";

matching::QueueKey KeyOf(const ws::DescribeTaskQueueRequest& request, enums::TaskQueueType type) {
  return {Namespace(request.namespace_()),
          type == enums::TASK_QUEUE_TYPE_ACTIVITY ? matching::QueueType::kActivity : matching::QueueType::kWorkflow,
          request.task_queue().name()};
}

template <class Pollers>
void FillPollers(const Described& described, Pollers* pollers) {
  for (const auto& seen : described.pollers) {
    auto& poller = *pollers->Add();
    poller.set_identity(seen.identity);
    *poller.mutable_last_access_time() = ToProto(seen.last_access);
  }
}

tq::TaskQueueStats StatsOf(const Described& described) {
  tq::TaskQueueStats stats;
  stats.set_approximate_backlog_count(described.backlog);
  if (described.backlog == 0) stats.mutable_approximate_backlog_age();
  return stats;
}

void DescribeOne(Services& services, const ws::DescribeTaskQueueRequest& request, Call call) {
  const bool status = request.include_task_queue_status();
  services.broker->Describe(KeyOf(request, request.task_queue_type()),
                            [status, stats = request.report_stats(), call = std::move(call)](Described described) {
                              ws::DescribeTaskQueueResponse response;
                              FillPollers(described, response.mutable_pollers());
                              if (stats) *response.mutable_stats() = StatsOf(described);
                              if (status) {  // clients read it unasked, its block of ids too
                                response.mutable_task_queue_status()->set_backlog_count_hint(described.backlog);
                                response.mutable_task_queue_status()->mutable_task_id_block();
                              }
                              response.mutable_versioning_info()->set_current_version(kUnversioned);
                              call.Reply(response);
                            });
}

/// Answers when the last type has been described.
struct Enhanced {
  ws::DescribeTaskQueueResponse response;
  size_t left = 0;
};

void DescribeEnhanced(Services& services, const ws::DescribeTaskQueueRequest& request, const Call& call) {
  std::vector<enums::TaskQueueType> types;
  for (const int type : request.task_queue_types()) types.push_back(static_cast<enums::TaskQueueType>(type));
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  if (types.empty()) types = {enums::TASK_QUEUE_TYPE_WORKFLOW, enums::TASK_QUEUE_TYPE_ACTIVITY};
  for (const enums::TaskQueueType type : types) {
    if (type != enums::TASK_QUEUE_TYPE_WORKFLOW && type != enums::TASK_QUEUE_TYPE_ACTIVITY) {
      return call.Fail(Unimplemented("task queues of type " + enums::TaskQueueType_Name(type) + " are not served by wfe"));
    }
  }
  auto enhanced = std::make_shared<Enhanced>();
  enhanced->left = types.size();
  auto& versions = *enhanced->response.mutable_versions_info();
  // Nobody polls for a build: all workers are under the empty one.
  for (const std::string& build : request.versions().build_ids()) {
    for (const enums::TaskQueueType type : types) {
      (*versions[build].mutable_types_info())[type].mutable_stats()->mutable_approximate_backlog_age();
    }
  }
  auto& all = versions[""];
  if (request.report_task_reachability()) all.set_task_reachability(enums::BUILD_ID_TASK_REACHABILITY_REACHABLE);
  for (const enums::TaskQueueType type : types) {
    services.broker->Describe(KeyOf(request, type), [enhanced, type, call](Described described) {
      auto& info = (*(*enhanced->response.mutable_versions_info())[""].mutable_types_info())[type];
      FillPollers(described, info.mutable_pollers());
      *info.mutable_stats() = StatsOf(described);
      if (--enhanced->left == 0) call.Reply(enhanced->response);
    });
  }
}

void DescribeTaskQueue(Services& services, const ws::DescribeTaskQueueRequest& request, Call call) {
  if (Status valid = CheckTaskQueue(services, request.task_queue()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  if (request.api_mode() == enums::DESCRIBE_TASK_QUEUE_MODE_ENHANCED) return DescribeEnhanced(services, request, call);
  DescribeOne(services, request, std::move(call));
}

}  // namespace

void ServeTaskQueues(MethodTable& table, Services& services) {
  table.ServeBriefly<ws::DescribeTaskQueueRequest>(
      kWorkflowService, "DescribeTaskQueue",
      [&services](const auto& request, Call call) { DescribeTaskQueue(services, request, std::move(call)); });
}

}  // namespace wfe::frontend
