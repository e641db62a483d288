// How tokens of a day come about: a level for each day of the week, a trend, and noise that lasts a little (QF-3).
//
// Ordinary least squares on seven levels and a straight line, by Eigen.  With 7 to 13 days there is one level and no
// more, with 14 to 20 days there are weekdays without a trend: what cannot be told apart yet is not guessed, but a trend
// of some percent a week makes the paths wider.
// Days that are far off (more than 3.5 of the scaled median of absolute residuals, the rule of Iglewicz and Hoaglin)
// count for the levels only as far as that border (Huber's estimator by pseudo-values), and wholly for the noise, so
// one odd day does not bend the line, but another one may come.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "activities/quota/rules/daily_series.h"

namespace wfe::quota {

inline constexpr size_t kLeastDays = 7;
inline constexpr size_t kWeekdaysFrom = 14;
inline constexpr size_t kTrendFrom = 21;

/// Random numbers that are the same everywhere, which those of <random>'s distributions are not.
class Chance {
 public:
  explicit Chance(uint64_t seed) : engine_(seed) {}
  /// 0 to bound - 1; `bound` is positive.
  size_t Below(size_t bound) { return static_cast<size_t>(engine_() % bound); }
  /// From 0 to 1, exclusive.
  double Share() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double Normal();
  double ChiSquared(size_t freedom);

 private:
  std::mt19937_64 engine_;
};

/// Plain data once it is fitted; callable from any thread.
class UsageModel {
 public:
  /// `series` has at least kLeastDays days.
  static UsageModel Fit(const DailySeries& series);

  /// One way in which the days from the end of the series on may go; every day at least 0.
  /// The coefficients are drawn from their distribution (Student's, with the covariance that unequal and lasting noise
  /// gives them), the noise from what the days have shown.
  std::vector<double> Path(size_t horizon, Chance& chance) const;

  /// By day of the series: what the model takes for usual, at least 0.
  const std::vector<double>& usual() const { return usual_; }
  /// By day of the series: it is far off.
  const std::vector<bool>& odd() const { return odd_; }
  bool has_weekdays() const { return weekdays_; }
  bool has_trend() const { return trend_; }
  /// Tokens a day, each day; 0 without a trend.
  double slope() const { return trend_ ? coefficients_.back() / ScaleOfTime() : 0; }

 private:
  size_t columns() const { return (weekdays_ ? 7 : 1) + (trend_ ? 1 : 0); }
  double ScaleOfTime() const { return static_cast<double>(days_); }
  /// What coefficients say of a day, counted from the first of the series.
  double At(int64_t index, const std::vector<double>& coefficients) const;
  void FitLevels(const std::vector<double>& tokens);
  void MeasureNoise(const std::vector<double>& tokens, const std::vector<double>& bounded);
  void MeasureCoefficients();

  Day first_{};
  size_t days_ = 0;
  bool weekdays_ = false;
  bool trend_ = false;
  std::vector<double> coefficients_;
  std::vector<double> root_;  // lower triangle of their covariance, by rows, all columns
  std::vector<double> fitted_;
  std::vector<double> usual_;
  std::vector<bool> odd_;
  std::array<double, 7> spread_{};   // of the noise, by weekday
  std::array<double, 7> level_{};    // mean of the usual days, by weekday
  double lasting_ = 0;               // of yesterday's noise: the share that is there today
  double unseen_trend_ = 0;          // standard deviation of a trend that is not fitted, a share of the level in a day
  double last_ = 0;                  // noise of the last day, in units of its spread
  std::vector<double> innovations_;  // new noise of each day, in the same units
};

}  // namespace wfe::quota
