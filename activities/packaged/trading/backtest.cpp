#include "activities/packaged/trading/backtest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace wfe::trading {
namespace {

/// What would not fit, after a price that has grown a thousandfold in a bar, is as much as makes CourseRun give up.
Money ValueOf(int64_t shares, Money price) {
  constexpr int64_t kMost = Money::Most().nanos() / 4;
  int64_t value = 0;
  if (__builtin_mul_overflow(shares, price.nanos(), &value)) value = shares < 0 ? -kMost : kMost;
  return Money::Nanos(std::clamp(value, -kMost, kMost));
}

/// Whole shares for a weight; cut towards zero.
int64_t SharesFor(double weight, Money equity, Money price) {
  const double value = weight * static_cast<double>(equity.nanos());
  return static_cast<int64_t>(value / static_cast<double>(price.nanos()));
}

/// Sums of values and costs stay within Money.
constexpr Money kMostEquity = Money::Usd(100'000'000);

class CourseRun {
 public:
  CourseRun(const std::vector<Bar>& bars, const std::vector<double>& weights, const CostModel& costs, Course& course)
      : bars_(bars), weights_(weights), costs_(costs), course_(course), cash_(costs.initial_cash) {}

  Status Go() {
    double exposure = 0;
    int64_t invested = 0;
    for (size_t i = 0; i < bars_.size(); ++i) {
      if (i > 0 && !ruined_) Execute(bars_[i], weights_[i - 1]);
      Money equity = Money::Nanos(cash_.nanos() + ValueOf(shares_, bars_[i].close).nanos());
      if (!ruined_ && equity <= Money()) {
        ruined_ = true;
        course_.figures.ruined_on = bars_[i].date;
        shares_ = 0;
        cash_ = equity;
      }
      if (equity > kMostEquity) {
        return InvalidArgument(fmt::format("on {} the equity is above $100,000,000: weights or prices are none of this "
                                           "world",
                                           bars_[i].date));
      }
      course_.equity.push_back(equity);
      if (shares_ == 0) continue;
      const double now = std::fabs(ValueOf(shares_, bars_[i].close).usd()) / equity.usd();
      exposure += now;
      course_.figures.max_exposure = std::max(course_.figures.max_exposure, now);
      ++invested;
    }
    const auto count = static_cast<double>(bars_.size());
    course_.figures.days_invested = static_cast<double>(invested) / count;
    course_.figures.mean_exposure = exposure / count;
    course_.figures.turnover = traded_ / costs_.initial_cash.usd();
    course_.figures.trades = static_cast<int64_t>(course_.trades.size());
    return Ok();
  }

 private:
  void Execute(const Bar& bar, double weight) {
    const Money equity = Money::Nanos(cash_.nanos() + ValueOf(shares_, bar.open).nanos());
    if (std::isnan(weight) || equity <= Money() || equity > kMostEquity) return;
    const int64_t order = SharesFor(weight, equity, bar.open) - shares_;
    if (order == 0) return;
    const Money value = ValueOf(std::abs(order), bar.open);
    Trade trade{.date = bar.date,
                .shares = order,
                .price = bar.open,
                .fee = ShareOf(value, costs_.fee_bps),
                .slippage = ShareOf(value, costs_.slippage_bps)};
    cash_ = Money::Nanos(cash_.nanos() - ValueOf(order, bar.open).nanos() - trade.fee.nanos() - trade.slippage.nanos());
    shares_ += order;
    traded_ += value.usd();
    course_.figures.fees = course_.figures.fees.PlusAtMost(trade.fee);
    course_.figures.slippage = course_.figures.slippage.PlusAtMost(trade.slippage);
    course_.trades.push_back(std::move(trade));
  }

  const std::vector<Bar>& bars_;
  const std::vector<double>& weights_;
  const CostModel& costs_;
  Course& course_;
  Money cash_;
  int64_t shares_ = 0;
  double traded_ = 0;
  bool ruined_ = false;
};

}  // namespace

Money ShareOf(Money value, double bps) {
  return Money::Nanos(std::llround(static_cast<double>(value.nanos()) * bps / 10'000));
}

std::vector<double> HoldingWeights(size_t bars) {
  std::vector<double> weights(bars, kKeepPosition);
  weights.front() = 1;
  return weights;
}

void CountFigures(const std::vector<Bar>& bars, const std::vector<Money>& equity, const CostModel& costs,
                  BacktestFigures& figures) {
  figures.final_equity = equity.back();
  figures.total_return = equity.back().usd() / costs.initial_cash.usd() - 1;
  const double years = static_cast<double>(equity.size()) / costs.bars_per_year;
  figures.annual_return = figures.total_return <= -1 ? -1 : std::pow(1 + figures.total_return, 1 / years) - 1;
  double peak = costs.initial_cash.usd();
  std::string peak_date = bars.front().date;
  double before = peak;
  double sum = 0;
  double squares = 0;
  for (size_t i = 0; i < equity.size(); ++i) {
    const double now = equity[i].usd();
    if (now > peak) {
      peak = now;
      peak_date = bars[i].date;
    }
    if (const double fall = 1 - now / peak; fall > figures.max_drawdown) {
      figures.max_drawdown = fall;
      figures.peak_date = peak_date;
      figures.trough_date = bars[i].date;
    }
    const double change = before > 0 ? now / before - 1 : 0;
    figures.worst_day = std::min(figures.worst_day, change);
    sum += change;
    squares += change * change;
    before = now;
  }
  const auto count = static_cast<double>(equity.size());
  const double mean = sum / count;
  const double variance = count < 2 ? 0 : (squares - count * mean * mean) / (count - 1);
  if (variance > 1e-18) figures.sharpe = mean / std::sqrt(variance) * std::sqrt(costs.bars_per_year);
}

Result<Course> RunCourse(std::string name, const std::vector<Bar>& bars, const std::vector<double>& weights,
                         const CostModel& costs) {
  if (bars.size() != weights.size() || bars.empty()) {
    return InvalidArgument(fmt::format("there are {} decisions for {} bars", weights.size(), bars.size()));
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    if (std::isnan(weights[i]) || std::fabs(weights[i]) <= kMaxWeight) continue;
    return InvalidArgument(fmt::format("on {} it would invest {:.6g} times its equity; a back-test takes up to {:.0f}",
                                       bars[i].date, weights[i], kMaxWeight));
  }
  Course course;
  course.figures.name = std::move(name);
  WFE_RETURN_IF_ERROR(CourseRun(bars, weights, costs, course).Go());
  CountFigures(bars, course.equity, costs, course.figures);
  return course;
}

}  // namespace wfe::trading
