#include "activities/optimizer/search/gaussian_process.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace wfe::optimizer {
namespace {

constexpr double kMinNoise = 1e-6;  // keeps equal points from making the matrix singular
constexpr double kMaxNoise = 1;
constexpr double kMinLength = 0.02;
constexpr double kMaxLength = 10;
constexpr double kPriorLength = 0.5;
constexpr double kPriorSpread = 1.2;  // of the logarithm

double Matern52(double distance) {
  const double scaled = std::sqrt(5.0) * distance;
  return (1 + scaled + scaled * scaled / 3) * std::exp(-scaled);
}

double ScaledDistance(const std::vector<double>& a, const std::vector<double>& b, const std::vector<double>& lengths) {
  double sum = 0;
  for (size_t d = 0; d < a.size(); ++d) {
    const double part = (a[d] - b[d]) / lengths[d];
    sum += part * part;
  }
  return std::sqrt(sum);
}

struct Hyper {
  std::vector<double> lengths;
  double noise = 1e-4;
};

}  // namespace

struct GaussianProcess::Impl {
  std::vector<std::vector<double>> points;
  Eigen::VectorXd scaled;
  double mean = 0;
  double sd = 1;
  bool flat = false;
  Hyper hyper;
  double signal = 1;  // its variance, of the scaled values
  Eigen::LLT<Eigen::MatrixXd> cholesky;
  Eigen::VectorXd weights;

  Eigen::MatrixXd Correlations(const Hyper& at) const {
    const auto n = static_cast<Eigen::Index>(points.size());
    Eigen::MatrixXd matrix(n, n);
    for (Eigen::Index i = 0; i < n; ++i) {
      matrix(i, i) = 1 + at.noise;
      for (Eigen::Index j = 0; j < i; ++j) {
        matrix(i, j) = Matern52(
            ScaledDistance(points[static_cast<size_t>(i)], points[static_cast<size_t>(j)], at.lengths));
        matrix(j, i) = matrix(i, j);
      }
    }
    return matrix;
  }

  /// The logarithm, but for a constant, with that of the prior.
  double Likelihood(const Hyper& at) const {
    const Eigen::LLT<Eigen::MatrixXd> factor(Correlations(at));
    if (factor.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
    const auto n = static_cast<double>(points.size());
    const double variance = std::max(1e-12, scaled.dot(factor.solve(scaled)) / n);
    double half_log_determinant = 0;
    for (Eigen::Index i = 0; i < scaled.size(); ++i) half_log_determinant += std::log(factor.matrixL()(i, i));
    double prior = 0;
    for (const double length : at.lengths) {
      const double z = std::log(length / kPriorLength) / kPriorSpread;
      prior -= z * z / 2;
    }
    return -n / 2 * std::log(variance) - half_log_determinant + prior;
  }

  void Choose() {
    const size_t dimensions = points.front().size();
    double best = -std::numeric_limits<double>::infinity();
    const auto consider = [&](const Hyper& at) {
      const double likelihood = Likelihood(at);
      if (likelihood <= best) return false;
      best = likelihood;
      hyper = at;
      return true;
    };
    for (const double length : {0.1, 0.25, 0.5, 1.0, 2.0}) {
      for (const double noise : {kMinNoise, 1e-3, 0.1}) {
        consider({.lengths = std::vector<double>(dimensions, length), .noise = noise});
      }
    }
    for (double factor = 2; factor > 1.2; factor = std::sqrt(factor)) {
      for (size_t d = 0; d <= dimensions; ++d) {
        for (const double by : {factor, 1 / factor}) {
          Hyper at = hyper;
          double& value = d < dimensions ? at.lengths[d] : at.noise;
          value = d < dimensions ? std::clamp(value * by, kMinLength, kMaxLength)
                                 : std::clamp(value * by * by, kMinNoise, kMaxNoise);
          if (consider(at)) break;
        }
      }
    }
  }

  void Scale(const std::vector<double>& values) {
    const auto n = static_cast<double>(values.size());
    for (const double value : values) mean += value / n;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean) / n;
    // What rounding leaves of equal values is no variance.
    flat = !(squares > 1e-24 * std::max(1.0, mean * mean));
    if (!flat) sd = std::sqrt(squares);
    scaled.resize(static_cast<Eigen::Index>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) {
      scaled(static_cast<Eigen::Index>(i)) = flat ? 0 : (values[i] - mean) / sd;
    }
  }

  void Fit() {
    hyper = {.lengths = std::vector<double>(points.front().size(), kPriorLength), .noise = kMinNoise};
    if (!flat) Choose();
    cholesky.compute(Correlations(hyper));
    weights = cholesky.solve(scaled);
    if (!flat) signal = std::max(1e-12, scaled.dot(weights) / static_cast<double>(points.size()));
  }
};

GaussianProcess::GaussianProcess(std::vector<std::vector<double>> points, const std::vector<double>& values)
    : impl_(std::make_unique<Impl>()) {
  impl_->points = std::move(points);
  impl_->Scale(values);
  impl_->Fit();
}
GaussianProcess::GaussianProcess(GaussianProcess&&) noexcept = default;
GaussianProcess& GaussianProcess::operator=(GaussianProcess&&) noexcept = default;
GaussianProcess::~GaussianProcess() = default;

GaussianProcess::Belief GaussianProcess::At(const std::vector<double>& point) const {
  const Impl& gp = *impl_;
  Eigen::VectorXd with(static_cast<Eigen::Index>(gp.points.size()));
  for (size_t i = 0; i < gp.points.size(); ++i) {
    with(static_cast<Eigen::Index>(i)) = Matern52(ScaledDistance(point, gp.points[i], gp.hyper.lengths));
  }
  const double explained = gp.cholesky.matrixL().solve(with).squaredNorm();
  return {.mean = gp.mean + gp.sd * with.dot(gp.weights),
          .sd = gp.sd * std::sqrt(std::max(0.0, gp.signal * (1 - explained)))};
}

const std::vector<double>& GaussianProcess::lengths() const { return impl_->hyper.lengths; }
double GaussianProcess::noise() const { return impl_->hyper.noise; }

}  // namespace wfe::optimizer
