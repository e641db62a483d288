#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "activities/packaged/battery/bms_log.h"
#include "activities/packaged/battery/quantity.h"
#include "engine/base/counted.h"

namespace wfe::battery {
namespace {

constexpr size_t kMostPoints = 240;
/// Spread of the cells of a pack that is worth a look, in mV, for so long.
constexpr double kSpreadMv = 100;
constexpr double kSpreadSeconds = 60;
/// A sensor that shows the same for so long, while its siblings move by so much, does not measure.
constexpr double kStuckSeconds = 900;
constexpr double kStuckCellMv = 30;
constexpr double kStuckTenths = 30;

std::string ClockText(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  return fmt::format("{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

/// Extremes of readings that are there; NaN where there is none.
struct Extremes {
  double least = std::numeric_limits<double>::quiet_NaN();
  double most = std::numeric_limits<double>::quiet_NaN();
  void Add(double value) {
    if (std::isnan(value)) return;
    if (std::isnan(least) || value < least) least = value;
    if (std::isnan(most) || value > most) most = value;
  }
};

double OrZero(double value) { return std::isnan(value) ? 0 : value; }

struct LogRule {
  std::string rule;
  std::string_view severity;
  std::string subject;
  QuantityKind kind;
  double limit = 0;
  bool above = true;
  double least_seconds = 0;  ///< Shorter spans are none.
  std::string what;          ///< "reaches"
  std::string why;
};

class LogChecker {
 public:
  LogChecker(const BmsLog& log, const CellSpec& cell, const PackSpec& pack) : log_(log), cell_(cell), pack_(pack) {}

  LogReport Check() {
    report_.file = log_.file;
    report_.rows = static_cast<int64_t>(log_.time_s.size());
    report_.broken_rows = log_.broken;
    if (log_.time_s.empty()) return std::move(report_);
    Sum();
    CheckCells();
    CheckCurrents();
    CheckTemperatures();
    CheckSensors();
    CheckFile();
    MakePoints();
    return std::move(report_);
  }

 private:
  size_t rows() const { return log_.time_s.size(); }
  std::string Place(size_t row) const { return log_.file + ":" + std::to_string(log_.line[row]); }

  /// Pre-digested: extremes by row, and what flowed.  A gap in the log counts for nothing.
  void Sum() {
    std::vector<double> steps;
    for (size_t row = 1; row < rows(); ++row) steps.push_back(log_.time_s[row] - log_.time_s[row - 1]);
    if (!steps.empty()) {
      std::ranges::nth_element(steps, steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2));
      step_s_ = steps[steps.size() / 2];
    }
    cells_.resize(rows());
    temperatures_.resize(rows());
    Extremes all_cells;
    Extremes all_temperatures;
    Extremes currents;
    for (size_t row = 0; row < rows(); ++row) {
      for (const auto& channel : log_.cell_mv) cells_[row].Add(channel[row]);
      for (const auto& channel : log_.temperature) temperatures_[row].Add(channel[row]);
      all_cells.Add(cells_[row].least);
      all_cells.Add(cells_[row].most);
      all_temperatures.Add(temperatures_[row].least);
      all_temperatures.Add(temperatures_[row].most);
      currents.Add(log_.current_ma[row]);
      const double elapsed = row == 0 ? 0 : log_.time_s[row] - log_.time_s[row - 1];
      const double flowed = OrZero(log_.current_ma[row]) * (elapsed > 5 * step_s_ ? 0 : elapsed) / 3.6e6;
      (flowed > 0 ? report_.charged_ah : report_.discharged_ah) += std::fabs(flowed);
    }
    report_.minutes = (log_.time_s.back() - log_.time_s.front()) / 60;
    report_.lowest_mv = OrZero(all_cells.least);
    report_.highest_mv = OrZero(all_cells.most);
    report_.coldest = OrZero(all_temperatures.least);
    report_.hottest = OrZero(all_temperatures.most);
    report_.most_charge_ma = std::max(0.0, OrZero(currents.most));
    report_.most_discharge_ma = std::max(0.0, -OrZero(currents.least));
  }

  /// Looks for spans in which `value` is beyond the rule's limit, and makes one finding of all of them.
  void Apply(const LogRule& rule, const std::function<double(size_t row)>& value) {
    size_t spans = 0;
    size_t first = 0;
    double seconds = 0;
    double worst = std::numeric_limits<double>::quiet_NaN();
    for (size_t row = 0; row < rows();) {
      const auto beyond = [&](size_t at) {
        const double now = value(at);
        return rule.above ? now > rule.limit : now < rule.limit;
      };
      if (!beyond(row)) {
        ++row;
        continue;
      }
      const size_t begin = row;
      double extreme = value(row);
      while (row < rows() && beyond(row)) {
        extreme = rule.above ? std::max(extreme, value(row)) : std::min(extreme, value(row));
        ++row;
      }
      const double from = log_.time_s[begin];
      const double to = row < rows() ? log_.time_s[row] : log_.time_s.back();
      if (to - from < rule.least_seconds) continue;
      if (spans++ == 0) first = begin;
      seconds += to - from;
      if (std::isnan(worst) || (rule.above ? extreme > worst : extreme < worst)) worst = extreme;
      AddSpan(rule.rule, rule.subject, from, to);
    }
    if (spans == 0) return;
    report_.findings.push_back(
        {.rule = rule.rule,
         .severity = std::string(rule.severity),
         .subject = rule.subject,
         .detail = rule.what + " " + ShowQuantity(std::llround(worst), rule.kind) + ", where " +
                   ShowQuantity(std::llround(rule.limit), rule.kind) + " is the limit; " +
                   (spans == 1 ? "once, for " : fmt::format("{} times, in all for ", spans)) +
                   fmt::format("{:.0f} s", seconds),
         .why = rule.why,
         .where = Place(first) + " (" + ClockText(log_.time_s[first]) + ")"});
  }
  void AddSpan(const std::string& rule, const std::string& subject, double from_s, double to_s) {
    report_.spans.push_back({.rule = rule,
                             .subject = subject,
                             .from_minutes = (from_s - log_.time_s.front()) / 60,
                             .to_minutes = (to_s - log_.time_s.front()) / 60});
  }

  void CheckCells() {
    for (size_t i = 0; i < log_.cell_mv.size(); ++i) {
      const auto reading = [&](size_t row) { return log_.cell_mv[i][row]; };
      LogRule rule{.rule = "log-over-voltage",
                   .severity = kHigh,
                   .subject = "cell " + std::to_string(i + 1),
                   .kind = QuantityKind::kVoltage,
                   .limit = static_cast<double>(cell_.charge_cutoff_mv),
                   .what = "reaches",
                   .why = "above its charge cut-off a cell plates lithium and decomposes its electrolyte"};
      Apply(rule, reading);
      rule.rule = "log-under-voltage";
      rule.limit = static_cast<double>(cell_.discharge_cutoff_mv);
      rule.above = false;
      rule.what = "falls to";
      rule.why = "below its discharge cut-off a cell dissolves copper, which may short it when it is charged again";
      Apply(rule, reading);
    }
    Apply({.rule = "log-imbalance",
           .severity = kMedium,
           .subject = "spread of the cells",
           .kind = QuantityKind::kVoltage,
           .limit = kSpreadMv,
           .least_seconds = kSpreadSeconds,
           .what = "reaches",
           .why = "the pack is full when its highest cell is and empty when its lowest is: capacity is lost"},
          [&](size_t row) { return cells_[row].most - cells_[row].least; });
  }

  void CheckCurrents() {
    LogRule rule{.rule = "log-charge-current",
                 .severity = kHigh,
                 .subject = "charge current",
                 .kind = QuantityKind::kCurrent,
                 .limit = static_cast<double>(cell_.max_charge_ma * pack_.parallel),
                 .what = "reaches",
                 .why = "beyond the datasheet's current a cell plates lithium and heats up"};
    Apply(rule, [&](size_t row) { return log_.current_ma[row]; });
    rule.rule = "log-discharge-current";
    rule.subject = "discharge current";
    rule.limit = static_cast<double>(cell_.max_discharge_ma * pack_.parallel);
    rule.why = "beyond the datasheet's current a cell overheats, and its terminals do";
    Apply(rule, [&](size_t row) { return -log_.current_ma[row]; });
  }

  void CheckTemperatures() {
    // Less than a fiftieth of the capacity is no charging worth the name.
    const double idle = static_cast<double>(cell_.capacity_mah * pack_.parallel) / 50;
    const auto coldest = [&](double direction) {
      return [this, idle, direction](size_t row) {
        return log_.current_ma[row] * direction > idle ? temperatures_[row].least
                                                       : std::numeric_limits<double>::quiet_NaN();
      };
    };
    const auto hottest = [&](double direction) {
      return [this, idle, direction](size_t row) {
        return log_.current_ma[row] * direction > idle ? temperatures_[row].most
                                                       : std::numeric_limits<double>::quiet_NaN();
      };
    };
    LogRule rule{.rule = "log-charge-cold",
                 .severity = kHigh,
                 .subject = "temperature while charging",
                 .kind = QuantityKind::kTemperature,
                 .limit = static_cast<double>(cell_.charge_coldest),
                 .above = false,
                 .what = "falls to",
                 .why = "a cell that is charged too cold plates lithium, which cannot be undone"};
    Apply(rule, coldest(1));
    rule.rule = "log-discharge-cold";
    rule.subject = "temperature while discharging";
    rule.limit = static_cast<double>(cell_.discharge_coldest);
    rule.why = "below this temperature the datasheet allows no current";
    Apply(rule, coldest(-1));
    rule.rule = "log-discharge-hot";
    rule.limit = static_cast<double>(cell_.discharge_hottest);
    rule.above = true;
    rule.what = "reaches";
    rule.why = "above this temperature a cell ages fast, and beyond it may run away";
    Apply(rule, hottest(-1));
    rule.rule = "log-charge-hot";
    rule.subject = "temperature while charging";
    rule.limit = static_cast<double>(cell_.charge_hottest);
    Apply(rule, hottest(1));
  }

  void CheckSensors() {
    for (const Finding& finding : log_.implausible) report_.findings.push_back(finding);
    for (size_t i = 0; i < log_.cell_mv.size(); ++i) {
      CheckChannel("cell " + std::to_string(i + 1), log_.cell_mv, i, kStuckCellMv);
    }
    for (size_t i = 0; i < log_.temperature.size(); ++i) {
      CheckChannel("temperature " + std::to_string(i + 1), log_.temperature, i, kStuckTenths);
    }
  }

  void CheckChannel(const std::string& subject, const std::vector<std::vector<double>>& all, size_t index,
                    double movement) {
    const std::vector<double>& channel = all[index];
    size_t missing = 0;
    size_t first_missing = 0;
    for (size_t row = 0; row < rows(); ++row) {
      if (std::isnan(channel[row]) && missing++ == 0) first_missing = row;
    }
    // What cannot be has a finding of its own.
    std::string name = subject;
    std::ranges::replace(name, ' ', '_');
    const bool told =
        std::ranges::any_of(log_.implausible, [&](const Finding& finding) { return finding.subject == name; });
    if (missing > 0 && !told) {
      report_.findings.push_back({.rule = "log-sensor-missing",
                                  .severity = std::string(kMedium),
                                  .subject = subject,
                                  .detail = fmt::format("has no value in {} of {} rows", missing, rows()),
                                  .why = "what is not measured is not protected",
                                  .where = Place(first_missing) + " (" + ClockText(log_.time_s[first_missing]) + ")"});
    }
    for (size_t begin = 0; begin < rows();) {
      size_t end = begin + 1;
      while (end < rows() && channel[end] == channel[begin]) ++end;
      const double seconds = log_.time_s[end - 1] - log_.time_s[begin];
      if (seconds >= kStuckSeconds && SiblingsMove(all, index, begin, end) >= movement) {
        report_.findings.push_back(
            {.rule = "log-sensor-stuck",
             .severity = std::string(kHigh),
             .subject = subject,
             .detail = fmt::format("shows the same value for {:.0f} minutes, while its siblings move", seconds / 60),
             .why = "a sensor that has stopped hides what it is there to show",
             .where = Place(begin) + " (" + ClockText(log_.time_s[begin]) + ")"});
        AddSpan("log-sensor-stuck", subject, log_.time_s[begin], log_.time_s[end - 1]);
        return;
      }
      begin = end;
    }
  }
  /// How far the least that any sibling moves in these rows is; with no sibling 0.
  double SiblingsMove(const std::vector<std::vector<double>>& all, size_t index, size_t begin, size_t end) const {
    std::vector<double> moves;
    for (size_t i = 0; i < all.size(); ++i) {
      if (i == index) continue;
      Extremes extremes;
      for (size_t row = begin; row < end; ++row) extremes.Add(all[i][row]);
      moves.push_back(OrZero(extremes.most - extremes.least));
    }
    if (moves.empty()) return 0;
    std::ranges::sort(moves);
    return moves[moves.size() / 2];
  }

  void CheckFile() {
    for (size_t row = 1; row < rows(); ++row) {
      const double gap = log_.time_s[row] - log_.time_s[row - 1];
      if (gap <= 5 * step_s_) continue;
      report_.findings.push_back(
          {.rule = "log-time-gap",
           .severity = std::string(kLow),
           .subject = "time",
           .detail = fmt::format("nothing was logged for {:.0f} s, where {:.0f} s are usual", gap, step_s_),
           .why = "what happened meanwhile is not known",
           .where = Place(row)});
    }
    for (const FileProblem& row : log_.broken_rows) {
      report_.findings.push_back({.rule = "log-broken-row",
                                  .severity = std::string(kLow),
                                  .subject = "row",
                                  .detail = row.message,
                                  .why = "the row is left out",
                                  .where = row.file + ":" + std::to_string(row.line)});
    }
    if (static_cast<int64_t>(log_.cell_mv.size()) != pack_.series) {
      report_.findings.push_back(
          {.rule = "log-cells",
           .severity = std::string(kMedium),
           .subject = "cells",
           .detail = fmt::format("the log has {}, the pack has {} in series",
                                 Counted(log_.cell_mv.size(), "cell"), pack_.series),
           .why = "a cell that is not measured is not protected",
           .where = log_.file});
    }
  }

  void MakePoints() {
    const size_t bucket = (rows() + kMostPoints - 1) / kMostPoints;
    for (size_t begin = 0; begin < rows(); begin += bucket) {
      const size_t end = std::min(rows(), begin + bucket);
      Extremes cells;
      Extremes temperatures;
      double sum = 0;
      for (size_t row = begin; row < end; ++row) {
        cells.Add(cells_[row].least);
        cells.Add(cells_[row].most);
        temperatures.Add(temperatures_[row].least);
        temperatures.Add(temperatures_[row].most);
        sum += OrZero(log_.current_ma[row]);
      }
      if (std::isnan(cells.least) || std::isnan(temperatures.least)) continue;
      report_.points.push_back({.minutes = (log_.time_s[begin] - log_.time_s.front()) / 60,
                                .lowest_mv = cells.least,
                                .highest_mv = cells.most,
                                .current_ma = std::round(sum / static_cast<double>(end - begin)),
                                .coldest = temperatures.least,
                                .hottest = temperatures.most});
    }
  }

  const BmsLog& log_;
  const CellSpec& cell_;
  const PackSpec& pack_;
  double step_s_ = 0;
  std::vector<Extremes> cells_;         // by row
  std::vector<Extremes> temperatures_;  // by row
  LogReport report_;
};

}  // namespace

LogReport CheckBmsLog(const BmsLog& log, const CellSpec& cell, const PackSpec& pack) {
  return LogChecker(log, cell, pack).Check();
}

}  // namespace wfe::battery
