#include "activities/analytics/reports/svg_scale.h"

#include <algorithm>
#include <cmath>

#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/svg.h"

namespace wfe::analytics::reports {

LinearScale::LinearScale(double from, double to, double start, double end)
    : from_(from), to_(to > from ? to : from + 1), start_(start), end_(end) {}

double LinearScale::operator()(double value) const {
  return start_ + (value - from_) / (to_ - from_) * (end_ - start_);
}

Ticks RoundTicks(double low, double high, int steps, double least_step) {
  if (!(high > low)) high = low + (low == 0 ? 1 : std::fabs(low));
  const double rough = (high - low) / steps;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double candidate : {1.0, 2.0, 2.5, 5.0}) {
    if (candidate * power >= rough) {
      step = candidate * power;
      break;
    }
  }
  step = std::max(step, least_step);
  Ticks ticks;
  // Multiples instead of sums, so that 0.3 is not 0.30000000000000004 of a step off.
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) ticks.at.push_back(i * step);
  ticks.from = first * step;
  ticks.to = last * step;
  return ticks;
}

XAxis::XAxis(const std::vector<std::string>& xs, double start, double end) {
  for (const std::string& x : xs) {
    if (std::find(distinct_.begin(), distinct_.end(), x) == distinct_.end()) distinct_.push_back(x);
  }
  std::vector<double> seconds;
  for (const std::string& x : distinct_) {
    const std::optional<Instant> instant = ParseTime(x);
    if (!instant) break;
    seconds.push_back(std::chrono::duration<double>(instant->time_since_epoch()).count());
  }
  is_time_ = !distinct_.empty() && seconds.size() == distinct_.size();
  if (distinct_.size() == 1) {
    places_.push_back((start + end) / 2);
    return;
  }
  if (is_time_) {
    const auto [low, high] = std::minmax_element(seconds.begin(), seconds.end());
    const LinearScale scale(*low, *high, start, end);
    for (const double at : seconds) places_.push_back(scale(at));
    return;
  }
  const LinearScale scale(0, static_cast<double>(distinct_.size()) - 1, start, end);
  for (size_t i = 0; i < distinct_.size(); ++i) places_.push_back(scale(static_cast<double>(i)));
}

double XAxis::At(std::string_view x) const {
  const auto found = std::find(distinct_.begin(), distinct_.end(), x);
  return found == distinct_.end() ? 0 : places_[static_cast<size_t>(found - distinct_.begin())];
}

std::vector<XAxis::Label> XAxis::Labels() const {
  std::vector<Label> all;
  // Where the days are of several years, a day without its year is of none.
  const bool over_years = is_time_ && std::ranges::any_of(distinct_, [this](const std::string& x) {
                            return x.substr(0, 4) != distinct_.front().substr(0, 4);
                          });
  for (size_t i = 0; i < distinct_.size(); ++i) {
    const std::string text = over_years ? FormatDay(distinct_[i]) : LabelOf(distinct_[i]);
    all.push_back({places_[i], Clip(text, 18)});
  }
  std::sort(all.begin(), all.end(), [](const Label& a, const Label& b) { return a.at < b.at; });
  if (all.size() < 3) return all;
  // The ends are always named; between them, what fits.
  std::vector<Label> labels = {all.front()};
  const auto clear_of = [](const Label& a, const Label& b) {
    return b.at - a.at > (TextWidth(a.text) + TextWidth(b.text)) / 2 + 14;
  };
  for (size_t i = 1; i + 1 < all.size(); ++i) {
    if (clear_of(labels.back(), all[i]) && clear_of(all[i], all.back())) labels.push_back(all[i]);
  }
  if (clear_of(labels.back(), all.back())) labels.push_back(all.back());
  return labels;
}

std::string LabelOf(std::string_view x) {
  if (IsDigest(x)) return ShortId(x);
  return ParseTime(x) ? FormatDayShort(x) : std::string(x);
}

}  // namespace wfe::analytics::reports
