#include "activities/statistics/statistics.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace wfe::stats {
namespace {

double NormalQuantile(double confidence) {
  return boost::math::quantile(boost::math::normal_distribution<>(), 0.5 + confidence / 2);
}

double TQuantile(double degrees_of_freedom, double confidence) {
  return boost::math::quantile(boost::math::students_t_distribution<>(degrees_of_freedom), 0.5 + confidence / 2);
}

/// 1 / C(n1 + n2, n1).
double CleanSplitProbability(int64_t n1, int64_t n2) {
  const auto a = static_cast<double>(n1);
  const auto b = static_cast<double>(n2);
  const double log_ways = boost::math::lgamma(a + b + 1) - boost::math::lgamma(a + 1) - boost::math::lgamma(b + 1);
  return std::exp(-log_ways);
}

/// The p-value of a statistic whose distribution is symmetric about 0.
template <class Distribution>
double PValue(const Distribution& distribution, double statistic, Tail tail) {
  const auto above = [&](double x) { return boost::math::cdf(boost::math::complement(distribution, x)); };
  if (tail == Tail::kHigher) return above(statistic);
  if (tail == Tail::kLower) return boost::math::cdf(distribution, statistic);
  return std::min(1.0, 2 * above(std::abs(statistic)));
}

/// The pooled z, nullopt when nobody or everybody has the property.
std::optional<double> PooledZ(Share first, Share second) {
  const auto n1 = static_cast<double>(first.n);
  const auto n2 = static_cast<double>(second.n);
  const double pooled = static_cast<double>(first.hits + second.hits) / (n1 + n2);
  const double variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2);
  if (!(variance > 0)) return std::nullopt;
  return (second.rate() - first.rate()) / std::sqrt(variance);
}

/// Fisher's exact p of one tail: the tables of the same margins that lie at least as far that way.
double FisherTail(Share first, Share second, Tail tail) {
  const int64_t hits = first.hits + second.hits;
  const int64_t n = first.n + second.n;
  if (hits == 0 || hits == n) return 1;
  const boost::math::hypergeometric_distribution<> table(static_cast<unsigned>(hits), static_cast<unsigned>(second.n),
                                                         static_cast<unsigned>(n));
  const auto seen = static_cast<unsigned>(second.hits);
  if (tail == Tail::kLower) return boost::math::cdf(table, seen);
  if (second.hits <= std::max<int64_t>(0, hits - first.n)) return 1;
  return boost::math::cdf(boost::math::complement(table, seen - 1));
}

}  // namespace

Sample Describe(std::span<const double> values) {
  Sample sample;
  double sum_of_squares = 0;  // Welford's: no cancellation for large means.
  for (const double value : values) {
    if (std::isnan(value)) continue;
    ++sample.n;
    const double delta = value - sample.mean;
    sample.mean += delta / static_cast<double>(sample.n);
    sum_of_squares += delta * (value - sample.mean);
  }
  if (sample.n > 1) sample.variance = sum_of_squares / static_cast<double>(sample.n - 1);
  return sample;
}

Sample DescribeClusters(std::span<const double> values, std::span<const uint32_t> clusters) {
  const Sample rows = Describe(values);
  std::map<uint32_t, double> residuals;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) residuals[clusters[i]] += values[i] - rows.mean;
  }
  Sample sample{.n = static_cast<int64_t>(residuals.size()), .mean = rows.mean, .variance = 0};
  if (sample.n < 2) return sample;
  double sum = 0;
  for (const auto& [cluster, residual] : residuals) sum += residual * residual;
  const auto n = static_cast<double>(sample.n);
  const auto all = static_cast<double>(rows.n);
  sample.variance = sum / (all * all) * n / (n - 1) * n;
  return sample;
}

double TwoProportionZ(Share first, Share second) {
  const std::optional<double> z = PooledZ(first, second);
  return z ? PValue(boost::math::normal_distribution<>(), *z, Tail::kBoth) : 1;
}

double BinomialAtLeast(Share share, double rate) {
  if (share.hits <= 0) return 1;
  const boost::math::binomial_distribution<> hits(static_cast<double>(share.n), std::clamp(rate, 0.0, 1.0));
  return boost::math::cdf(boost::math::complement(hits, static_cast<double>(share.hits - 1)));
}

double FisherExact(Share first, Share second) {
  const int64_t hits = first.hits + second.hits;
  const int64_t n = first.n + second.n;
  if (first.n == 0 || second.n == 0 || hits == 0 || hits == n) return 1;
  const boost::math::hypergeometric_distribution<> table(static_cast<unsigned>(hits), static_cast<unsigned>(first.n),
                                                         static_cast<unsigned>(n));
  const int64_t lowest = std::max<int64_t>(0, hits - second.n);
  const int64_t highest = std::min(hits, first.n);
  const double observed = boost::math::pdf(table, static_cast<unsigned>(first.hits));
  double p = 0;
  for (int64_t k = lowest; k <= highest; ++k) {
    const double probability = boost::math::pdf(table, static_cast<unsigned>(k));
    if (probability <= observed * (1 + 1e-7)) p += probability;
  }
  return std::min(1.0, p);
}

std::optional<Comparison> CompareShares(Share first, Share second, double confidence, Tail tail) {
  if (first.n <= 0 || second.n <= 0) return std::nullopt;
  const auto n = static_cast<double>(first.n + second.n);
  const auto hits = static_cast<double>(first.hits + second.hits);
  const double smallest_expected = std::min(hits, n - hits) * static_cast<double>(std::min(first.n, second.n)) / n;
  Comparison comparison;
  comparison.effect = second.rate() - first.rate();
  comparison.interval = NewcombeInterval(first, second, confidence);
  const bool exact = smallest_expected < kSmallExpectedCount;
  comparison.test = exact ? "Fisher exact" : "two-proportion z";
  if (exact) {
    comparison.p_value = tail == Tail::kBoth ? FisherExact(first, second) : FisherTail(first, second, tail);
  } else {
    comparison.statistic = PooledZ(first, second);
    comparison.p_value =
        comparison.statistic ? PValue(boost::math::normal_distribution<>(), *comparison.statistic, tail) : 1;
  }
  return comparison;
}

std::optional<Comparison> CompareMeans(const Sample& first, const Sample& second, double confidence, Tail tail) {
  if (first.n < 2 || second.n < 2) return std::nullopt;
  Comparison comparison;
  comparison.test = "Welch t";
  comparison.effect = second.mean - first.mean;
  const double a = first.variance / static_cast<double>(first.n);
  const double b = second.variance / static_cast<double>(second.n);
  // A variance this far below the square of the mean is the rounding of equal values.
  const double scale = std::max(std::abs(first.mean), std::abs(second.mean));
  if (a + b <= 1e-24 * scale * scale) {
    comparison.interval = {comparison.effect, comparison.effect};
    const bool equal = std::abs(comparison.effect) <= 1e-12 * scale;
    const double split = CleanSplitProbability(first.n, second.n);
    if (tail == Tail::kBoth) {
      comparison.p_value = equal ? 1 : std::min(1.0, 2 * split);
    } else {
      const bool that_way = (comparison.effect < 0) == (tail == Tail::kLower);
      comparison.p_value = !equal && that_way ? split : 1;
    }
    return comparison;
  }
  const double error = std::sqrt(a + b);
  const double degrees_of_freedom =
      (a + b) * (a + b) / (a * a / static_cast<double>(first.n - 1) + b * b / static_cast<double>(second.n - 1));
  comparison.statistic = comparison.effect / error;
  const boost::math::students_t_distribution<> distribution(degrees_of_freedom);
  comparison.p_value = PValue(distribution, *comparison.statistic, tail);
  const double reach = TQuantile(degrees_of_freedom, confidence) * error;
  comparison.interval = {comparison.effect - reach, comparison.effect + reach};
  return comparison;
}

RateTrend TrendOfRate(std::span<const uint8_t> rows) {
  const auto n = static_cast<double>(rows.size());
  const double middle = (n - 1) / 2;
  double hits = 0;
  double along = 0;  // of places and hits, both from their means
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == 0) continue;
    ++hits;
    along += static_cast<double>(i) - middle;
  }
  const double places = n * (n * n - 1) / 12;  // the sum of squares of the places from their mean
  if (hits == 0 || hits == n || places <= 0) return {};
  const double rate = hits / n;
  const double z = along / std::sqrt(rate * (1 - rate) * places);
  return {.slope = along / places, .p_value = PValue(boost::math::normal_distribution<>(), z, Tail::kBoth)};
}

Interval WilsonInterval(Share share, double confidence) {
  if (share.n <= 0) return {0, 1};
  const double z = NormalQuantile(confidence);
  const auto n = static_cast<double>(share.n);
  const double p = share.rate();
  const double center = p + z * z / (2 * n);
  const double reach = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double divisor = 1 + z * z / n;
  return {share.hits == 0 ? 0 : std::max(0.0, (center - reach) / divisor),
          share.hits == share.n ? 1 : std::min(1.0, (center + reach) / divisor)};
}

Interval ClopperPearson(Share share, double confidence) {
  if (share.n <= 0) return {0, 1};
  const double tail = (1 - confidence) / 2;
  const auto hits = static_cast<double>(share.hits);
  const auto misses = static_cast<double>(share.n - share.hits);
  Interval interval{0, 1};
  if (share.hits > 0) interval.lo = boost::math::quantile(boost::math::beta_distribution<>(hits, misses + 1), tail);
  if (misses > 0) interval.hi = boost::math::quantile(boost::math::beta_distribution<>(hits + 1, misses), 1 - tail);
  return interval;
}

Interval NewcombeInterval(Share first, Share second, double confidence) {
  const double p1 = first.rate();
  const double p2 = second.rate();
  const Interval one = WilsonInterval(first, confidence);
  const Interval two = WilsonInterval(second, confidence);
  const double difference = p2 - p1;
  return {difference - std::hypot(p2 - two.lo, one.hi - p1), difference + std::hypot(two.hi - p2, p1 - one.lo)};
}

std::optional<Interval> MeanInterval(const Sample& sample, double confidence) {
  if (sample.n < 2) return std::nullopt;
  const auto n = static_cast<double>(sample.n);
  const double reach = TQuantile(n - 1, confidence) * std::sqrt(sample.variance / n);
  return Interval{sample.mean - reach, sample.mean + reach};
}

std::vector<double> HolmAdjust(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled = p_values[order[rank]] * static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, scaled));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double Quantile(std::vector<double> values, double q) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), values.begin() + below, values.end());
  const double low = values[static_cast<size_t>(below)];
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0) return low;
  const double high = *std::min_element(values.begin() + below + 1, values.end());
  return low + fraction * (high - low);
}

}  // namespace wfe::stats
