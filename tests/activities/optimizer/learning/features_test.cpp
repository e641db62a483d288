// What a prediction is made from, counted by hand (LN-1).
#include "activities/optimizer/learning/features.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

namespace wfe::optimizer {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

double At(const Features& features, std::string_view name) {
  for (size_t i = 0; i < FeatureNames().size(); ++i) {
    if (FeatureNames()[i] == name) return features[i];
  }
  ADD_FAILURE() << name;
  return 0;
}

graph::GraphNode Node(const std::string& id, std::vector<std::string> reads, std::vector<std::string> writes) {
  return {.id = id, .activity = "step", .reads = std::move(reads), .writes = std::move(writes)};
}

TEST(FeaturesOfRuns, NamesAreFixedAsLongAsTheirVersionIs) {  // LN-1
  ASSERT_EQ(kFeatureVersion, 1) << "a new version has a list of its own here";
  EXPECT_THAT(FeatureNames(),
              ElementsAre("nodes", "edges", "max_depth", "cyclomatic", "parallelization", "input_bytes", "input_words",
                          "input_tokens", "input_entropy", "input_files", "input_types", "hour_of_day", "day_of_week",
                          "recent_load", "resource_availability", "similar_duration_s", "similar_success_rate",
                          "similar_cost_usd", "similar_cpu_s", "similar_memory_mb"));
}

TEST(FeaturesOfRuns, CountTheShapeOfAGraph) {  // LN-1
  // a -> b -> c -> b (a loop), c -> d: b and c read what a wrote, d reads nothing.
  graph::Graph graph{.id = "g", .start = "a"};
  graph.nodes = {Node("a", {"in"}, {"x"}), Node("b", {"x"}, {"y"}), Node("c", {"x"}, {"z"}), Node("d", {}, {"w"})};
  graph.edges = {{"a", "b", ""}, {"b", "c", ""}, {"c", "b", "z < 3"}, {"c", "d", ""}};
  GraphShape shape = ShapeOf(graph);
  EXPECT_EQ(shape.nodes, 4);
  EXPECT_EQ(shape.edges, 4);
  EXPECT_EQ(shape.max_depth, 4) << "a loop is gone through once";
  EXPECT_EQ(shape.cyclomatic, 2);
  EXPECT_DOUBLE_EQ(shape.parallelization, 0.5) << "of four nodes a and b must wait for each other";

  graph::Graph forked{.id = "g", .start = "p"};
  forked.nodes = {{.id = "p", .kind = "parallel", .branches = {"l", "r"}}, Node("l", {"in"}, {"l"}),
                  Node("l2", {"l"}, {"l2"}), Node("r", {"in"}, {"r"}), Node("end", {"l2", "r"}, {"out"})};
  forked.edges = {{"l", "l2", ""}, {"p", "end", ""}};
  shape = ShapeOf(forked);
  EXPECT_EQ(shape.edges, 4) << "two of them lead into branches";
  EXPECT_EQ(shape.max_depth, 4) << "p, l, l2, end";
  EXPECT_EQ(shape.cyclomatic, 1) << "nothing is decided";
  EXPECT_DOUBLE_EQ(shape.parallelization, 0.25) << "l, l2, end of four";
  EXPECT_EQ(ShapeOf(graph::Graph()).max_depth, 0);
}

TEST(FeaturesOfRuns, AWriteThatIsOverwrittenWaits) {  // LN-1
  graph::Graph graph{.id = "g", .start = "a"};
  graph.nodes = {Node("a", {}, {"x"}), Node("b", {}, {"x"}), Node("c", {"x"}, {})};
  graph.edges = {{"a", "b", ""}, {"b", "c", ""}};
  EXPECT_DOUBLE_EQ(ShapeOf(graph).parallelization, 0);
}

TEST(FeaturesOfRuns, CountTheInput) {  // LN-1
  const nlohmann::json input = {{"task", "fix the test"}, {"files", {"src/a.cpp", "notes.md", "3.5", "http://x/y"}},
                                {"deep", true},           {"n", 2},
                                {"m", 2.5}};
  const Features features = FeaturesOf(nullptr, input, {}, {});
  ASSERT_THAT(features, SizeIs(20));
  EXPECT_TRUE(std::isnan(At(features, "nodes"))) << "a workflow in C++ has no graph";
  EXPECT_EQ(At(features, "input_bytes"), static_cast<double>(input.dump().size()));
  EXPECT_EQ(At(features, "input_tokens"), std::ceil(static_cast<double>(input.dump().size()) / 4));
  EXPECT_EQ(At(features, "input_files"), 2) << "a number and an address are none";
  EXPECT_EQ(At(features, "input_types"), 5) << "object, list, text, number, boolean";
  EXPECT_GT(At(features, "input_entropy"), 3);
  EXPECT_EQ(At(FeaturesOf(nullptr, "aaaa bbbb", {}, {}), "input_words"), 2);
  EXPECT_EQ(At(FeaturesOf(nullptr, "", {}, {}), "input_entropy"), 0) << "two equal bytes";
  EXPECT_EQ(At(FeaturesOf(nullptr, "\xff\xfe not UTF-8", {}, {}), "input_words"), 4);
}

TEST(FeaturesOfRuns, KnowTheHourAndWhatIsNotKnown) {  // LN-1
  const Features features = FeaturesOf(nullptr, nullptr, {.at = "2026-03-02T06:30:00.000Z", .recent_load = 4},
                                       {.mean_duration_s = 12, .mean_memory_mb = INFINITY});
  EXPECT_EQ(At(features, "hour_of_day"), 6.5);
  EXPECT_EQ(At(features, "day_of_week"), 0) << "a Monday";
  EXPECT_EQ(At(features, "recent_load"), 4);
  EXPECT_EQ(At(features, "similar_duration_s"), 12);
  for (const char* name : {"nodes", "parallelization", "input_bytes", "input_types", "resource_availability",
                           "similar_success_rate", "similar_memory_mb"}) {
    EXPECT_TRUE(std::isnan(At(features, name))) << name;
  }
  EXPECT_TRUE(std::isnan(At(FeaturesOf(nullptr, nullptr, {.at = "noon"}, {}), "hour_of_day")));
}

TEST(FeaturesOfRuns, GoThroughTheirNamesAndBack) {  // LN-1
  const Features features = FeaturesOf(nullptr, "text", {.at = "2026-03-02T06:30:00.000Z"}, {});
  const auto named = NamedFeatures(features);
  EXPECT_FALSE(named.contains("nodes")) << "what is not known is left out";
  const Features back = FeaturesFrom(named);
  ASSERT_EQ(back.size(), features.size());
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_TRUE(back[i] == features[i] || (std::isnan(back[i]) && std::isnan(features[i]))) << FeatureNames()[i];
  }
  EXPECT_THAT(FeaturesFrom({{"of_another_version", 1.0}}), SizeIs(20));
}

TEST(FeaturesOfRuns, AGraphAsLargeAsAllowedIsCounted) {  // LN-1
  graph::Graph graph{.id = "g", .start = "n0"};
  for (int i = 0; i < 2'000; ++i) {
    graph.nodes.push_back(Node("n" + std::to_string(i), {}, {"k" + std::to_string(i)}));
    if (i > 0) graph.edges.push_back({"n" + std::to_string(i - 1), "n" + std::to_string(i), ""});
  }
  const GraphShape shape = ShapeOf(graph);
  EXPECT_EQ(shape.max_depth, 2'000);
  EXPECT_DOUBLE_EQ(shape.parallelization, 1 - 1 / 2'000.0);
  EXPECT_EQ(SizeClassOf(10), "small");
  EXPECT_EQ(SizeClassOf(50), "medium");
  EXPECT_EQ(SizeClassOf(51), "large");
}

}  // namespace
}  // namespace wfe::optimizer
