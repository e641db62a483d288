#include "tools/wfe/entry_text.h"

#include <fmt/core.h>

#include "activities/analytics/reports/format.h"
#include "engine/base/counted.h"
#include "engine/base/printable.h"
#include "engine/base/time.h"

namespace wfe::cli {

namespace {

std::string LineOfEntry(const trace::LogEntry& entry, const std::string& time) {
  std::string text = fmt::format("{}  {:<22}", time, entry.step_name);
  if (entry.validation_status) text += fmt::format(" {:<5}", *entry.validation_status);
  if (entry.validation_error_type) text += " " + *entry.validation_error_type;
  if (entry.total_token_cost) text += " " + Counted(*entry.total_token_cost, "token");
  if (entry.files_touched) {
    text += fmt::format(" {} {}", entry.files_touched->size(), entry.files_touched->size() == 1 ? "file" : "files");
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return PrintableLine(text);
}

}  // namespace

std::string EntryLine(const trace::LogEntry& entry) { return LineOfEntry(entry, entry.timestamp); }

std::string EntryLine(const trace::LogEntry& entry, size_t width) {
  std::string whole = EntryLine(entry);
  if (analytics::reports::Characters(whole) <= width) return whole;
  const bool iso = ParseIso8601(entry.timestamp).has_value() && entry.timestamp.size() >= 19;
  return analytics::reports::Clip(LineOfEntry(entry, iso ? entry.timestamp.substr(11, 8) : entry.timestamp), width);
}

}  // namespace wfe::cli
