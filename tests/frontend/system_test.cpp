// What the server says of itself, its namespaces, lists and records; and what it does not serve.
#include <gmock/gmock.h>

#include <map>

#include "tests/support/engine_fixture.h"
#include "wfe/records/v1/records.pb.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::HasSubstr;

class System : public testing::EngineFixture {
 protected:
  Result<std::string> Raw(const std::string& service, const std::string& method, const std::string& bytes) {
    auto call = std::make_shared<testing::TestCall>(loop_.Now() + 10s);
    engine_->dispatcher().Dispatch(service, method, bytes, call);
    loop_.RunReady();
    EXPECT_TRUE(call->reply().has_value());
    return *call->reply();
  }
};

TEST_F(System, AMethodThatIsNotServedIsNamed) {
  for (const char* method : {"UpdateWorkflowExecution", "PollNexusTaskQueue", "NoSuchMethod"}) {
    const Error error = Raw(kService, method, "").error();
    EXPECT_EQ(error.code, StatusCode::kUnimplemented);
    EXPECT_EQ(error.message, std::string(method) + " is not served by wfe");
  }
  EXPECT_EQ(Raw("other.Service", "StartWorkflowExecution", "").error().code, StatusCode::kUnimplemented);
}

TEST_F(System, BytesThatAreNoRequestAreRefused) {  // F18
  const Error error = Raw(kService, "StartWorkflowExecution", "\xff\xff\xff").error();
  EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
  EXPECT_THAT(error.message, HasSubstr("StartWorkflowExecutionRequest"));
  EXPECT_EQ(Raw(kService, "PollWorkflowTaskQueue", "\x0a\x7f").error().code, StatusCode::kInvalidArgument);
}

// S57, WIRE-F10: SDKs know by this very text that sending it again is useless.
TEST_F(System, ARequestBeyondTheLimitIsRefused) {
  for (const char* method : {"StartWorkflowExecution", "RespondWorkflowTaskCompleted", "RecordActivityTaskHeartbeat",
                             "RespondQueryTaskCompleted"}) {
    const Error error = Raw(kService, method, std::string((4 << 20) + 1, '\0')).error();
    EXPECT_EQ(error.code, StatusCode::kResourceExhausted);
    EXPECT_EQ(error.message, "grpc: received message larger than max (4194305 vs. 4194304)");
  }
  EXPECT_NE(Raw(kService, "StartWorkflowExecution", std::string(4 << 20, '\0')).error().code,
            StatusCode::kResourceExhausted);
}

TEST_F(System, CapabilitiesAreTrue) {  // pitfalls 9, 10
  const auto can = Send<GetSystemInfoResponse>("GetSystemInfo", GetSystemInfoRequest()).Value().capabilities();
  EXPECT_TRUE(can.signal_and_query_header());
  EXPECT_TRUE(can.activity_failure_include_heartbeat());
  EXPECT_TRUE(can.sdk_metadata());
  EXPECT_TRUE(can.supports_schedules());
  EXPECT_FALSE(can.nexus());
  DescribeNamespaceRequest describe;
  describe.set_namespace_("default");
  const auto info = Send<DescribeNamespaceResponse>("DescribeNamespace", describe).Value().namespace_info();
  EXPECT_FALSE(info.capabilities().worker_heartbeats());
  EXPECT_FALSE(info.capabilities().worker_commands());
  EXPECT_FALSE(info.capabilities().poller_autoscaling());
  EXPECT_TRUE(info.supports_schedules());
  EXPECT_NE(info.id(), "");
}

TEST_F(System, NamespacesAreRegisteredOnceAndListed) {
  RegisterNamespaceRequest request;
  request.set_namespace_("team");
  request.mutable_workflow_execution_retention_period()->set_seconds(24 * 3600);
  Send<RegisterNamespaceResponse>("RegisterNamespace", request).Value();
  const Error again = Send<RegisterNamespaceResponse>("RegisterNamespace", request).error();
  EXPECT_EQ(again.code, StatusCode::kAlreadyExists);
  EXPECT_EQ(again.details.at(0).type_name, "temporal.api.errordetails.v1.NamespaceAlreadyExistsFailure");

  ListNamespacesRequest list;
  list.set_page_size(1);
  std::vector<std::string> names;
  do {
    const auto page = Send<ListNamespacesResponse>("ListNamespaces", list).Value();
    for (const auto& one : page.namespaces()) names.push_back(one.namespace_info().name());
    list.set_next_page_token(page.next_page_token());
  } while (!list.next_page_token().empty());
  EXPECT_THAT(names, ::testing::ElementsAre("default", "team"));

  request.set_namespace_("hasty");
  request.mutable_workflow_execution_retention_period()->set_seconds(60);
  EXPECT_EQ(Send<RegisterNamespaceResponse>("RegisterNamespace", request).error().code, StatusCode::kInvalidArgument);
}

TEST_F(System, AWorkflowIdIsOneThingInEachNamespace) {
  RegisterNamespaceRequest request;
  request.set_namespace_("team");
  Send<RegisterNamespaceResponse>("RegisterNamespace", request).Value();
  StartWorkflow("w");
  auto start = StartRequest("w");
  start.set_namespace_("team");
  Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", start).Value();
  PollWorkflow().Value();
  EXPECT_FALSE(PollWorkflow().done()) << "a task of another namespace is not for this poller";
}

TEST_F(System, ExecutionsAreListedAndCounted) {  // EN-7
  for (const char* id : {"a", "b", "c"}) StartWorkflow(id);
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();

  ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  EXPECT_EQ(Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).Value().executions_size(), 3);
  list.set_query("ExecutionStatus = 'Completed'");
  const auto closed = Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).Value();
  ASSERT_EQ(closed.executions_size(), 1);
  EXPECT_EQ(closed.executions(0).execution().workflow_id(), "a");
  EXPECT_EQ(closed.executions(0).history_length(), 5);
  EXPECT_TRUE(closed.executions(0).has_close_time());
  list.set_query("nonsense");
  EXPECT_EQ(Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).error().code,
            StatusCode::kInvalidArgument);

  CountWorkflowExecutionsRequest count;
  count.set_namespace_("default");
  count.set_query("ExecutionStatus = 'Running'");
  EXPECT_EQ(Send<CountWorkflowExecutionsResponse>("CountWorkflowExecutions", count).Value().count(), 2);
}

// Announced by `count_group_by_execution_status`; a real server's answers, 1.29.1.
TEST_F(System, ExecutionsAreCountedForEachStatus) {
  EXPECT_TRUE(Send<GetSystemInfoResponse>("GetSystemInfo", GetSystemInfoRequest())
                  .Value()
                  .capabilities()
                  .count_group_by_execution_status());
  for (const char* id : {"a", "b", "c"}) StartWorkflow(id);
  auto completion = Completion(PollWorkflow().Value());
  *completion.add_commands() = CompleteWorkflow();
  Complete(completion).Value();
  CountWorkflowExecutionsRequest count;
  count.set_namespace_("default");
  const auto groups = [&](const std::string& query) {
    count.set_query(query);
    std::map<std::string, int64_t> told;
    const auto response = Send<CountWorkflowExecutionsResponse>("CountWorkflowExecutions", count).Value();
    int64_t sum = 0;
    for (const auto& group : response.groups()) {
      told[group.group_values(0).data()] = group.count();
      EXPECT_EQ(group.group_values(0).metadata().at("type"), "Keyword");
      sum += group.count();
    }
    EXPECT_EQ(response.count(), sum);
    return told;
  };
  using Groups = std::map<std::string, int64_t>;
  EXPECT_EQ(groups("GROUP BY ExecutionStatus"), (Groups{{"\"Running\"", 2}, {"\"Completed\"", 1}}));
  EXPECT_EQ(groups("ExecutionStatus = 'Running' group by ExecutionStatus "), (Groups{{"\"Running\"", 2}}));
  EXPECT_EQ(groups("WorkflowId = 'nobody' GROUP BY ExecutionStatus"), Groups());
  count.set_query("GROUP BY WorkflowType");
  EXPECT_EQ(Send<CountWorkflowExecutionsResponse>("CountWorkflowExecutions", count).error().message,
            "invalid query: operation is not supported: 'group by' clause is only supported for ExecutionStatus search "
            "attribute");
  count.set_query("WorkflowId = 'x GROUP BY ExecutionStatus'");
  EXPECT_EQ(Send<CountWorkflowExecutionsResponse>("CountWorkflowExecutions", count).Value().groups_size(), 0);
}

TEST_F(System, RecordsAreServedBesides) {  // D7
  records::v1::AppendRowRequest append;
  append.set_table("traces");
  append.set_key("k");
  append.set_value("v");
  const std::string service = "wfe.records.v1.RecordsService";
  EXPECT_TRUE(Raw(service, "AppendRow", append.SerializeAsString()).has_value());
  records::v1::AppendRowResponse again;
  ASSERT_TRUE(again.ParseFromString(Raw(service, "AppendRow", append.SerializeAsString()).value()));
  EXPECT_TRUE(again.already_present());
  EXPECT_TRUE(Raw(service, "GetInfo", "").has_value());
  EXPECT_EQ(Raw(service, "Forget", "").error().code, StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace wfe
