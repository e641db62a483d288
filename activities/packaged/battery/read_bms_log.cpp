#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "activities/packaged/battery/bms_log.h"
#include "activities/packaged/battery/quantity.h"
#include "activities/sandbox/text.h"

namespace wfe::battery {
namespace {

constexpr size_t kMostRows = 1'000'000;
constexpr size_t kListedRows = 20;
constexpr int64_t kMostChannels = 100;
constexpr double kNoReading = std::numeric_limits<double>::quiet_NaN();

std::string_view TrimCell(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\"";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string_view> SplitRow(std::string_view row) {
  std::vector<std::string_view> cells;
  while (true) {
    const size_t comma = row.find(',');
    cells.push_back(TrimCell(row.substr(0, comma)));
    if (comma == std::string_view::npos) return cells;
    row.remove_prefix(comma + 1);
  }
}

/// What a column holds, and what one of its unit is in ours.
struct LogColumn {
  enum class Holds { kTime, kCurrent, kCell, kTemperature } holds = Holds::kTime;
  size_t channel = 0;
  double factor = 1;
  std::string name;
};

/// Readings that no intact sensor gives.
bool CannotBe(LogColumn::Holds holds, double value) {
  if (holds == LogColumn::Holds::kCell) return value < 500 || value > 4500;
  if (holds == LogColumn::Holds::kTemperature) return value < -400 || value > 1200;
  return false;
}

class LogReader {
 public:
  LogReader(const std::string& file, std::string_view text) : text_(text) { log_.file = file; }

  BmsLog Read() {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    if (!sandbox::IsUtf8(text_)) {
      Refuse(0, "is not UTF-8; save it as UTF-8");
      return std::move(log_);
    }
    int64_t number = 0;
    while (!text_.empty() && log_.problems.empty()) {
      const size_t end = text_.find('\n');
      std::string_view row = text_.substr(0, end);
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
      ++number;
      if (TrimCell(row).empty() || TrimCell(row).starts_with('#')) continue;
      if (columns_.empty()) {
        ReadHeading(row, number);
      } else if (log_.time_s.size() >= kMostRows) {
        Refuse(number, "has more than 1,000,000 rows; cut it into several files");
      } else {
        ReadRow(row, number);
      }
    }
    if (columns_.empty() && log_.problems.empty()) Refuse(0, "has no heading");
    if (log_.time_s.empty() && log_.problems.empty()) Refuse(0, "has no row that can be read");
    TellImplausible();
    return std::move(log_);
  }

 private:
  void Refuse(int64_t line, std::string why) {
    log_.problems.push_back({.file = log_.file, .line = line, .message = std::move(why)});
  }

  /// "cell_12" of "cell": 12; 0: it is none.
  static int64_t NumberAfter(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return 0;
    name.remove_prefix(prefix.size());
    if (name.starts_with('_') || name.starts_with(' ')) name.remove_prefix(1);
    const auto number = ParsePlainNumber(name);
    return number && *number >= 1 && *number <= static_cast<double>(kMostChannels) ? static_cast<int64_t>(*number) : 0;
  }

  void ReadHeading(std::string_view row, int64_t number) {
    if (row.find(',') == std::string_view::npos && row.find(';') != std::string_view::npos) {
      return Refuse(number, "divides its columns by semicolons; write commas, and points in numbers");
    }
    for (const std::string_view cell : SplitRow(row)) {
      const size_t open = cell.find('[');
      LogColumn column{.name = std::string(TrimCell(cell.substr(0, open)))};
      std::string_view unit;
      if (open != std::string_view::npos && cell.ends_with(']')) {
        unit = TrimCell(cell.substr(open + 1, cell.size() - open - 2));
      }
      if (!Understand(column, unit, number)) return;
      columns_.push_back(std::move(column));
    }
    const auto count = [this](LogColumn::Holds holds) {
      return std::ranges::count(columns_, holds, &LogColumn::holds);
    };
    if (count(LogColumn::Holds::kTime) != 1) return Refuse(number, "needs exactly one column \"time [s]\"");
    if (count(LogColumn::Holds::kCurrent) != 1) return Refuse(number, "needs exactly one column \"current [A]\"");
    if (log_.cell_mv.empty()) return Refuse(number, "has no column of a cell, such as \"cell_1 [V]\"");
    if (log_.temperature.empty()) {
      return Refuse(number, "has no column of a temperature, such as \"temperature_1 [°C]\"");
    }
  }

  bool Understand(LogColumn& column, std::string_view unit, int64_t number) {
    QuantityKind kind = QuantityKind::kTime;
    if (column.name == "time") {
      column.holds = LogColumn::Holds::kTime;
    } else if (column.name == "current") {
      column.holds = LogColumn::Holds::kCurrent;
      kind = QuantityKind::kCurrent;
    } else if (const int64_t cell = NumberAfter(column.name, "cell"); cell > 0) {
      column.holds = LogColumn::Holds::kCell;
      kind = QuantityKind::kVoltage;
      column.channel = static_cast<size_t>(cell) - 1;
      if (log_.cell_mv.size() < column.channel + 1) log_.cell_mv.resize(column.channel + 1);
    } else if (const int64_t sensor = NumberAfter(column.name, "temperature"); sensor > 0) {
      column.holds = LogColumn::Holds::kTemperature;
      kind = QuantityKind::kTemperature;
      column.channel = static_cast<size_t>(sensor) - 1;
      if (log_.temperature.size() < column.channel + 1) log_.temperature.resize(column.channel + 1);
    } else {
      Refuse(number, "has a column \"" + sandbox::Printable(column.name) +
                         "\"; known are time, current, cell_1 … and temperature_1 …");
      return false;
    }
    if (std::ranges::count(columns_, column.name, &LogColumn::name) > 0) {
      Refuse(number, "has two columns " + column.name);
      return false;
    }
    const auto factor = FactorOf(unit, kind);
    if (!factor) {
      Refuse(number, "column " + column.name +
                         (unit.empty() ? " has no unit" : " has the unit \"" + sandbox::Printable(unit) + "\"") +
                         "; write " + column.name + " " + ColumnExample(kind));
      return false;
    }
    column.factor = *factor;
    return true;
  }
  static std::string ColumnExample(QuantityKind kind) {
    if (kind == QuantityKind::kVoltage) return "[V] or [mV]";
    if (kind == QuantityKind::kCurrent) return "[A] or [mA]";
    if (kind == QuantityKind::kTemperature) return "[°C]";
    return "[s]";
  }

  void Broken(int64_t number, std::string why) {
    ++log_.broken;
    if (log_.broken_rows.size() < kListedRows) {
      log_.broken_rows.push_back({.file = log_.file, .line = number, .message = std::move(why)});
    }
  }

  void ReadRow(std::string_view row, int64_t number) {
    const std::vector<std::string_view> cells = SplitRow(row);
    if (cells.size() != columns_.size()) {
      return Broken(number, "has " + std::to_string(cells.size()) + " values where the heading has " +
                                std::to_string(columns_.size()));
    }
    std::vector<double> values(cells.size(), kNoReading);
    for (size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].empty()) continue;
      const auto value = ParsePlainNumber(cells[i]);
      if (!value) {
        return Broken(number, columns_[i].name + " is \"" + sandbox::Printable(cells[i].substr(0, 30)) +
                                  "\", which is no number");
      }
      values[i] = *value * columns_[i].factor;
    }
    Keep(values, number);
  }

  void Keep(const std::vector<double>& values, int64_t number) {
    double time = kNoReading;
    for (size_t i = 0; i < values.size(); ++i) {
      if (columns_[i].holds == LogColumn::Holds::kTime) time = values[i] / 1000;
    }
    if (std::isnan(time)) return Broken(number, "says no time");
    if (!log_.time_s.empty() && time <= log_.time_s.back()) {
      return Broken(number, "is not later than the row before it");
    }
    log_.time_s.push_back(time);
    log_.line.push_back(number);
    log_.current_ma.push_back(kNoReading);
    for (auto& channel : log_.cell_mv) channel.push_back(kNoReading);
    for (auto& channel : log_.temperature) channel.push_back(kNoReading);
    for (size_t i = 0; i < values.size(); ++i) Put(columns_[i], values[i], number);
  }

  void Put(const LogColumn& column, double value, int64_t number) {
    if (CannotBe(column.holds, value)) {
      Impossible& seen = impossible_[column.name];
      if (seen.rows++ == 0) seen = {.rows = 1, .line = number, .value = value, .holds = column.holds};
      return;
    }
    if (column.holds == LogColumn::Holds::kCurrent) log_.current_ma.back() = value;
    if (column.holds == LogColumn::Holds::kCell) log_.cell_mv[column.channel].back() = value;
    if (column.holds == LogColumn::Holds::kTemperature) log_.temperature[column.channel].back() = value;
  }

  void TellImplausible() {
    for (const auto& [name, seen] : impossible_) {
      const QuantityKind kind =
          seen.holds == LogColumn::Holds::kCell ? QuantityKind::kVoltage : QuantityKind::kTemperature;
      log_.implausible.push_back(
          {.rule = "log-sensor-implausible",
           .severity = std::string(kHigh),
           .subject = name,
           .detail = "reads " + ShowQuantity(std::llround(seen.value), kind) + " in " + std::to_string(seen.rows) +
                     (seen.rows == 1 ? " row" : " rows") + ", which no intact sensor does",
           .why = "a monitor that believes it acts on a value that is none; the readings are left out here",
           .where = log_.file + ":" + std::to_string(seen.line)});
    }
  }

  struct Impossible {
    int64_t rows = 0;
    int64_t line = 0;
    double value = 0;
    LogColumn::Holds holds = LogColumn::Holds::kCell;
  };

  std::string_view text_;
  std::vector<LogColumn> columns_;
  std::map<std::string, Impossible> impossible_;
  BmsLog log_;
};

}  // namespace

BmsLog ReadBmsLog(const std::string& file, std::string_view text) { return LogReader(file, text).Read(); }

}  // namespace wfe::battery
