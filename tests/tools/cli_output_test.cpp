#include <gmock/gmock.h>

#include "tools/wfe/cli.h"
#include "tools/wfe/config.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/output.h"

namespace wfe::cli {
namespace {

using testing::HasSubstr;

Table Example() {
  Table table({{"ID", "id", false, true}, {"NAME", "name", true, false}});
  table.Add({{"id", 7}, {"name", "a name that is much longer than the terminal is wide"}});
  table.Add({{"id", 12}, {"name", "short"}});
  return table;
}

TEST(Table, FitsTheTerminalByCuttingElasticColumns) {
  EXPECT_EQ(Example().Text(24),
            "ID  NAME\n"
            " 7  a name that is much…\n"
            "12  short\n");
}

TEST(Table, ShowsADashForWhatARowDoesNotHave) {
  Table table({{"A", "a", false, false}, {"B", "b", false, false}});
  table.Add({{"b", nullptr}});
  EXPECT_EQ(table.Text(80), "A  B\n-  -\n");
}

TEST(HumanDuration, GrowsItsUnitWithItsSize) {
  EXPECT_EQ(HumanDuration(3.21), "3.2 s");
  EXPECT_EQ(HumanDuration(250), "4 min 10 s");
  EXPECT_EQ(HumanDuration(7325), "2 h 2 min");
}

TEST(Payload, GoesThroughJsonPlainAndNamesOtherEncodings) {
  const nlohmann::json value = {{"a", 1}};
  EXPECT_EQ(FromPayload(ToPayload(value)), value);
  temporal::api::common::v1::Payload binary;
  (*binary.mutable_metadata())["encoding"] = "binary/plain";
  binary.set_data("xyz");
  EXPECT_EQ(FromPayload(binary), nlohmann::json({{"encoding", "binary/plain"}, {"size", 3}}));
}

TEST(ExitCode, OfACompletedBuildIsItsVerdict) {  // AB-1
  Outcome outcome;
  outcome.status = temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED;
  EXPECT_EQ(ExitCodeOf(outcome), kExitOk);
  outcome.result = {{"status", "not_passed"}};
  EXPECT_EQ(ExitCodeOf(outcome), kExitNotPassed);
  outcome.result = {{"status", "passed"}};
  EXPECT_EQ(ExitCodeOf(outcome), kExitOk);
  outcome.result = {{"status", 5}};
  EXPECT_EQ(ExitCodeOf(outcome), kExitOk);
}

TEST(Config, ShowsNoSecret) {  // CF-5
  Config config;
  config.client.api_key = "sk-very-secret";
  const std::string shown = ToJson(config).dump();
  EXPECT_THAT(shown, Not(HasSubstr("very-secret")));
  EXPECT_THAT(shown, HasSubstr("********"));
}

}  // namespace
}  // namespace wfe::cli
