#include "activities/statistics/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wfe::stats {
namespace {

TEST(Statistics, TwoProportionsAgreeWithNewcombesPublishedExample) {  // Newcombe 1998, 56/70 against 48/80
  const auto comparison = CompareShares({48, 80}, {56, 70});
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->test, "two-proportion z");
  EXPECT_NEAR(comparison->effect, 0.2, 1e-12);
  EXPECT_NEAR(comparison->interval.lo, 0.0524, 5e-5);
  EXPECT_NEAR(comparison->interval.hi, 0.3339, 5e-5);
  EXPECT_NEAR(comparison->p_value, 0.008045081, 1e-9);
}

TEST(Statistics, FisherAgreesWithKnownTables) {
  EXPECT_NEAR(FisherExact({3, 4}, {1, 4}), 34.0 / 70, 1e-12);           // The lady tasting tea.
  EXPECT_NEAR(FisherExact({2, 12}, {15, 18}), 0.0005367241191, 1e-12);  // Convictions of twins, as in R's fisher.test.
  EXPECT_NEAR(FisherExact({0, 10}, {5, 10}), 0.03250773994, 1e-10);
  EXPECT_EQ(CompareShares({2, 12}, {15, 18})->test, "Fisher exact");
}

TEST(Statistics, WelchAgreesWithTheSleepData) {  // R: t.test(extra ~ group, data = sleep)
  const double first[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  const double second[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  const auto comparison = CompareMeans(Describe(first), Describe(second));
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->test, "Welch t");
  EXPECT_NEAR(comparison->effect, 1.58, 1e-12);
  EXPECT_NEAR(comparison->p_value, 0.07939, 5e-6);
  EXPECT_NEAR(comparison->interval.lo, -0.2054832, 5e-7);
  EXPECT_NEAR(comparison->interval.hi, 3.3654832, 5e-7);
}

TEST(Statistics, HolmAgreesWithKnownAdjustments) {
  const double p[] = {0.04, 0.01, 0.03, 0.02};
  EXPECT_EQ(HolmAdjust(p), (std::vector<double>{0.06, 0.04, 0.06, 0.06}));
  EXPECT_TRUE(HolmAdjust({}).empty());
  const double large[] = {0.9, 0.8};
  EXPECT_EQ(HolmAdjust(large), (std::vector<double>{1, 1}));
}

TEST(Statistics, IntervalsOfOneShareAgreeWithKnownValues) {
  EXPECT_NEAR(WilsonInterval({0, 10}).hi, 0.2775328, 1e-6);
  EXPECT_NEAR(ClopperPearson({5, 20}).lo, 0.0865715, 1e-6);
  EXPECT_NEAR(ClopperPearson({5, 20}).hi, 0.4910459, 1e-6);
  EXPECT_NEAR(ClopperPearson({0, 10}).hi, 1 - std::pow(0.025, 0.1), 1e-9);
  EXPECT_EQ(ClopperPearson({0, 10}).lo, 0);
  EXPECT_EQ(ClopperPearson({10, 10}).hi, 1);
}

TEST(Statistics, NothingCountedClaimsNothing) {
  EXPECT_FALSE(CompareShares({0, 0}, {1, 5}).has_value());
  EXPECT_EQ(CompareShares({0, 50}, {0, 40})->p_value, 1);
  EXPECT_EQ(CompareShares({50, 50}, {40, 40})->p_value, 1);
  EXPECT_EQ(TwoProportionZ({0, 50}, {0, 40}), 1);
  const auto none = CompareShares({0, 50}, {0, 40});
  EXPECT_LE(none->interval.lo, 0);
  EXPECT_GE(none->interval.hi, 0);
  EXPECT_EQ(WilsonInterval({0, 0}).hi, 1);
  EXPECT_EQ(ClopperPearson({0, 0}).hi, 1);
}

TEST(Statistics, FewerThanTwoValuesAreNotCompared) {
  const double one[] = {3};
  const double two[] = {3, 4};
  EXPECT_FALSE(CompareMeans(Describe(one), Describe(two)).has_value());
  EXPECT_FALSE(CompareMeans(Describe({}), Describe(two)).has_value());
  EXPECT_FALSE(MeanInterval(Describe(one)).has_value());
}

TEST(Statistics, GroupsWithoutVarianceAreJudgedByTheSplitAlone) {
  const double same[] = {7, 7, 7};
  const double other[] = {9, 9, 9};
  EXPECT_EQ(CompareMeans(Describe(same), Describe(same))->p_value, 1);
  EXPECT_NEAR(CompareMeans(Describe(same), Describe(other))->p_value, 0.1, 1e-12);  // 2 of C(6, 3) = 20 splits.
  const double mixed[] = {7, 8, 9};
  EXPECT_GT(CompareMeans(Describe(same), Describe(mixed))->p_value, 0.05);
}

TEST(Statistics, AbsentValuesDoNotCount) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double values[] = {1, nan, 3};
  const Sample sample = Describe(values);
  EXPECT_EQ(sample.n, 2);
  EXPECT_EQ(sample.mean, 2);
  EXPECT_EQ(sample.variance, 2);
  EXPECT_EQ(Quantile({nan, 1, 3}, 0.5), 2);
}

TEST(Statistics, QuantilesInterpolateAsRDoes) {
  std::vector<double> values = {10, 1, 2, 9, 8, 3, 4, 7, 6, 5};
  EXPECT_NEAR(Quantile(values, 0.95), 9.55, 1e-12);
  EXPECT_NEAR(Quantile(values, 0.5), 5.5, 1e-12);
  EXPECT_EQ(Quantile(values, 0), 1);
  EXPECT_EQ(Quantile(values, 1), 10);
  EXPECT_EQ(Quantile({4}, 0.95), 4);
  EXPECT_TRUE(std::isnan(Quantile({}, 0.5)));
}

TEST(Statistics, ClustersOfEqualRowsCountOnce) {
  // Every row three times over is no new information: the error of the mean stays that of the clusters.
  const double rows[] = {1, 1, 1, 2, 2, 2, 6, 6, 6};
  const uint32_t clusters[] = {0, 0, 0, 1, 1, 1, 2, 2, 2};
  const double once[] = {1, 2, 6};
  const Sample clustered = DescribeClusters(rows, clusters);
  const Sample single = Describe(once);
  EXPECT_EQ(clustered.n, 3);
  EXPECT_NEAR(clustered.mean, single.mean, 1e-12);
  EXPECT_NEAR(clustered.variance, single.variance, 1e-12);
}

TEST(Statistics, OneTailIsHalfOfBothForSymmetricTestsAndKnowsItsSide) {  // XB-2, PO-7
  const double first[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  const double second[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  const auto higher = CompareMeans(Describe(first), Describe(second), kConfidence, Tail::kHigher);
  EXPECT_NEAR(higher->p_value, 0.07939 / 2, 5e-6);
  EXPECT_NEAR(*higher->statistic, 1.8608, 5e-5);
  EXPECT_NEAR(CompareMeans(Describe(first), Describe(second), kConfidence, Tail::kLower)->p_value, 1 - 0.07939 / 2,
              5e-6);
  EXPECT_NEAR(CompareShares({48, 80}, {56, 70}, kConfidence, Tail::kHigher)->p_value, 0.008045081 / 2, 1e-9);
  EXPECT_NEAR(CompareShares({48, 80}, {56, 70}, kConfidence, Tail::kLower)->p_value, 1 - 0.008045081 / 2, 1e-9);
}

TEST(Statistics, OneTailOfFisherAddsTheTablesThatWay) {  // the lady tasting tea: 17/70 and 69/70
  EXPECT_NEAR(CompareShares({1, 4}, {3, 4}, kConfidence, Tail::kHigher)->p_value, 17.0 / 70, 1e-12);
  EXPECT_NEAR(CompareShares({1, 4}, {3, 4}, kConfidence, Tail::kLower)->p_value, 69.0 / 70, 1e-12);
  EXPECT_EQ(CompareShares({0, 4}, {0, 4}, kConfidence, Tail::kHigher)->p_value, 1);
  EXPECT_EQ(CompareShares({4, 4}, {2, 4}, kConfidence, Tail::kHigher)->p_value, 1);
}

TEST(Statistics, OneTailOfGroupsWithoutVarianceClaimsOnlyOnItsSide) {
  const double low[] = {1, 1, 1};
  const double high[] = {2, 2, 2};
  EXPECT_NEAR(CompareMeans(Describe(low), Describe(high), kConfidence, Tail::kHigher)->p_value, 1.0 / 20, 1e-12);
  EXPECT_EQ(CompareMeans(Describe(low), Describe(high), kConfidence, Tail::kLower)->p_value, 1);
  EXPECT_EQ(CompareMeans(Describe(low), Describe(low), kConfidence, Tail::kHigher)->p_value, 1);
}

TEST(Statistics, BinomialTailAgreesWithCoinTosses) {
  EXPECT_NEAR(BinomialAtLeast({9, 10}, 0.5), 11.0 / 1024, 1e-12);
  EXPECT_EQ(BinomialAtLeast({0, 10}, 0.5), 1);
  EXPECT_EQ(BinomialAtLeast({0, 0}, 0.5), 1);
}

}  // namespace
}  // namespace wfe::stats
