// Obligations are a stored format, and what they become at whom they are owed to is what a real 1.29.1 server writes.
#include "engine/history/obligations.h"

#include <gmock/gmock.h>

#include "engine/base/hash.h"
#include "engine/base/serialize.h"
#include "engine/history/decide.h"
#include "engine/history/names.h"

namespace wfe::history {
namespace {

const ObligationId kId{{Namespace("default"), WorkflowId("p"), RunId("r")}, ObligationNumber(3, 1)};

TEST(Obligations, TheBytesAreThese) {
  Obligation start;
  start.set_namespace_("n");
  start.set_workflow_id("w");
  start.mutable_start_child()->set_initiated_event_id(5);
  start.mutable_start_child()->mutable_initiated()->set_workflow_id("w");
  start.mutable_start_child()->set_run_id("r");
  start.mutable_start_child()->mutable_root()->set_workflow_id("t");
  start.mutable_start_child()->mutable_priority()->set_priority_key(2);
  EXPECT_EQ(ToHex(Serialize(start)), "0a016e1201771a130805120312017" + std::string("71a01722a030a017432020802"));
  Obligation signal;
  signal.mutable_signal()->set_initiated_event_id(6);
  signal.mutable_signal()->mutable_initiated()->set_signal_name("s");
  EXPECT_EQ(ToHex(Serialize(signal)), "220708061203220173");
  Obligation cancel;
  cancel.mutable_cancel()->set_initiated_event_id(7);
  cancel.mutable_cancel()->mutable_initiated()->set_reason("s");
  EXPECT_EQ(ToHex(Serialize(cancel)), "2a0708071203320173");
  Obligation close;
  close.mutable_close_child()->set_first_run_id("f");
  close.mutable_close_child()->set_policy(enums::PARENT_CLOSE_POLICY_TERMINATE);
  close.mutable_close_child()->set_initiated_event_id(8);
  EXPECT_EQ(ToHex(Serialize(close)), "32070a016610011808");
  Obligation closed;
  closed.mutable_child_closed()->mutable_parent()->set_initiated_event_id(5);
  closed.mutable_child_closed()->set_run_id("l");
  closed.mutable_child_closed()->set_first_run_id("f");
  closed.mutable_child_closed()->set_status(enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  closed.mutable_child_closed()->set_retry_state(enums::RETRY_STATE_TIMEOUT);
  EXPECT_EQ(ToHex(Serialize(closed)), "3a0e0a02200512016c1a0166280240" + std::string("03"));
}

TEST(Obligations, LaterOnesHaveHigherNumbers) {
  EXPECT_LT(ObligationNumber(1, 0), ObligationNumber(1, 1));
  EXPECT_LT(ObligationNumber(1, 100'000), ObligationNumber(2, 0));
  EXPECT_EQ(kId.ToString(), "r/3145729");
}

TEST(Obligations, OfAParentsCloseEndTheChildInTheServersName) {  // S78
  Obligation::CloseChild close;
  close.set_policy(enums::PARENT_CLOSE_POLICY_TERMINATE);
  const auto terminate = std::get<TerminateRequested>(ChildClosing(kId, close));
  EXPECT_EQ(terminate.reason, "by parent close policy");
  EXPECT_EQ(terminate.identity, "history-service");
  close.set_policy(enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL);
  const auto cancel = std::get<CancelRequested>(ChildClosing(kId, close));
  EXPECT_EQ(cancel.reason, "");
  EXPECT_EQ(cancel.from.execution.workflow_id(), "p");
  EXPECT_EQ(cancel.from.initiated_event_id, 0);
}

TEST(Obligations, AChildStartsWithWhatTheCommandSaidAndNothingOfItsParent) {
  Obligation::StartChild start;
  start.set_initiated_event_id(5);
  start.set_run_id("c");
  auto& initiated = *start.mutable_initiated();
  initiated.set_namespace_("default");
  initiated.set_workflow_id("child");
  initiated.mutable_workflow_type()->set_name("Child");
  initiated.mutable_task_queue()->set_name("q");
  initiated.set_cron_schedule("@daily");
  const StartInput input = ChildStart(kId.owner, start);
  EXPECT_EQ(input.key, (ExecutionKey{Namespace("default"), WorkflowId("child"), RunId("c")}));
  EXPECT_EQ(input.parent->run_id(), "r");
  EXPECT_EQ(input.parent->initiated_event_id(), 5);
  EXPECT_EQ(input.request.identity(), "");
  // What is not served is refused as for any start.
  EXPECT_THAT(CheckStart("child", input.request, Limits()).error().message,
              ::testing::HasSubstr("CronSchedule is not served"));
}

}  // namespace
}  // namespace wfe::history
