// The rows of delivery and the inputs of its workflows are as their schemas say, and records that histories hold are as
// they were.  WFE_REWRITE=1 writes the files anew.
#include <gtest/gtest.h>

#include "activities/delivery/rules/validation.h"
#include "activities/delivery/rules/winner.h"
#include "engine/base/record_schema.h"
#include "tests/support/pinned_records.h"
#include "workflows/delivery/monitor_workflow.h"
#include "workflows/delivery/rollout_workflow.h"

namespace wfe::delivery {
namespace {

using wfe::testing::ExpectFile;
using wfe::testing::ExpectSchema;
using wfe::testing::NewRecords;

TEST(DeliveryRecordBytes, NewRecordsOfTheActivitiesAreAsTheyWereStored) {
  ExpectFile(
      "tests/testdata/records/delivery.txt",
      NewRecords(ChooseVersionInput(), RunVersion(), ExecutionRecord(), BeginRolloutInput(), BeginRolloutResult(),
                 SetTrafficSplitInput(), SetTrafficSplitResult(), CheckRegressionInput(), CheckRegressionResult(),
                 RolloutEvent(), RolloutControl(), WatchWorkflowInput(), WatchWorkflowResult(), RollBackVersionInput(),
                 RollBackVersionResult(), MonitoringEvent(), NotifyHookResult(), VersionEvent(),
                 workflows::RolloutInput(), workflows::RolloutProgress(), workflows::RolloutResult(),
                 workflows::MonitorInput(), workflows::MonitorProgress(), workflows::MonitorResult()));
}

TEST(DeliverySchemas, RowsAreAsTheirSchemaSays) {  // RC-16, RC-17, RC-18
  nlohmann::json rows;
  rows["ExecutionRecord"] = RecordSchema<ExecutionRecord>();
  rows["VersionEvent"] = RecordSchema<VersionEvent>();
  rows["DefinitionVersion"] = RecordSchema<DefinitionVersion>();
  rows["RunVersion"] = RecordSchema<RunVersion>();
  rows["RolloutHeader"] = RecordSchema<RolloutHeader>();
  rows["RolloutEvent"] = RecordSchema<RolloutEvent>();
  rows["RolloutResult"] = RecordSchema<workflows::RolloutResult>();
  rows["MonitoringEvent"] = RecordSchema<MonitoringEvent>();
  rows["OptimizationConstraints"] = RecordSchema<OptimizationConstraints>();
  rows["ConstraintReport"] = RecordSchema<ConstraintReport>();
  rows["ValidationResult"] = RecordSchema<ValidationResult>();
  ExpectSchema("delivery_records.schema.json", {{"$defs", rows}},
               "Rows that versions, rollouts and monitors of workflows leave behind");
}

TEST(DeliverySchemas, InputsOfTheWorkflowsAreAsTheirSchemasSay) {
  ExpectSchema("rollout_input.schema.json", RecordSchema<workflows::RolloutInput>(), "The input of RolloutWorkflow");
  ExpectSchema("monitor_input.schema.json", RecordSchema<workflows::MonitorInput>(), "The input of MonitorWorkflow");
}

}  // namespace
}  // namespace wfe::delivery
