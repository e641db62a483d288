// Metrics and their OpenMetrics text.
#include "engine/base/metrics.h"

#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

namespace wfe {
namespace {

/// What a collector makes of the text: each sample by its name and labels.  Fails the test where it is not OpenMetrics.
std::map<std::string, double> Parse(const std::string& text) {
  static const std::regex kSample(R"re(([a-z_]+)(\{[a-z_]+="([^"\\\n]|\\.)*"(,[a-z_]+="([^"\\\n]|\\.)*")*\})? (\S+))re");
  std::map<std::string, double> samples;
  std::set<std::string> families;
  std::string family;
  std::string kind;
  bool ended = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_FALSE(ended) << "after the end: " << line;
    std::istringstream words(line);
    std::string hash;
    std::string what;
    if (line == "# EOF") {
      ended = true;
    } else if (line.starts_with("# TYPE ")) {
      words >> hash >> what >> family >> kind;
      EXPECT_TRUE(families.insert(family).second) << family << " is there twice";
    } else if (line.starts_with("# HELP ")) {
      EXPECT_TRUE(line.starts_with("# HELP " + family + " ")) << line;
    } else {
      std::smatch match;
      if (!std::regex_match(line, match, kSample)) {
        ADD_FAILURE() << "no sample: " << line;
        continue;
      }
      const std::string suffix = match[1].str().substr(family.size());
      EXPECT_TRUE(match[1].str().starts_with(family)) << line;
      EXPECT_TRUE(kind == "counter"     ? suffix == "_total"
                  : kind == "gauge"     ? suffix.empty()
                  : kind == "histogram" ? suffix == "_bucket" || suffix == "_count" || suffix == "_sum"
                                        : false)
          << kind << ": " << line;
      EXPECT_TRUE(samples.emplace(match[1].str() + match[2].str(), std::stod(match[6])).second) << line;
    }
  }
  EXPECT_TRUE(ended) << "a text that is cut off must not look whole";
  return samples;
}

TEST(Metrics, ATextHasWhatWasCounted) {
  MetricsRegistry metrics;
  Counter& calls = metrics.MakeCounter("wfe_calls", "Calls.", {{"method", "Start"}, {"code", "OK"}});
  metrics.MakeCounter("wfe_calls", "Calls.", {{"method", "Start"}, {"code", "INTERNAL"}});
  metrics.MakeCounter("wfe_transitions", "Transitions of runs.");
  metrics.MakeGauge("wfe_calls_in_progress", "Calls that wait for an answer.").Set(3);
  calls.Add();
  calls.Add(2);
  EXPECT_THAT(Parse(metrics.Text()),
              ::testing::ElementsAre(::testing::Pair(R"(wfe_calls_in_progress)", 3),
                                     ::testing::Pair(R"(wfe_calls_total{method="Start",code="OK"})", 3),
                                     ::testing::Pair("wfe_transitions_total", 0)));
}

TEST(Metrics, AHistogramCumulates) {
  MetricsRegistry metrics;
  Histogram& sizes = metrics.MakeHistogram("wfe_commit_group", "Commits of one sync.", {1, 2.5, 10});
  for (const double size : {1.0, 1.0, 2.0, 10.0, 11.0}) sizes.Observe(size);
  const auto samples = Parse(metrics.Text());
  EXPECT_EQ(samples.at(R"(wfe_commit_group_bucket{le="1.0"})"), 2);
  EXPECT_EQ(samples.at(R"(wfe_commit_group_bucket{le="2.5"})"), 3);
  EXPECT_EQ(samples.at(R"(wfe_commit_group_bucket{le="10.0"})"), 4);
  EXPECT_EQ(samples.at(R"(wfe_commit_group_bucket{le="+Inf"})"), 5);
  EXPECT_EQ(samples.at("wfe_commit_group_count"), 5);
  EXPECT_EQ(samples.at("wfe_commit_group_sum"), 25);
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  MetricsRegistry metrics;
  Counter& a = metrics.MakeCounter("wfe_x", "X.", {{"a", "1"}});
  EXPECT_EQ(&metrics.MakeCounter("wfe_x", "X.", {{"a", "1"}}), &a);
  EXPECT_NE(&metrics.MakeCounter("wfe_x", "X.", {{"a", "2"}}), &a);
  EXPECT_DEATH(metrics.MakeGauge("wfe_x", "X."), "one kind");
}

TEST(Metrics, ALabelMayHoldAnything) {
  MetricsRegistry metrics;
  metrics.MakeCounter("wfe_x", "A \"help\"\nof two lines.", {{"a", "b\"c\\d\ne"}}).Add();
  EXPECT_EQ(Parse(metrics.Text()).at(R"(wfe_x_total{a="b\"c\\d\ne"})"), 1);
}

TEST(Metrics, NothingIsLostWhenManyCountAtOnce) {
  MetricsRegistry metrics;
  Counter& counter = metrics.MakeCounter("wfe_x", "X.");
  Histogram& histogram = metrics.MakeHistogram("wfe_y", "Y.", {1});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) {
        counter.Add();
        histogram.Observe(2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 40'000);
  EXPECT_EQ(Parse(metrics.Text()).at("wfe_y_sum"), 80'000);
}

}  // namespace
}  // namespace wfe
