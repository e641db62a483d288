#include "activities/packaged/trading/prices.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <random>

#include "activities/sandbox/text.h"
#include "engine/base/check.h"

namespace wfe::trading {
namespace {

constexpr Money kHighestPrice = Money::Usd(10'000'000);

std::vector<std::string> CellsOfLine(const std::string& line) {
  std::vector<std::string> cells;
  size_t start = 0;
  while (true) {
    const size_t end = line.find_first_of(",;", start);
    std::string cell = line.substr(start, end == std::string::npos ? end : end - start);
    cell.erase(0, std::min(cell.find_first_not_of(" \t\""), cell.size()));
    cell.erase(cell.find_last_not_of(" \t\"\r") + 1);
    cells.push_back(std::move(cell));
    if (end == std::string::npos) return cells;
    start = end + 1;
  }
}

std::optional<std::chrono::sys_days> DayOf(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u%c", &year, &month, &day, &rest) != 3) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::string LowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return text;
}

class PriceReader {
 public:
  PriceReader(const std::string& name, const std::string& text) : name_(name), lines_(sandbox::SplitLines(text)) {}

  Result<PriceHistory> Read() {
    if (lines_.empty()) return InvalidArgument(name_ + " is empty");
    if (!sandbox::IsUtf8(lines_.front())) return InvalidArgument(name_ + ":1: the heading is not UTF-8");
    WFE_RETURN_IF_ERROR(ReadHeading());
    for (size_t i = 1; i < lines_.size(); ++i) {
      if (lines_[i].find_first_not_of(" \t\r") == std::string::npos) continue;
      WFE_RETURN_IF_ERROR(ReadBar(i));
    }
    if (history_.bars.size() < kLeastBars) {
      return InvalidArgument(fmt::format("{} has {} bars; a back-test takes at least {}", name_, history_.bars.size(),
                                         kLeastBars));
    }
    return std::move(history_);
  }

 private:
  Status ReadHeading() {
    std::string heading = lines_.front();
    if (heading.starts_with("\xEF\xBB\xBF")) heading.erase(0, 3);
    const std::vector<std::string> cells = CellsOfLine(heading);
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = LowerCase(cells[i]);
      for (size_t column = 0; column < kColumns.size(); ++column) {
        if (cell == kColumns[column] && places_[column] == kNone) places_[column] = i;
      }
    }
    if (places_[kDate] != kNone && places_[kClose] != kNone) return Ok();
    return InvalidArgument(fmt::format("{}:1: the heading must name the columns date and close; it is \"{}\"", name_,
                                       sandbox::Printable(heading)));
  }

  Status Wrong(size_t line, const std::string& what) const {
    return InvalidArgument(fmt::format("{}:{}: {}", name_, line + 1, what));
  }

  Status ReadPrice(const std::vector<std::string>& cells, size_t line, size_t column, Money otherwise,
                   Money& price) const {
    price = otherwise;
    if (places_[column] == kNone) return Ok();
    const std::string cell = places_[column] < cells.size() ? cells[places_[column]] : "";
    if (cell.empty()) return Wrong(line, fmt::format("the {} is missing", kColumns[column]));
    const auto parsed = Money::Parse(cell);
    if (!parsed) {
      return Wrong(line, fmt::format("the {} \"{}\" is no price", kColumns[column], sandbox::Printable(cell)));
    }
    if (*parsed <= Money()) return Wrong(line, fmt::format("the {} \"{}\" must be above 0", kColumns[column], cell));
    if (*parsed > kHighestPrice) {
      return Wrong(line, fmt::format("the {} {} is above 10,000,000", kColumns[column], cell));
    }
    price = *parsed;
    return Ok();
  }

  Status ReadBar(size_t line) {
    if (history_.bars.size() == kMaxBars) return Wrong(line, fmt::format("there are more than {} bars", kMaxBars));
    const std::vector<std::string> cells = CellsOfLine(lines_[line]);
    Bar bar;
    bar.date = places_[kDate] < cells.size() ? cells[places_[kDate]].substr(0, 10) : "";
    const auto day = DayOf(bar.date);
    if (!day) return Wrong(line, fmt::format("the date \"{}\" is none (YYYY-MM-DD)", sandbox::Printable(bar.date)));
    WFE_RETURN_IF_ERROR(ReadPrice(cells, line, kClose, Money(), bar.close));
    WFE_RETURN_IF_ERROR(ReadPrice(cells, line, kOpen, bar.close, bar.open));
    WFE_RETURN_IF_ERROR(ReadPrice(cells, line, kHigh, std::max(bar.open, bar.close), bar.high));
    WFE_RETURN_IF_ERROR(ReadPrice(cells, line, kLow, std::min(bar.open, bar.close), bar.low));
    if (bar.high < bar.low) return Wrong(line, "the high is below the low");
    if (const size_t at = places_[kVolume]; at != kNone && at < cells.size() && !cells[at].empty()) {
      const char* const end = cells[at].data() + cells[at].size();
      if (std::from_chars(cells[at].data(), end, bar.volume).ptr != end || !(bar.volume >= 0)) {
        return Wrong(line, fmt::format("the volume \"{}\" must be a number from 0", sandbox::Printable(cells[at])));
      }
    }
    if (last_day_ && *day <= *last_day_) {
      return Wrong(line, fmt::format("the date {} does not come after the one before ({})", bar.date,
                                     history_.bars.back().date));
    }
    Note(line, bar, *day);
    last_day_ = day;
    history_.bars.push_back(std::move(bar));
    return Ok();
  }

  void Note(size_t line, const Bar& bar, std::chrono::sys_days day) {
    if (history_.bars.empty() || history_.notes.size() >= 20) return;
    const Bar& before = history_.bars.back();
    if (const auto days = (day - *last_day_).count(); days > 5) {
      history_.notes.push_back(fmt::format("{}:{}: {} days without prices before {}", name_, line + 1, days - 1,
                                           bar.date));
    }
    const double change = bar.close.usd() / before.close.usd();
    if (change > 1.5 || change < 1 / 1.5) {
      history_.notes.push_back(fmt::format("{}:{}: the close goes from {} to {} in one bar: a split, or a mistake?",
                                           name_,
                                           line + 1, before.close.ToString(), bar.close.ToString()));
    }
  }

  static constexpr std::array<std::string_view, 6> kColumns = {"date", "open", "high", "low", "close", "volume"};
  enum : size_t { kDate, kOpen, kHigh, kLow, kClose, kVolume };
  static constexpr size_t kNone = SIZE_MAX;

  const std::string& name_;
  const std::vector<std::string> lines_;
  std::array<size_t, 6> places_ = {kNone, kNone, kNone, kNone, kNone, kNone};
  std::optional<std::chrono::sys_days> last_day_;
  PriceHistory history_;
};

/// About normal: the sum of twelve.  Whole numbers until the last step, so that every machine gets the same.
double AboutNormal(std::mt19937_64& random) {
  uint64_t sum = 0;
  for (int i = 0; i < 12; ++i) sum += random() >> 40;
  return static_cast<double>(sum) / static_cast<double>(1 << 24) - 6;
}

struct Stretch {
  size_t bars;
  double drift;       ///< Of a day.
  double volatility;  ///< Likewise.
};

constexpr Stretch kStretches[] = {{90, 0.0009, 0.009}, {60, -0.0004, 0.012}, {110, 0.0012, 0.010},
                                  {45, -0.0050, 0.022}, {80, 0.0016, 0.014}, {70, 0.0000, 0.006},
                                  {90, 0.0008, 0.011}, {50, -0.0012, 0.016}};

Money Cents(double price) { return Money::Nanos(std::llround(price * 100) * (Money::kPerUsd / 100)); }

}  // namespace

Result<PriceHistory> ReadPrices(const std::string& name, const std::string& text) {
  return PriceReader(name, text).Read();
}

std::vector<Bar> MakePrices(uint64_t seed, size_t bars) {
  std::mt19937_64 random(seed);
  std::vector<Bar> made;
  auto day = std::chrono::sys_days(std::chrono::year(2023) / 1 / 2);
  double close = 100;
  size_t stretch = 0;
  size_t left = kStretches[0].bars;
  while (made.size() < bars) {
    const std::chrono::weekday weekday(day);
    if (weekday == std::chrono::Saturday || weekday == std::chrono::Sunday) {
      day += std::chrono::days(1);
      continue;
    }
    const Stretch& now = kStretches[stretch];
    const double open = close * (1 + 0.3 * now.volatility * AboutNormal(random));
    close = std::max(1.0, open * (1 + now.drift + now.volatility * AboutNormal(random)));
    const double up = std::max(open, close) * (1 + 0.3 * now.volatility * std::fabs(AboutNormal(random)));
    const double down = std::min(open, close) * (1 - 0.3 * now.volatility * std::fabs(AboutNormal(random)));
    const std::chrono::year_month_day date(day);
    made.push_back({.date = fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()),
                                        unsigned(date.day())),
                    .open = Cents(open),
                    .high = Cents(up),
                    .low = Cents(down),
                    .close = Cents(close),
                    .volume = static_cast<double>(400'000 + (random() >> 44))});
    if (--left == 0) {
      stretch = (stretch + 1) % std::size(kStretches);
      left = kStretches[stretch].bars;
    }
    day += std::chrono::days(1);
  }
  return made;
}

std::string PricesCsv(const std::vector<Bar>& bars) {
  std::string csv = "date,open,high,low,close,volume\n";
  for (const Bar& bar : bars) {
    csv += fmt::format("{},{},{},{},{},{:.0f}\n", bar.date, bar.open.Rounded(2), bar.high.Rounded(2),
                       bar.low.Rounded(2),
                       bar.close.Rounded(2), bar.volume);
  }
  return csv;
}

nlohmann::json BarsAsJson(const std::vector<Bar>& bars) {
  nlohmann::json json = nlohmann::json::array();
  for (const Bar& bar : bars) {
    json.push_back({{"date", bar.date},
                    {"open", bar.open.usd()},
                    {"high", bar.high.usd()},
                    {"low", bar.low.usd()},
                    {"close", bar.close.usd()},
                    {"volume", bar.volume}});
  }
  return json;
}

}  // namespace wfe::trading
