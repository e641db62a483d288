// A log of measurements as battery monitors write it (CSV), and what in it breaks the cell's datasheet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/findings.h"
#include "activities/packaged/battery/specs.h"

namespace wfe::battery {

/// Rows in order of time.  A value that is missing or cannot be is NaN.
struct BmsLog {
  std::string file;
  std::vector<double> time_s;
  std::vector<double> current_ma;                ///< Positive: charging.
  std::vector<std::vector<double>> cell_mv;      ///< By cell, then by row.
  std::vector<std::vector<double>> temperature;  ///< By sensor, then by row; 0.1 °C.
  std::vector<int64_t> line;                     ///< In the file.
  std::vector<FileProblem> broken_rows;          ///< The first of them.
  int64_t broken = 0;
  std::vector<FileProblem> problems;  ///< Not empty: the file cannot be used at all.
  std::vector<Finding> implausible;   ///< Readings that cannot be, by sensor.
};

/// The heading names each column with its unit: `time [s]`, `current [A]`, `cell_1 [mV]`, `temperature_1 [°C]`.  A row
/// that is broken is told and left out.
BmsLog ReadBmsLog(const std::string& file, std::string_view text);

/// For charts: extremes of some consecutive rows.
struct LogPoint {
  double minutes = 0;
  double lowest_mv = 0;
  double highest_mv = 0;
  double current_ma = 0;  ///< Mean.
  double coldest = 0;
  double hottest = 0;

  friend bool operator==(const LogPoint&, const LogPoint&) = default;
};
WFE_RECORD(LogPoint, minutes, lowest_mv, highest_mv, current_ma, coldest, hottest);

/// When a rule was broken, for charts.
struct LogSpan {
  std::string rule;
  std::string subject;
  double from_minutes = 0;
  double to_minutes = 0;

  friend bool operator==(const LogSpan&, const LogSpan&) = default;
};
WFE_RECORD(LogSpan, rule, subject, from_minutes, to_minutes);

struct LogReport {
  std::string file;
  int64_t rows = 0;
  int64_t broken_rows = 0;
  double minutes = 0;
  double charged_ah = 0;
  double discharged_ah = 0;
  double lowest_mv = 0;
  double highest_mv = 0;
  double coldest = 0;  ///< 0.1 °C
  double hottest = 0;
  double most_charge_ma = 0;
  double most_discharge_ma = 0;
  std::vector<Finding> findings;
  std::vector<LogSpan> spans;
  std::vector<LogPoint> points;  ///< At most 240.
};
WFE_RECORD(LogReport, file, rows, broken_rows, minutes, charged_ah, discharged_ah, lowest_mv, highest_mv, coldest,
           hottest, most_charge_ma, most_discharge_ma, findings, spans, points);

LogReport CheckBmsLog(const BmsLog& log, const CellSpec& cell, const PackSpec& pack);

}  // namespace wfe::battery
