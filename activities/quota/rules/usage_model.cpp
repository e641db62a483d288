#include "activities/quota/rules/usage_model.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "activities/statistics/statistics.h"
#include "engine/base/check.h"

namespace wfe::quota {
namespace {

constexpr double kFarOff = 3.5;
constexpr int kRounds = 50;
/// A scale below this share of the mean day is none: days that are all alike would make every other day odd.
constexpr double kLeastScale = 0.02;
/// The spread of a weekday is that of its own days and of so many more that follow the common rule.
constexpr double kDaysOfTheRule = 4;
constexpr double kMostLasting = 0.8;
constexpr double kMostGrowth = 2;
/// What a trend that cannot be seen yet may be before any day is known: the standard deviation of its share of the level
/// in a day, 3 % in a week.
constexpr double kUnseenTrend = 0.03 / 7;

constexpr double kTwoPi = 6.283185307179586;

double MedianOf(std::vector<double> values) { return stats::Quantile(std::move(values), 0.5); }

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Of residuals after `columns` coefficients.
double RobustScale(const std::vector<double>& residuals, size_t columns) {
  std::vector<double> sizes;
  for (const double residual : residuals) sizes.push_back(std::abs(residual));
  const auto n = static_cast<double>(residuals.size());
  return 1.4826 * MedianOf(std::move(sizes)) * std::sqrt(n / (n - static_cast<double>(columns)));
}

}  // namespace

double Chance::Normal() {
  // Box and Muller; one of the two is thrown away, so that each call takes as much from the engine.
  const double radius = std::sqrt(-2 * std::log(1 - Share()));
  return radius * std::cos(kTwoPi * Share());
}

double Chance::ChiSquared(size_t freedom) {
  double sum = 0;
  for (size_t i = 0; i < freedom; ++i) {
    const double each = Normal();
    sum += each * each;
  }
  return sum;
}

double UsageModel::At(int64_t index, const std::vector<double>& coefficients) const {
  const size_t level = weekdays_ ? static_cast<size_t>(WeekdayOf(first_ + std::chrono::days(index))) : 0;
  // Time is counted from the middle of the series, so that levels and trend are nearly independent.
  const double time = (static_cast<double>(index) - static_cast<double>(days_ - 1) / 2) / ScaleOfTime();
  return coefficients[level] + (trend_ ? coefficients.back() * time : 0);
}

UsageModel UsageModel::Fit(const DailySeries& series) {
  WFE_CHECK(series.tokens.size() >= kLeastDays);
  UsageModel model;
  model.first_ = series.first;
  model.days_ = series.tokens.size();
  model.weekdays_ = model.days_ >= kWeekdaysFrom;
  model.trend_ = model.days_ >= kTrendFrom;
  const std::vector<double> tokens(series.tokens.begin(), series.tokens.end());
  std::vector<double> bounded = tokens;
  const double least = std::max(kLeastScale * MeanOf(tokens), 1.0);
  for (int round = 0; round < kRounds; ++round) {
    model.FitLevels(bounded);
    std::vector<double> residuals(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) residuals[i] = tokens[i] - model.fitted_[i];
    const double border = kFarOff * std::max(RobustScale(residuals, model.columns()), least);
    double moved = 0;
    model.odd_.assign(tokens.size(), false);
    for (size_t i = 0; i < tokens.size(); ++i) {
      const double next = model.fitted_[i] + std::clamp(residuals[i], -border, border);
      moved = std::max(moved, std::abs(next - bounded[i]));
      model.odd_[i] = std::abs(residuals[i]) > border;
      bounded[i] = next;
    }
    if (moved < least * 1e-3) break;
  }
  model.MeasureNoise(tokens, bounded);
  model.MeasureCoefficients();
  return model;
}

void UsageModel::FitLevels(const std::vector<double>& tokens) {
  const auto rows = static_cast<Eigen::Index>(days_);
  const auto width = static_cast<Eigen::Index>(columns());
  Eigen::MatrixXd design(rows, width);
  std::vector<double> unit(columns(), 0.0);
  for (Eigen::Index column = 0; column < width; ++column) {
    unit[static_cast<size_t>(column)] = 1;
    for (Eigen::Index row = 0; row < rows; ++row) design(row, column) = At(row, unit);
    unit[static_cast<size_t>(column)] = 0;
  }
  const Eigen::VectorXd wanted = Eigen::Map<const Eigen::VectorXd>(tokens.data(), rows);
  const Eigen::VectorXd found = design.colPivHouseholderQr().solve(wanted);
  coefficients_.assign(found.data(), found.data() + width);
  fitted_.resize(days_);
  usual_.resize(days_);
  for (size_t i = 0; i < days_; ++i) {
    fitted_[i] = At(static_cast<int64_t>(i), coefficients_);
    usual_[i] = std::max(0.0, fitted_[i]);
  }
}

void UsageModel::MeasureNoise(const std::vector<double>& tokens, const std::vector<double>& bounded) {
  const auto n = static_cast<double>(days_);
  const double lost = n / (n - static_cast<double>(columns()));  // degrees of freedom that the coefficients took
  std::array<double, 7> squares{};
  std::array<double, 7> levels{};
  std::array<double, 7> counts{};
  double all_squares = 0;
  double all_levels = 0;
  for (size_t i = 0; i < days_; ++i) {
    const auto weekday = static_cast<size_t>(WeekdayOf(first_ + std::chrono::days(i)));
    const double square = (bounded[i] - fitted_[i]) * (bounded[i] - fitted_[i]) * lost;
    squares[weekday] += square;
    levels[weekday] += usual_[i];
    counts[weekday] += 1;
    all_squares += square;
    all_levels += usual_[i] * usual_[i];
  }
  // The common rule: noise in proportion to the level, so that days on which nobody works have little of it.
  const double relative = all_levels > 0 ? all_squares / all_levels : 0;
  // Days without noise would show any trend: what is left of the first guess is what they leave open.
  const double shown = relative / (n * (n * n - 1) / 12);  // variance of a slope that is fitted to them
  unseen_trend_ = trend_ || relative <= 0 ? 0 : 1 / std::sqrt(1 / shown + 1 / (kUnseenTrend * kUnseenTrend));
  for (size_t weekday = 0; weekday < 7; ++weekday) {
    const double level = level_[weekday] = levels[weekday] / counts[weekday];
    spread_[weekday] = std::sqrt((squares[weekday] + kDaysOfTheRule * relative * level * level) /
                                 (counts[weekday] + kDaysOfTheRule));
  }
  std::vector<double> noise(days_);
  std::vector<double> calm(days_);
  double products = 0;
  double sizes = 0;
  for (size_t i = 0; i < days_; ++i) {
    const double spread = spread_[static_cast<size_t>(WeekdayOf(first_ + std::chrono::days(i)))];
    const double unit = spread > 0 ? std::sqrt(lost) / spread : 0;
    noise[i] = (tokens[i] - fitted_[i]) * unit;
    calm[i] = (bounded[i] - fitted_[i]) * unit;
    if (i > 0) products += calm[i] * calm[i - 1];
    sizes += calm[i] * calm[i];
  }
  const double raw = sizes > 0 ? products / sizes : 0;
  // Residuals of few days look less alike than the noise is (Kendall 1954).
  lasting_ = sizes > 0 ? std::clamp(raw + (1 + 3 * raw) / n, 0.0, kMostLasting) : 0;
  last_ = calm.back();
  innovations_.clear();
  for (size_t i = 1; i < days_; ++i) innovations_.push_back(noise[i] - lasting_ * calm[i - 1]);
}

void UsageModel::MeasureCoefficients() {
  const auto width = static_cast<Eigen::Index>(columns());
  Eigen::MatrixXd inner = Eigen::MatrixXd::Zero(width, width);   // X'X
  Eigen::MatrixXd spread = Eigen::MatrixXd::Zero(width, width);  // X' diag(spread^2) X
  std::vector<double> unit(columns(), 0.0);
  Eigen::VectorXd row(width);
  for (size_t i = 0; i < days_; ++i) {
    for (Eigen::Index column = 0; column < width; ++column) {
      unit[static_cast<size_t>(column)] = 1;
      row(column) = At(static_cast<int64_t>(i), unit);
      unit[static_cast<size_t>(column)] = 0;
    }
    const double of_day = spread_[static_cast<size_t>(WeekdayOf(first_ + std::chrono::days(i)))];
    inner += row * row.transpose();
    spread += row * row.transpose() * (of_day * of_day);
  }
  const Eigen::MatrixXd inverse = inner.ldlt().solve(Eigen::MatrixXd::Identity(width, width));
  // Noise that lasts makes every mean of many days less sure.
  const Eigen::MatrixXd covariance = inverse * spread * inverse * ((1 + lasting_) / (1 - lasting_));
  root_.assign(columns() * columns(), 0.0);
  if (covariance.trace() <= 0) return;  // no noise at all: the coefficients are known
  // Weekdays without noise would leave a matrix without a root.
  const Eigen::MatrixXd regular = covariance + Eigen::MatrixXd::Identity(width, width) * (1e-12 * covariance.trace());
  const Eigen::LLT<Eigen::MatrixXd> factor(regular);
  WFE_CHECK(factor.info() == Eigen::Success);
  const Eigen::MatrixXd lower = factor.matrixL();
  for (Eigen::Index i = 0; i < width; ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) root_[static_cast<size_t>(i * width + j)] = lower(i, j);
  }
}

std::vector<double> UsageModel::Path(size_t horizon, Chance& chance) const {
  const size_t width = columns();
  const size_t freedom = days_ - width;
  const double unsure = std::sqrt(static_cast<double>(freedom) / chance.ChiSquared(freedom));
  std::vector<double> drawn(width);
  for (double& each : drawn) each = chance.Normal();
  std::vector<double> coefficients = coefficients_;
  for (size_t i = 0; i < width; ++i) {
    for (size_t j = 0; j <= i; ++j) coefficients[i] += root_[i * width + j] * drawn[j] * unsure;
  }
  const double unseen = unseen_trend_ > 0 ? unseen_trend_ * chance.Normal() : 0;
  const double middle = static_cast<double>(days_ - 1) / 2;
  std::vector<double> path(horizon);
  double noise = last_;
  for (size_t day = 0; day < horizon; ++day) {
    noise = lasting_ * noise + innovations_[chance.Below(innovations_.size())] * unsure;
    const auto index = static_cast<int64_t>(days_ + day);
    const auto weekday = static_cast<size_t>(WeekdayOf(first_ + std::chrono::days(index)));
    const double level = At(index, coefficients) * (1 + unseen * (static_cast<double>(index) - middle));
    // A level that has grown has more noise, and a smaller one no less: the band errs on the wide side.
    const double growth = level_[weekday] > 0 ? std::clamp(level / level_[weekday], 1.0, kMostGrowth) : 1;
    path[day] = std::max(0.0, level + spread_[weekday] * growth * noise);
  }
  return path;
}

}  // namespace wfe::quota
