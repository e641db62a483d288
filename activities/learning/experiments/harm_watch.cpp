#include "activities/learning/experiments/harm_watch.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace wfe::learning {
namespace {

/// No evidence at all, and still a number that JSON has.
constexpr double kNothing = -700;

/// log of the integral over coins from q to 1 of the tosses' likelihood, divided by (1 - q) and by that under q.
double LogEvidence(double variant, double control, double q) {
  const double a = variant + 1;
  const double b = control + 1;
  const double above_q = boost::math::ibetac(a, b, q);
  if (!(above_q > 0)) return kNothing;
  const double log_beta = boost::math::lgamma(a) + boost::math::lgamma(b) - boost::math::lgamma(a + b);
  const double log_mixture = log_beta + std::log(above_q) - std::log1p(-q);
  return std::max(kNothing, log_mixture - variant * std::log(q) - control * std::log1p(-q));
}

}  // namespace

HarmWatch WatchForHarm(int64_t errors_control, int64_t errors_variant, double variant_share, double alpha) {
  HarmWatch watch{.errors_control = errors_control, .errors_variant = errors_variant, .log_limit = -std::log(alpha)};
  watch.log_evidence =
      LogEvidence(static_cast<double>(errors_variant), static_cast<double>(errors_control), variant_share);
  watch.harmful = watch.log_evidence >= watch.log_limit;
  return watch;
}

}  // namespace wfe::learning
