// The rows of delivery and the inputs of its workflows are as their schemas say, and records that histories hold are as
// they were.  WFE_REWRITE=1 writes the files anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "activities/delivery/rules/validation.h"
#include "activities/delivery/rules/winner.h"
#include "engine/base/record_schema.h"
#include "workflows/delivery/monitor_workflow.h"
#include "workflows/delivery/rollout_workflow.h"

namespace wfe::delivery {
namespace {

void ExpectFile(const std::string& name, const std::string& now) {
  const std::string path = std::string(WFE_SOURCE_DIR) + "/" + name;
  if (std::getenv("WFE_REWRITE") != nullptr) std::ofstream(path) << now;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(now, text.str());
}

void ExpectSchema(const std::string& name, nlohmann::json schema, const std::string& title) {
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  ExpectFile("schemas/" + name, schema.dump(2) + "\n");
}

template <class... Records>
std::string NewRecords(const Records&... records) {
  std::string text;
  ((text += nlohmann::json(records).dump() + "\n"), ...);
  return text;
}

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
