#include "engine/frontend/method.h"

#include <array>

#include "engine/records/records_service.h"

namespace wfe::frontend {

namespace {

constexpr auto kRead = Access::kRead;
constexpr auto kWrite = Access::kWrite;
constexpr auto kWorker = Access::kWorker;
constexpr auto kAdmin = Access::kAdmin;
constexpr auto kSmall = Cost::kSmall;
constexpr auto kLarge = Cost::kLarge;
constexpr bool kPolls = true;
constexpr bool kAnswers = false;
constexpr bool kOfServer = false;

constexpr std::string_view kWork = kWorkflowService;
constexpr std::string_view kOperator = kOperatorService;
constexpr std::string_view kRecords = records::kServiceName;

constexpr auto kMethods = std::to_array<MethodFacts>({
    {kWork, "StartWorkflowExecution", kWrite, kSmall},
    {kWork, "SignalWithStartWorkflowExecution", kWrite, kSmall},
    {kWork, "SignalWorkflowExecution", kWrite, kSmall},
    {kWork, "RequestCancelWorkflowExecution", kWrite, kSmall},
    {kWork, "TerminateWorkflowExecution", kWrite, kSmall},
    {kWork, "QueryWorkflow", kRead, kSmall, kPolls},
    {kWork, "DescribeWorkflowExecution", kRead, kSmall},
    {kWork, "GetWorkflowExecutionHistory", kRead, kSmall, kPolls},
    {kWork, "GetWorkflowExecutionHistoryReverse", kRead, kSmall},
    {kWork, "ListWorkflowExecutions", kRead, kLarge},
    {kWork, "CountWorkflowExecutions", kRead, kLarge},

    {kWork, "PollWorkflowTaskQueue", kWorker, kSmall, kPolls},
    {kWork, "RespondWorkflowTaskCompleted", kWorker, kSmall},
    {kWork, "RespondWorkflowTaskFailed", kWorker, kSmall},
    {kWork, "PollActivityTaskQueue", kWorker, kSmall, kPolls},
    {kWork, "RespondActivityTaskCompleted", kWorker, kSmall},
    {kWork, "RespondActivityTaskCompletedById", kWorker, kSmall},
    {kWork, "RespondActivityTaskFailed", kWorker, kSmall},
    {kWork, "RespondActivityTaskFailedById", kWorker, kSmall},
    {kWork, "RespondActivityTaskCanceled", kWorker, kSmall},
    {kWork, "RespondActivityTaskCanceledById", kWorker, kSmall},
    {kWork, "RecordActivityTaskHeartbeat", kWorker, kSmall},
    {kWork, "RecordActivityTaskHeartbeatById", kWorker, kSmall},
    {kWork, "RespondQueryTaskCompleted", kWorker, kSmall},
    {kWork, "ResetStickyTaskQueue", kWorker, kSmall},
    {kWork, "ShutdownWorker", kWorker, kSmall},
    {kWork, "DescribeTaskQueue", kRead, kSmall},

    {kWork, "CreateSchedule", kWrite, kSmall},
    {kWork, "UpdateSchedule", kWrite, kSmall},
    {kWork, "PatchSchedule", kWrite, kSmall},
    {kWork, "DeleteSchedule", kWrite, kSmall},
    {kWork, "DescribeSchedule", kRead, kSmall},
    {kWork, "ListScheduleMatchingTimes", kRead, kSmall},
    {kWork, "ListSchedules", kRead, kLarge},
    {kWork, "CountSchedules", kRead, kLarge},

    {kWork, "GetSystemInfo", kRead, kSmall, kAnswers, kOfServer},
    {kWork, "GetClusterInfo", kRead, kSmall, kAnswers, kOfServer},
    {kWork, "GetSearchAttributes", kRead, kSmall, kAnswers, kOfServer},
    {kWork, "ListNamespaces", kRead, kSmall, kAnswers, kOfServer},
    {kWork, "DescribeNamespace", kRead, kSmall, kAnswers, kOfServer},  // by name or by id
    {kWork, "RegisterNamespace", kAdmin, kLarge, kAnswers, kOfServer},
    {kOperator, "AddSearchAttributes", kAdmin, kLarge},
    {kOperator, "RemoveSearchAttributes", kAdmin, kLarge},
    {kOperator, "ListSearchAttributes", kRead, kSmall},

    {kRecords, "GetInfo", kRead, kLarge, kAnswers, kOfServer},
    {kRecords, "PutBlob", kWorker, kLarge, kAnswers, kOfServer},
    {kRecords, "GetBlob", kRead, kLarge, kAnswers, kOfServer},
    {kRecords, "AppendRow", kWorker, kLarge, kAnswers, kOfServer},
    {kRecords, "ScanRows", kRead, kLarge, kAnswers, kOfServer},
    {kRecords, "PutRow", kWorker, kLarge, kAnswers, kOfServer},
    {kRecords, "DeleteRow", kWorker, kLarge, kAnswers, kOfServer},
    {kRecords, "ReserveBudget", kWorker, kLarge, kAnswers, kOfServer},
    {kRecords, "SettleBudget", kWorker, kLarge, kAnswers, kOfServer},
    {kRecords, "GetBudgets", kRead, kLarge, kAnswers, kOfServer},
    {kRecords, "SetBudget", kAdmin, kLarge, kAnswers, kOfServer},
});

}  // namespace

std::span<const MethodFacts> AllMethods() { return kMethods; }

bool IsTaskPoll(std::string_view service, std::string_view method) {
  return service == kWork && (method == "PollWorkflowTaskQueue" || method == "PollActivityTaskQueue");
}

std::string_view AccessName(Access access) {
  switch (access) {
    case Access::kRead:
      return "read";
    case Access::kWrite:
      return "write";
    case Access::kWorker:
      return "worker";
    case Access::kAdmin:
      return "admin";
  }
  return "admin";
}

}  // namespace wfe::frontend
