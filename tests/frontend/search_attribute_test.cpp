// The registry of search attributes (WIRE-F14): OperatorService adds, lists and removes them; starts, schedules and
// commands are held to it.  Sentences and types are a real server's, 1.29.1.
#include <gmock/gmock.h>

#include "temporal/api/enums/v1/common.pb.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/operatorservice/v1/request_response.pb.h"
#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
namespace enums = temporal::api::enums::v1;
namespace os = temporal::api::operatorservice::v1;

class SearchAttributes : public testing::EngineFixture {
 protected:
  template <class Response, class Request>
  testing::Pending<Response> Operator(const std::string& method, Request request) {
    request.set_namespace_("default");
    auto call = std::make_shared<testing::TestCall>(loop_.Now() + 10s);
    engine_->dispatcher().Dispatch("temporal.api.operatorservice.v1.OperatorService", method,
                                   request.SerializeAsString(), call);
    loop_.RunReady();
    return testing::Pending<Response>(call);
  }
  testing::Pending<os::AddSearchAttributesResponse> Add(const std::string& name, enums::IndexedValueType type) {
    os::AddSearchAttributesRequest request;
    (*request.mutable_search_attributes())[name] = type;
    return Operator<os::AddSearchAttributesResponse>("AddSearchAttributes", request);
  }
  os::ListSearchAttributesResponse List() {
    return Operator<os::ListSearchAttributesResponse>("ListSearchAttributes", os::ListSearchAttributesRequest())
        .Value();
  }
  std::map<std::string, enums::IndexedValueType> Custom() {
    const auto listed = List().custom_attributes();
    return {listed.begin(), listed.end()};
  }
  static temporal::api::common::v1::Payload Json(const std::string& text) {
    temporal::api::common::v1::Payload payload;
    (*payload.mutable_metadata())["encoding"] = "json/plain";
    payload.set_data(text);
    return payload;
  }
  testing::Pending<StartWorkflowExecutionResponse> Start(const std::string& id, const std::string& name,
                                                         const std::string& json) {
    auto request = StartRequest(id);
    (*request.mutable_search_attributes()->mutable_indexed_fields())[name] = Json(json);
    return Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request);
  }
  static std::string TypeOf(const temporal::api::common::v1::SearchAttributes& attributes, const std::string& name) {
    return attributes.indexed_fields().at(name).metadata().at("type");
  }
  DescribeWorkflowExecutionResponse Describe(const std::string& id) {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    return Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request).Value();
  }
};

TEST_F(SearchAttributes, AreAddedListedKeptAndRemoved) {
  EXPECT_TRUE(Custom().empty());
  EXPECT_EQ(List().system_attributes().at("WorkflowId"), enums::INDEXED_VALUE_TYPE_KEYWORD);
  EXPECT_EQ(List().system_attributes().at("TemporalChangeVersion"), enums::INDEXED_VALUE_TYPE_KEYWORD_LIST);
  Add("Customer", enums::INDEXED_VALUE_TYPE_KEYWORD).Value();
  Add("Amount", enums::INDEXED_VALUE_TYPE_DOUBLE).Value();
  Add("Customer", enums::INDEXED_VALUE_TYPE_INT).Value();  // what is there keeps its type
  Crash();
  Boot();
  EXPECT_THAT(Custom(), UnorderedElementsAre(Pair("Customer", enums::INDEXED_VALUE_TYPE_KEYWORD),
                                             Pair("Amount", enums::INDEXED_VALUE_TYPE_DOUBLE)));
  os::RemoveSearchAttributesRequest remove;
  remove.add_search_attributes("Customer");
  remove.add_search_attributes("Unknown");
  Operator<os::RemoveSearchAttributesResponse>("RemoveSearchAttributes", remove).Value();
  EXPECT_THAT(Custom(), UnorderedElementsAre(Pair("Amount", enums::INDEXED_VALUE_TYPE_DOUBLE)));
  EXPECT_EQ(Start("w", "Customer", "\"x\"").error().message,
            "Namespace default has no mapping defined for search attribute Customer");
}

TEST_F(SearchAttributes, NamesOfTheServersOwnAndTypesThatAreNoneAreRefused) {
  for (const char* name : {"WorkflowType", "TemporalChangeVersion", "TemporalAnything", "BuildIds"}) {
    const Error error = Add(name, enums::INDEXED_VALUE_TYPE_KEYWORD).error();
    EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
    EXPECT_EQ(error.message, "Search attribute " + std::string(name) + " is reserved by system.");
  }
  EXPECT_EQ(Add("A", static_cast<enums::IndexedValueType>(99)).error().message, "Unknown search attribute type: 99.");
  EXPECT_EQ(Add("A", enums::INDEXED_VALUE_TYPE_UNSPECIFIED).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(Add("", enums::INDEXED_VALUE_TYPE_INT).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(Add(std::string(2000, 'x'), enums::INDEXED_VALUE_TYPE_INT).error().code, StatusCode::kInvalidArgument);
  os::RemoveSearchAttributesRequest remove;
  EXPECT_EQ(Operator<os::RemoveSearchAttributesResponse>("RemoveSearchAttributes", remove).error().message,
            "SearchAttributes are not set on request.");
  remove.add_search_attributes("WorkflowType");
  EXPECT_EQ(Operator<os::RemoveSearchAttributesResponse>("RemoveSearchAttributes", remove).error().message,
            "Unable to remove non-custom search attributes: WorkflowType.");
}

TEST_F(SearchAttributes, AreLimitedInNumber) {
  os::AddSearchAttributesRequest request;
  for (int64_t i = 0; i <= options_.max_custom_search_attributes; ++i) {
    (*request.mutable_search_attributes())["A" + std::to_string(i)] = enums::INDEXED_VALUE_TYPE_INT;
  }
  EXPECT_EQ(Operator<os::AddSearchAttributesResponse>("AddSearchAttributes", request).error().code,
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(Custom().empty());
}

// Python's test_search_attributes_on_dev_server.
TEST_F(SearchAttributes, ComeBackWithTheirTypeFromHistoryDescribeAndList) {
  Add("Customer", enums::INDEXED_VALUE_TYPE_KEYWORD).Value();
  Add("Amount", enums::INDEXED_VALUE_TYPE_INT).Value();
  Start("w", "Customer", "\"x\"").Value();
  EXPECT_EQ(TypeOf(History("w")[0].workflow_execution_started_event_attributes().search_attributes(), "Customer"),
            "Keyword");
  EXPECT_EQ(TypeOf(Describe("w").workflow_execution_info().search_attributes(), "Customer"), "Keyword");

  auto completion = Completion(PollWorkflow().Value());
  auto& command = *completion.add_commands();
  command.set_command_type(enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES);
  (*command.mutable_upsert_workflow_search_attributes_command_attributes()
        ->mutable_search_attributes()
        ->mutable_indexed_fields())["Amount"] = Json("3");
  Complete(completion).Value();
  EXPECT_EQ(TypeOf(History("w")[4].upsert_workflow_search_attributes_event_attributes().search_attributes(), "Amount"),
            "Int");
  ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  const auto listed = Send<ListWorkflowExecutionsResponse>("ListWorkflowExecutions", list).Value();
  EXPECT_EQ(TypeOf(listed.executions(0).search_attributes(), "Amount"), "Int");
}

TEST_F(SearchAttributes, ThatAreUnknownOrTheServersOwnAreRefusedAtAStart) {
  Error error = Start("w", "Unknown", "1").error();
  EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
  EXPECT_EQ(error.message, "Namespace default has no mapping defined for search attribute Unknown");
  EXPECT_EQ(Start("w", "WorkflowType", "\"x\"").error().message,
            "WorkflowType attribute can't be set in SearchAttributes");
  Start("w", "BuildIds", "[\"a\"]").Value();
}

TEST_F(SearchAttributes, OfACommandThatAreUnknownFailItsTask) {
  StartWorkflow("w");
  auto completion = Completion(PollWorkflow().Value());
  auto& command = *completion.add_commands();
  command.set_command_type(enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES);
  (*command.mutable_upsert_workflow_search_attributes_command_attributes()
        ->mutable_search_attributes()
        ->mutable_indexed_fields())["Unknown"] = Json("1");
  const Error error = Complete(completion).error();
  EXPECT_EQ(error.code, StatusCode::kInvalidArgument);
  const std::string sentence =
      "BadSearchAttributes: Namespace default has no mapping defined for search attribute Unknown";
  EXPECT_EQ(error.message, sentence);
  const auto failed = History("w")[3].workflow_task_failed_event_attributes();
  EXPECT_EQ(failed.cause(), enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES);
  EXPECT_EQ(failed.failure().message(), sentence);
  EXPECT_EQ(PollWorkflow().Value().attempt(), 2);
}

TEST_F(SearchAttributes, OfASchedulesActionAreCheckedWhenItIsMade) {
  CreateScheduleRequest request;
  request.set_namespace_("default");
  request.set_schedule_id("s");
  request.mutable_schedule()->mutable_spec()->add_interval()->mutable_interval()->set_seconds(3600);
  auto& action = *request.mutable_schedule()->mutable_action()->mutable_start_workflow();
  action.set_workflow_id("w");
  action.mutable_workflow_type()->set_name("T");
  action.mutable_task_queue()->set_name("tq");
  (*action.mutable_search_attributes()->mutable_indexed_fields())["Customer"] = Json("\"x\"");
  EXPECT_EQ(Send<CreateScheduleResponse>("CreateSchedule", request).error().code, StatusCode::kInvalidArgument);
  Add("Customer", enums::INDEXED_VALUE_TYPE_KEYWORD).Value();
  Send<CreateScheduleResponse>("CreateSchedule", request).Value();
  PatchScheduleRequest patch;
  patch.set_namespace_("default");
  patch.set_schedule_id("s");
  patch.mutable_patch()->mutable_trigger_immediately();
  Send<PatchScheduleResponse>("PatchSchedule", patch).Value();
  const auto task = PollWorkflow().Value();
  const auto started = task.history().events(0).workflow_execution_started_event_attributes().search_attributes();
  EXPECT_EQ(TypeOf(started, "Customer"), "Keyword");
  EXPECT_EQ(TypeOf(started, "TemporalScheduledById"), "Keyword");
}

struct ValueCase {
  enums::IndexedValueType type;
  std::vector<const char*> good;
  std::vector<const char*> bad;
};

TEST_F(SearchAttributes, ValuesMustBeOfTheirType) {
  const std::vector<ValueCase> cases = {
      {enums::INDEXED_VALUE_TYPE_TEXT, {"\"x\"", "[\"a\"]", "[]", "null"}, {"3", "true", "[3]", "{}", "zz"}},
      {enums::INDEXED_VALUE_TYPE_KEYWORD, {"\"x\"", "[\"a\"]", "[]", "null"}, {"3.5", "[\"a\",\"b\"]", "{}"}},
      {enums::INDEXED_VALUE_TYPE_INT, {"3", "[3]", "[]", "null"}, {"\"x\"", "3.5", "true"}},
      {enums::INDEXED_VALUE_TYPE_DOUBLE, {"3", "3.5", "[3]"}, {"\"x\"", "true"}},
      {enums::INDEXED_VALUE_TYPE_BOOL, {"true", "[]", "null"}, {"\"x\"", "3"}},
      {enums::INDEXED_VALUE_TYPE_DATETIME,
       {"\"2026-01-02T03:04:05Z\"", "\"2026-01-02T03:04:05.123+02:00\""},
       {"\"x\"", "3", "\"2026-01-02\""}},
      {enums::INDEXED_VALUE_TYPE_KEYWORD_LIST, {"[\"a\",\"b\"]", "[]", "null"}, {"\"x\"", "[3]"}},
  };
  int number = 0;
  for (const ValueCase& each : cases) {
    const std::string name = "A" + std::to_string(each.type);
    Add(name, each.type).Value();
    for (const char* json : each.good) {
      EXPECT_TRUE(Start("w" + std::to_string(++number), name, json).Get().has_value()) << name << " " << json;
    }
    for (const char* json : each.bad) {
      const Error error = Start("w" + std::to_string(++number), name, json).error();
      EXPECT_EQ(error.code, StatusCode::kInvalidArgument) << json;
      EXPECT_THAT(error.message, ::testing::HasSubstr("invalid value for search attribute " + name + " of type "));
    }
  }
}

}  // namespace
}  // namespace wfe
