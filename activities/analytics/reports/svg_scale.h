// From values to coordinates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe::analytics::reports {

/// Maps [from, to] to [start, end] on the drawing; the ends may be in either order.
class LinearScale {
 public:
  LinearScale(double from, double to, double start, double end);
  double operator()(double value) const;
  double from() const { return from_; }
  double to() const { return to_; }

 private:
  double from_, to_, start_, end_;
};

/// The smallest range of round steps that holds [low, high], and the steps.
struct Ticks {
  double from = 0;
  double to = 1;
  std::vector<double> at;
};
Ticks RoundTicks(double low, double high, int steps, double least_step = 0);

/// Where the points of a chart stand: by time when every `x` is an instant, else side by side in order of appearance.
class XAxis {
 public:
  XAxis(const std::vector<std::string>& xs, double start, double end);
  bool is_time() const { return is_time_; }
  double At(std::string_view x) const;
  /// Labels that do not touch each other, with their places.
  struct Label {
    double at;
    std::string text;
  };
  std::vector<Label> Labels() const;

 private:
  std::vector<std::string> distinct_;
  std::vector<double> places_;  // beside distinct_
  bool is_time_ = false;
};

/// What a chart writes for an `x`: a day, a shortened digest, or the text.
std::string LabelOf(std::string_view x);

}  // namespace wfe::analytics::reports
