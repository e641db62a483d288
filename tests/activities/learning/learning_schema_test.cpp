// The rows of learning and the input of its workflow are as their schemas say.  WFE_REWRITE=1 writes them anew.
#include <gtest/gtest.h>

#include "activities/learning/records/artifact_memory.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/learning/records/node_registry.h"
#include "activities/learning/steps/cycle_steps.h"
#include "activities/learning/steps/generation_steps.h"
#include "engine/base/record_schema.h"
#include "tests/support/pinned_records.h"
#include "workflows/prompt_optimization/prompt_optimization.h"

namespace wfe::learning {
namespace {

using wfe::testing::ExpectFile;
using wfe::testing::ExpectSchema;
using wfe::testing::NewRecords;

// Histories hold these: a member that is new needs a default, and a line that changes means that stored data looks
// different.
TEST(LearningRecordBytes, NewRecordsOfTheActivitiesAreAsTheyWereStored) {
  ExpectFile("tests/testdata/records/learning.txt",
             NewRecords(ListPromptTemplatesInput(), ListPromptTemplatesResult(), CollectGenerationsInput(),
                        CollectGenerationsResult(), MeasureTemplateInput(), Measurement(), AnalyzePatternsInput(),
                        AnalyzePatternsResult(), Pattern(), UpdateMemoryInput(), UpdateMemoryResult(),
                        ApplyPromptRulesInput(), PromptProposal(), DeployPromptInput(), Deployment(),
                        AnalyzeTrendInput(), QualityTrend(), WeekOfQuality(), RefreshBestPracticesInput(),
                        RefreshBestPracticesResult(), CycleRow(), ChooseTemplateInput(), ChooseTemplateResult(),
                        SaveGenerationInput(), SaveGenerationResult(), SaveTestResultInput(), UsageRow(),
                        workflows::PromptOptimizationInput(), workflows::PromptOptimizationResult()));
}

TEST(LearningSchemas, RowsAreAsTheirSchemaSays) {  // RC-1, RC-2, RC-3, RC-14
  nlohmann::json rows;
  rows["GenerationReport"] = RecordSchema<GenerationReport>();
  rows["UsageRow"] = RecordSchema<UsageRow>();
  rows["NodeEvent"] = RecordSchema<NodeEvent>();
  rows["NodeState"] = RecordSchema<NodeState>();
  rows["Artifact"] = RecordSchema<Artifact>();
  rows["Experiment"] = RecordSchema<Experiment>();
  rows["ABTestResult"] = RecordSchema<ABTestResult>();
  rows["CycleRow"] = RecordSchema<CycleRow>();
  ExpectSchema("learning_records.schema.json", {{"$defs", rows}},
               "Rows that generations and their optimizer leave behind");
}

TEST(LearningSchemas, InputOfTheWorkflowIsAsItsSchemaSays) {
  ExpectSchema("prompt_optimization_input.schema.json", RecordSchema<workflows::PromptOptimizationInput>(),
               "The input of PromptOptimizationWorkflow");
}

}  // namespace
}  // namespace wfe::learning
