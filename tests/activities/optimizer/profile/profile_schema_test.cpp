// Profiles, and what people write for them, are as their schema says.  WFE_REWRITE=1 writes the file anew.
#include <gtest/gtest.h>

#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/profile/node_run.h"
#include "activities/optimizer/profile/performance_profile.h"
#include "engine/base/record_schema.h"
#include "tests/support/pinned_records.h"

namespace wfe::optimizer {
namespace {

TEST(ProfileSchemas, RecordsAreAsTheirSchemaSays) {  // PF-1, RC-13, RC-16, RC-17
  nlohmann::json records;
  records["NodeRun"] = RecordSchema<NodeRun>();
  records["PerformanceProfile"] = RecordSchema<PerformanceProfile>();
  records["Bottleneck"] = RecordSchema<Bottleneck>();
  records["BottleneckRules"] = RecordSchema<BottleneckRules>();
  records["Catalog"] = RecordSchema<Catalog>();
  wfe::testing::ExpectSchema("profile_records.schema.json", {{"$defs", records}},
                             "Profiles of workflows: steps of an execution, the profile, its bottlenecks, and what the "
                             "rules are given");
}

}  // namespace
}  // namespace wfe::optimizer
