// What a course of decisions comes to, counted exactly: decisions are made after a bar's close and carried out at the
// next bar's open, in whole shares.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "activities/packaged/trading/prices.h"
#include "activities/packaged/trading/trading.h"

namespace wfe::trading {

struct Course {
  BacktestFigures figures;
  std::vector<Trade> trades;
  std::vector<Money> equity;  ///< At the close of each bar.
};

/// `weights`: the share of equity to be invested, one for each bar; below 0: sold short.  The order of a bar is the
/// difference between weight x equity / open, cut to whole shares, and what is held.  Fee and slippage are each a share
/// of the traded value, rounded to whole nano-dollars; what they take beyond the cash is owed without interest.
/// Once equity is gone nothing is traded any more.  INVALID_ARGUMENT: another number of weights than of bars, or a
/// weight beyond kMaxWeight.
Result<Course> RunCourse(std::string name, const std::vector<Bar>& bars, const std::vector<double>& weights,
                         const CostModel& costs);
inline constexpr double kMaxWeight = 20;
/// A weight: nothing is bought or sold, whatever the position has become.
inline constexpr double kKeepPosition = std::numeric_limits<double>::quiet_NaN();

/// A return, a drawdown and their like from equities; used by RunCourse.
void CountFigures(const std::vector<Bar>& bars, const std::vector<Money>& equity, const CostModel& costs,
                  BacktestFigures& figures);

/// A share of an amount in hundredths of a percent, rounded to the nearest nano-dollar.
Money ShareOf(Money value, double bps);

/// Buys after the first bar and keeps that; at least one bar.
std::vector<double> HoldingWeights(size_t bars);

}  // namespace wfe::trading
