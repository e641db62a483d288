#include "tools/wfe/output.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "activities/analytics/reports/format.h"
#include "engine/base/printable.h"
#include "tools/wfe/exit_codes.h"
#include "tools/wfe/word_wrap.h"

namespace wfe::cli {
namespace {

using analytics::reports::Characters;
using analytics::reports::Clip;

std::string Dump(const nlohmann::json& json, int indent) {
  return PrintableJson(json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace));
}
std::string Dump(const nlohmann::ordered_json& json, int indent) {
  return PrintableJson(json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

/// Several lines of others, set in so that none of them passes for a line of ours.
std::string SetIn(const std::string& text, size_t columns) {
  std::string out;
  for (const char c : PrintableText(text)) {
    out += c;
    if (c == '\n') out.append(columns, ' ');
  }
  return out;
}

std::string CellText(const nlohmann::json& row, const Table::Column& column) {
  const auto found = row.find(column.key);
  if (found == row.end() || found->is_null()) return "-";
  if (column.shown != nullptr && found->is_number()) return column.shown(*found);
  return PrintableLine(found->is_string() ? found->get<std::string>() : Dump(*found, -1));
}

size_t ColumnsOf(int descriptor) {
  // As for other programs, who sets COLUMNS knows better.
  if (const char* const columns = std::getenv("COLUMNS")) {
    const size_t wanted = std::strtoul(columns, nullptr, 10);
    if (wanted >= 20 && wanted <= 1000) return wanted;
  }
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

std::string Pad(const std::string& text, size_t width, bool right) {
  const size_t have = Characters(text);
  const std::string blanks(have < width ? width - have : 0, ' ');
  return right ? blanks + text : text + blanks;
}

}  // namespace

std::string Table::Text(size_t width) const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) {
    size_t widest = Characters(column.title);
    for (const nlohmann::json& row : rows_) widest = std::max(widest, Characters(CellText(row, column)));
    widths.push_back(widest);
  }
  size_t total = 2 * (columns_.size() - 1);
  for (const size_t w : widths) total += w;
  // Take what is too much from the widest elastic column until the table fits or none is wider than 12; then down to 5.
  for (const size_t least : {size_t{12}, size_t{5}}) {
    while (total > width) {
      size_t widest = columns_.size();
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (columns_[i].elastic && widths[i] > least && (widest == columns_.size() || widths[i] > widths[widest]))
          widest = i;
      }
      if (widest == columns_.size()) break;
      --widths[widest];
      --total;
    }
  }
  std::string text;
  const auto line = [&](const auto& cell) {
    std::string out;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += "  ";
      out += Pad(Clip(cell(i), widths[i]), widths[i], columns_[i].right);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text += Clip(out, width) + "\n";
  };
  line([&](size_t i) { return columns_[i].title; });
  for (const nlohmann::json& row : rows_) line([&](size_t i) { return CellText(row, columns_[i]); });
  return text;
}

void Table::Print(OutputFormat format) const {
  switch (format) {
    case OutputFormat::kText:
      // What goes into a pipe or a file is whole: ids are there to be copied.
      std::fputs(Text(RoomOf(STDOUT_FILENO)).c_str(), stdout);
      break;
    case OutputFormat::kJson:
      fmt::print("{}\n", Dump(nlohmann::json(rows_), 2));
      break;
    case OutputFormat::kJsonl:
      for (const nlohmann::json& row : rows_) fmt::print("{}\n", Dump(row, -1));
      break;
  }
}

std::string ObjectText(const nlohmann::ordered_json& object) {
  size_t widest = 0;
  for (const auto& [key, value] : object.items()) widest = std::max(widest, PrintableLine(key).size());
  std::string text;
  for (const auto& [key, value] : object.items()) {
    const std::string shown = value.is_string() ? SetIn(value.get<std::string>(), widest + 3) : Dump(value, -1);
    text += fmt::format("{:<{}}  {}\n", PrintableLine(key) + ":", widest + 1, shown);
  }
  return text;
}

void PrintJson(const nlohmann::json& json, OutputFormat format) {
  fmt::print("{}\n", Dump(json, format == OutputFormat::kJsonl ? -1 : 2));
}

void PrintObject(const nlohmann::ordered_json& object, OutputFormat format) {
  if (format == OutputFormat::kText) {
    std::fputs(ObjectText(object).c_str(), stdout);
  } else {
    fmt::print("{}\n", Dump(object, format == OutputFormat::kJson ? 2 : -1));
  }
}

void PrintText(const std::string& text) { std::fputs(PrintableText(text).c_str(), stdout); }

void PrintPage(const std::string& text, size_t indent) {
  std::fputs(Wrapped(PrintableText(text), RoomOf(STDOUT_FILENO), indent).c_str(), stdout);
}

std::string EventText(const std::string& text) { return SetIn(text, 10) + "\n"; }

void PrintEvent(const std::string& text, const nlohmann::ordered_json& object, OutputFormat format) {
  if (format == OutputFormat::kText) {
    std::fputs(Wrapped(EventText(text), RoomOf(STDOUT_FILENO), 10).c_str(), stdout);
  } else {
    std::fputs((Dump(object, -1) + "\n").c_str(), stdout);  // on any thread: no exception, as fmt::print has
  }
  std::fflush(stdout);
}

std::string FitsWidth(const std::string& text, size_t width) { return Clip(text, width > 1 ? width - 1 : 1); }

size_t TerminalWidth() { return ColumnsOf(STDOUT_FILENO); }

size_t RoomOf(int descriptor) {
  return isatty(descriptor) == 1 ? ColumnsOf(descriptor) : std::numeric_limits<size_t>::max();
}

bool StdoutIsTerminal() { return isatty(STDOUT_FILENO) == 1; }

std::string FailText(const Error& error, OutputFormat format) {
  if (format == OutputFormat::kText) return "wfe: " + SetIn(error.message, 5) + "\n";
  const nlohmann::ordered_json object = {
      {"error", {{"code", std::string(StatusCodeName(error.code))}, {"message", error.message}}}};
  return Dump(object, -1) + "\n";
}

int Fail(const Error& error, OutputFormat format) {
  const size_t room = format == OutputFormat::kText ? RoomOf(STDERR_FILENO) : std::numeric_limits<size_t>::max();
  std::fputs(Wrapped(FailText(error, format), room, 5).c_str(), stderr);
  switch (error.code) {
    case StatusCode::kInvalidArgument:
      return kExitUsage;
    case StatusCode::kUnavailable:
      return kExitUnreachable;
    case StatusCode::kNotFound:
      return kExitNotFound;
    case StatusCode::kDeadlineExceeded:
      return kExitTimedOut;
    case StatusCode::kCancelled:
      return kExitInterrupted;
    case StatusCode::kDataLoss:
      return kExitStore;
    default:
      return kExitFailed;
  }
}

std::string ShareAsPercent(const nlohmann::json& share) { return fmt::format("{:g} %", 100 * share.get<double>()); }
std::string WithTwoDecimals(const nlohmann::json& number) { return fmt::format("{:.2f}", number.get<double>()); }
std::string WithFourDecimals(const nlohmann::json& number) { return fmt::format("{:.4f}", number.get<double>()); }
std::string AsDollars(const nlohmann::json& number) { return fmt::format("${:.4f}", number.get<double>()); }
std::string AsDuration(const nlohmann::json& seconds) { return HumanDuration(seconds.get<double>()); }

std::string HumanDuration(double seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace wfe::cli
