#include "tools/wfe/entry_text.h"

#include <fmt/core.h>

#include "engine/base/counted.h"
#include "engine/base/printable.h"

namespace wfe::cli {

std::string EntryLine(const trace::LogEntry& entry) {
  std::string text = fmt::format("{}  {:<22}", entry.timestamp, entry.step_name);
  if (entry.validation_status) text += fmt::format(" {:<5}", *entry.validation_status);
  if (entry.validation_error_type) text += " " + *entry.validation_error_type;
  if (entry.total_token_cost) text += " " + Counted(*entry.total_token_cost, "token");
  if (entry.files_touched) {
    text += fmt::format(" {} {}", entry.files_touched->size(), entry.files_touched->size() == 1 ? "file" : "files");
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return PrintableLine(text);
}

}  // namespace wfe::cli
