#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "activities/analytics/audits/frame.h"
#include "activities/analytics/audits/json_schema.h"

namespace wfe::analytics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Frame Sample() {
  Frame frame(5);
  WordWriter color(frame.AddWords("color"));
  auto& size = frame.AddNumbers("size").numbers;
  auto& weight = frame.AddNumbers("weight").numbers;
  const char* colors[] = {"red", "blue", "red", "", "red"};
  for (size_t i = 0; i < 5; ++i) {
    color.Set(i, colors[i]);
    size[i] = static_cast<double>(i);
    weight[i] = 2;
  }
  size[4] = std::numeric_limits<double>::quiet_NaN();
  return frame;
}

TEST(Frame, QueryGroupsByWordAndLeavesAbsentValuesOut) {
  const Query query{.id = "q",
                    .title = "",
                    .rows = "",
                    .filter = "",
                    .group_by = "color",
                    .measures = "n: count, sum: sum(size), mean: mean(size), top: max(size), r: ratio(size, weight)"};
  const QueryResult result = RunQuery(Sample(), query);
  ASSERT_EQ(result.groups.size(), 2u);  // Rows without a color belong to no group.
  EXPECT_EQ(result.groups[0].key, std::vector<std::string>{"blue"});
  EXPECT_THAT(result.groups[1].values, ElementsAre(3, 2, 1, 2, 2.0 / 6));
  EXPECT_THAT(result.groups[1].rows, ElementsAre(0, 2, 4));
  EXPECT_EQ(result.Value(result.groups[1], "mean"), 1);
}

TEST(Frame, FiltersCompareWordsNumbersAndPresence) {
  EXPECT_THAT(Select(Sample(), "color = red and size present"), ElementsAre(0, 2));
  EXPECT_THAT(Select(Sample(), "color != red"), ElementsAre(1, 3));
  EXPECT_THAT(Select(Sample(), "size = 3"), ElementsAre(3));
  EXPECT_THAT(Select(Sample(), ""), ElementsAre(0, 1, 2, 3, 4));
}

TEST(Frame, QueryWithoutGroupsIsOneRowAndWithoutRowsNone) {
  const Query query{
      .id = "q", .title = "", .rows = "", .filter = "", .group_by = "", .measures = "n: count, d: distinct(color)"};
  EXPECT_THAT(RunQuery(Sample(), query).groups.at(0).values, ElementsAre(5, 2));
  Frame empty(0);
  empty.AddWords("color");
  EXPECT_THAT(RunQuery(empty, query).groups, IsEmpty());
}

TEST(JsonSchema, EveryKindOfFaultIsNamedByItsPlace) {
  const auto schema = nlohmann::json::parse(R"({"type":"object","required":["a"],"additionalProperties":false,
    "properties":{"a":{"type":"integer","minimum":0},"b":{"type":"array","items":{"$ref":"#/$defs/word"},"maxItems":2},
                  "c":{"oneOf":[{"type":"string"},{"type":"boolean"}]}},
    "$defs":{"word":{"type":"string","pattern":"^[a-z]+$"}}})");
  const auto problems = [&](const char* text) { return SchemaProblems(nlohmann::json::parse(text), schema); };
  EXPECT_THAT(problems(R"({"a":1,"b":["x"],"c":true})"), IsEmpty());
  EXPECT_THAT(problems(R"({"a":-1})"), ElementsAre("/a: is too small"));
  EXPECT_THAT(problems(R"({"a":1.5})"), ElementsAre("/a: is no integer"));
  EXPECT_THAT(problems(R"({"a":null})"), ElementsAre("/a: is no integer"));
  EXPECT_THAT(problems(R"({"b":["X"]})"), ElementsAre("/: lacks \"a\"", "/b/0: \"X\" does not match ^[a-z]+$"));
  EXPECT_THAT(problems(R"({"a":1,"c":2})"), ElementsAre("/c: matches 0 of the choices instead of one"));
  EXPECT_THAT(problems(R"({"a":1,"d":2})"), ElementsAre("/: has an unknown key \"d\""));
}

}  // namespace
}  // namespace wfe::analytics
