// What the server says of itself, and its namespaces.
#include "engine/base/excerpt.h"
#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/frontend/method_table.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"
#include "temporal/api/enums/v1/common.pb.h"
#include "temporal/api/enums/v1/namespace.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

namespace {

void GetSystemInfo(const Services& services, const Call& call) {
  ws::GetSystemInfoResponse response;
  response.set_server_version(services.options.server_version);
  // Only what is true (pitfalls 9, 10): the rest stays false until it is served.
  auto& can = *response.mutable_capabilities();
  can.set_signal_and_query_header(true);
  can.set_internal_error_differentiation(true);
  can.set_activity_failure_include_heartbeat(true);
  can.set_encoded_failure_attributes(true);
  can.set_upsert_memo(true);
  can.set_eager_workflow_start(true);
  can.set_sdk_metadata(true);
  can.set_supports_schedules(true);
  can.set_count_group_by_execution_status(true);
  // Workers then say their build id with every task, histories keep it, and replay reads it back (WIRE-F17).
  can.set_build_id_based_versioning(true);
  call.Reply(response);
}

void GetClusterInfo(const Services& services, const Call& call) {
  ws::GetClusterInfoResponse response;
  auto& clients = *response.mutable_supported_clients();
  for (const char* client : {"temporal-cli", "temporal-go", "temporal-java", "temporal-typescript"}) {
    clients[client] = "<3.0.0";
  }
  response.set_server_version(services.options.server_version);
  response.set_cluster_id(services.options.cluster_name);
  response.set_cluster_name(services.options.cluster_name);
  response.set_history_shard_count(static_cast<int32_t>(services.shards.size()));
  response.set_persistence_store("rocksdb");
  response.set_visibility_store("rocksdb");
  call.Reply(response);
}

void FillNamespace(const Services& services, const engine::v1::NamespaceRow& row,
                   ws::DescribeNamespaceResponse* response) {
  auto& info = *response->mutable_namespace_info();
  info.set_name(row.name());
  info.set_id(row.id());
  info.set_description(row.description());
  info.set_state(enums::NAMESPACE_STATE_REGISTERED);
  info.set_supports_schedules(true);
  info.mutable_capabilities()->set_eager_workflow_start(true);
  info.mutable_capabilities()->set_worker_poll_complete_on_shutdown(true);  // WIRE-F22
  info.mutable_limits()->set_blob_size_limit_error(services.options.shard.history.max_payload_bytes);
  info.mutable_limits()->set_memo_size_limit_error(services.options.shard.history.max_payload_bytes);
  auto& config = *response->mutable_config();
  // What a namespace was registered with is kept in its row, but nothing is deleted by it: 0 says so (WIRE-F20).
  config.mutable_workflow_execution_retention_ttl();
  config.set_history_archival_state(enums::ARCHIVAL_STATE_DISABLED);
  config.set_visibility_archival_state(enums::ARCHIVAL_STATE_DISABLED);
  response->mutable_replication_config()->set_active_cluster_name(services.options.cluster_name);
  response->mutable_replication_config()->add_clusters()->set_cluster_name(services.options.cluster_name);
}

void DescribeNamespace(const Services& services, const ws::DescribeNamespaceRequest& request, const Call& call) {
  std::optional<engine::v1::NamespaceRow> row;
  if (!request.id().empty() && request.namespace_().empty()) {
    row = services.namespaces.FindById(request.id());
    if (!row) return call.Fail(NotFound("Namespace with id " + Excerpt(request.id()) + " is not found."));
  } else {
    if (Status valid = CheckNamespace(services, request.namespace_()); !valid) {
      return call.Fail(std::move(valid).error());
    }
    row = services.namespaces.Find(request.namespace_());
  }
  ws::DescribeNamespaceResponse response;
  FillNamespace(services, *row, &response);
  call.Reply(response);
}

void ListNamespaces(const Services& services, const ws::ListNamespacesRequest& request, const Call& call) {
  const size_t page_size = request.page_size() > 0 ? std::min(request.page_size(), 1000) : 100;
  const auto rows = services.namespaces.List(request.next_page_token(), page_size);
  ws::ListNamespacesResponse response;
  for (const auto& row : rows) FillNamespace(services, row, response.add_namespaces());
  if (rows.size() == page_size) response.set_next_page_token(rows.back().name());
  call.Reply(response);
}

void RegisterNamespace(Services& services, const ws::RegisterNamespaceRequest& request, Call call) {
  const std::string& name = request.namespace_();
  if (Status valid = CheckId(services, "Namespace", name, true); !valid) return call.Fail(std::move(valid).error());
  if (request.is_global_namespace()) return call.Fail(Unimplemented("global namespaces are not served by wfe"));
  const Duration retention = request.has_workflow_execution_retention_period()
                                 ? FromProto(request.workflow_execution_retention_period())
                                 : services.options.default_retention;
  if (retention < std::chrono::hours(1)) {  // S106
    return call.Fail(InvalidArgument("WorkflowExecutionRetentionPeriod of a namespace must be at least 1 hour."));
  }
  engine::v1::NamespaceRow row;
  row.set_name(name);
  row.set_id(services.host.ids.NewUuid());
  row.set_description(request.description());
  *row.mutable_retention() = ToProto(retention);
  *row.mutable_created() = ToProto(services.host.clock.Now());
  services.RegisterNamespace(std::move(row), [call](Status status) {
    if (!status) {
      Error error = std::move(status).error();
      if (error.code == StatusCode::kAlreadyExists) {
        const temporal::api::errordetails::v1::NamespaceAlreadyExistsFailure failure;
        error.details.push_back({failure.GetTypeName(), Serialize(failure)});
      }
      return call.Fail(std::move(error));
    }
    call.ReplyBytes({});
  });
}

// What a list filter may name.
void GetSearchAttributes(const Call& call) {
  ws::GetSearchAttributesResponse response;
  auto& keys = *response.mutable_keys();
  for (const char* key : {"WorkflowId", "RunId", "WorkflowType", "ExecutionStatus", "TaskQueue"}) {
    keys[key] = enums::INDEXED_VALUE_TYPE_KEYWORD;
  }
  for (const char* key : {"StartTime", "CloseTime"}) keys[key] = enums::INDEXED_VALUE_TYPE_DATETIME;
  call.Reply(response);
}

}  // namespace

void ServeSystem(MethodTable& table, Services& services) {
  table.ServeBriefly<ws::GetSystemInfoRequest>(kWorkflowService, "GetSystemInfo",
                                               [&services](const auto&, Call call) { GetSystemInfo(services, call); });
  table.ServeBriefly<ws::GetClusterInfoRequest>(
      kWorkflowService, "GetClusterInfo", [&services](const auto&, Call call) { GetClusterInfo(services, call); });
  table.ServeBriefly<ws::DescribeNamespaceRequest>(
      kWorkflowService, "DescribeNamespace",
      [&services](const auto& request, Call call) { DescribeNamespace(services, request, call); });
  table.ServeBriefly<ws::ListNamespacesRequest>(
      kWorkflowService, "ListNamespaces",
      [&services](const auto& request, Call call) { ListNamespaces(services, request, call); });
  table.ServeBriefly<ws::RegisterNamespaceRequest>(
      kWorkflowService, "RegisterNamespace",
      [&services](const auto& request, Call call) { RegisterNamespace(services, request, std::move(call)); });
  table.ServeBriefly<ws::GetSearchAttributesRequest>(kWorkflowService, "GetSearchAttributes",
                                                     [](const auto&, Call call) { GetSearchAttributes(call); });
}

}  // namespace wfe::frontend
