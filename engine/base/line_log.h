// A log of lines: text for people, or JSON for programs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/base/log.h"
#include "engine/base/time.h"

namespace wfe {

/// "2026-11-26T03:00:00.000Z WARNING disk_lags the disk does not keep up commits=50001": one line without its end.
/// Nothing that a field holds can move the cursor or look like another field.
std::string LogLineAsText(const LogRecord& record, Instant time);
/// {"time":…,"level":…,"event":…,"message":…, and the fields}: one line without its end.
std::string LogLineAsJson(const LogRecord& record, Instant time);

/// Writes what is at least of a level.
class LineLog final : public Log {
 public:
  enum class Format { kText, kJson };
  /// `write` gets one whole line with its end at a time, on any thread, several at once.
  LineLog(Format format, LogLevel least, const Clock& clock, std::function<void(std::string_view)> write)
      : format_(format), least_(least), clock_(clock), write_(std::move(write)) {}
  void Write(LogRecord record) override;

 private:
  const Format format_;
  const LogLevel least_;
  const Clock& clock_;
  const std::function<void(std::string_view)> write_;
};

/// For a LineLog: standard error, each line in one piece.
void WriteToStandardError(std::string_view line);

}  // namespace wfe
