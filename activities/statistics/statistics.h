// The few statistics that audits and experiments need (XB-2, OP-14), thin over Boost.Math.  Pure functions; every edge
// (no rows, one row, no variance, nothing counted) has an answer that claims nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace wfe::stats {

/// Two-sided, at the confidence the function was asked for.
struct Interval {
  double lo = 0;
  double hi = 0;
};

/// `hits` of `n` rows have the property.
struct Share {
  int64_t hits = 0;
  int64_t n = 0;
  double rate() const { return n == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(n); }
};

/// Size, mean and sample variance of one group.  NaN values are absent and do not count.
struct Sample {
  int64_t n = 0;
  double mean = 0;
  double variance = 0;  ///< With n - 1; 0 when n < 2.
};
Sample Describe(std::span<const double> values);

/// The same for rows that come in clusters (several repairs of one build): the mean of the rows, with the clusters as
/// what is independent.  `n` counts clusters and variance / n is the squared standard error of the mean, so the
/// functions below may be used on it.  `clusters` is as long as `values`; NaN values do not count.
Sample DescribeClusters(std::span<const double> values, std::span<const uint32_t> clusters);

/// Which differences count as evidence: any, or only those where the second group is lower or higher.
enum class Tail { kBoth, kLower, kHigher };

/// How two groups differ: second minus first.
struct Comparison {
  std::string_view test;  ///< "two-proportion z", "Fisher exact" or "Welch t".
  double effect = 0;
  Interval interval;                ///< Two-sided, whatever the tail is.
  double p_value = 1;               ///< Of the tail that was asked for.
  std::optional<double> statistic;  ///< z or t, with the effect's sign; an exact test has none.
};

inline constexpr double kConfidence = 0.95;
/// Below this expected count in any of the four cells the normal approximation is left for Fisher's exact test.
inline constexpr double kSmallExpectedCount = 10;

/// Shares of two groups: the pooled z test, or Fisher's exact test for small counts; Newcombe's score interval of the
/// difference.  nullopt when a group is empty.
std::optional<Comparison> CompareShares(Share first, Share second, double confidence = kConfidence,
                                        Tail tail = Tail::kBoth);

/// Means of two groups by Welch's t with its interval.  nullopt when a group has fewer than two values.
/// Two groups without any variance: equal means give p = 1; different means give the permutation probability of so
/// clean a split, 2 / C(n1 + n2, n1), because t is infinite and would claim certainty (half of it in the tail it lies
/// in).
std::optional<Comparison> CompareMeans(const Sample& first, const Sample& second, double confidence = kConfidence,
                                       Tail tail = Tail::kBoth);

/// p of the pooled two-proportion z test; 1 when nobody or everybody has the property.
double TwoProportionZ(Share first, Share second);
/// Two-sided p: the tables of the same margins that are no more likely than this one.
double FisherExact(Share first, Share second);
/// Chance of at least `hits` of `n` when each hits with probability `rate`; 1 for no hits.
double BinomialAtLeast(Share share, double rate);

/// Whether a share changes along a sequence, one row after the other.
struct RateTrend {
  double slope = 0;    ///< Of the least squares line: by how much the share changes from one row to the next.
  double p_value = 1;  ///< Two-sided.
};
/// The Cochran-Armitage test with the place in the sequence as the score, which is the score test of a logistic
/// regression on it.  Exact in the limit; with few hits it claims less than it could (one hit, wherever it is, is never
/// significant at 0.05).  No claim when nobody or everybody has the property.
RateTrend TrendOfRate(std::span<const uint8_t> rows);

/// Wilson's score interval of one share; [0, 1] when n = 0.
Interval WilsonInterval(Share share, double confidence = kConfidence);
/// The exact interval of one share; [0, 1] when n = 0.
Interval ClopperPearson(Share share, double confidence = kConfidence);
/// Newcombe's hybrid score interval of second minus first.
Interval NewcombeInterval(Share first, Share second, double confidence = kConfidence);
/// Student's interval of a mean; nullopt when n < 2.
std::optional<Interval> MeanInterval(const Sample& sample, double confidence = kConfidence);

/// Holm's step-down adjustment, in the order of the input, at most 1.
std::vector<double> HolmAdjust(std::span<const double> p_values);

/// The q-quantile by linear interpolation between order statistics (R's type 7); NaN for no values.
/// NaN among the values is absent.
double Quantile(std::vector<double> values, double q);

}  // namespace wfe::stats
