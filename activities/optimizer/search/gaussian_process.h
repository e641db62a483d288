// A Gaussian process over the unit cube: what a function may be between the points where it is known (SR-7).
#pragma once

#include <memory>
#include <vector>

namespace wfe::optimizer {

/// Matérn 5/2 with a length for each dimension.  Values are centred and scaled inside; without variance the process
/// is flat, and only its uncertainty tells points apart.
///
/// The lengths and the noise are those of the highest marginal likelihood, with the variance of the signal in its
/// closed form.  Since a likelihood of few points can be highest at absurd lengths, they have a wide log-normal prior
/// around half of the cube.  The maximum is looked for on a small grid of equal lengths and then dimension by
/// dimension: with 55 points a likelihood takes some ten microseconds, so gradients would save nothing.
class GaussianProcess {
 public:
  /// Points of equal length, at least one, and a finite value for each.
  GaussianProcess(std::vector<std::vector<double>> points, const std::vector<double>& values);
  GaussianProcess(GaussianProcess&&) noexcept;
  GaussianProcess& operator=(GaussianProcess&&) noexcept;
  ~GaussianProcess();

  struct Belief {
    double mean = 0;
    double sd = 0;  ///< Of the function, without the noise.
  };
  Belief At(const std::vector<double>& point) const;

  const std::vector<double>& lengths() const;
  double noise() const;  ///< Variance, as a share of the signal's.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::optimizer
