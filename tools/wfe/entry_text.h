// One entry of a trace as a line for people.
#pragma once

#include <string>

#include "activities/trace/log_entry.h"

namespace wfe::cli {

/// "2026-11-21T05:00:04.000Z  fix_attempt_1  …": time, step, verdict, class of error, tokens, files; one line whatever
/// the entry holds.
std::string EntryLine(const trace::LogEntry& entry);
/// The same where there is no room for it: the time of the day alone, and the end cut off.
std::string EntryLine(const trace::LogEntry& entry, size_t width);

}  // namespace wfe::cli
