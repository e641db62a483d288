// What a process tells its operator.  Whoever has something to say is given a Log by its host and never writes to a
// stream itself, so that a test can see every word of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wfe {

enum class LogLevel {
  kDebug,
  kInfo,     ///< Something that an operator may want to know later.
  kWarning,  ///< Something that an operator should look at.
  kError,    ///< A fault: of a disk, or of this program.
};

/// "debug", "info", "warning", "error".
std::string_view LogLevelName(LogLevel level);

/// What a record says besides its sentence.
struct LogField {
  using Value = std::variant<std::string, int64_t, double, bool>;

  LogField(std::string_view field, std::string text) : name(field), value(std::move(text)) {}
  LogField(std::string_view field, const char* text) : name(field), value(std::string(text)) {}
  LogField(std::string_view field, int64_t number) : name(field), value(number) {}
  LogField(std::string_view field, double number) : name(field), value(number) {}
  LogField(std::string_view field, bool flag) : name(field), value(flag) {}

  std::string name;
  Value value;
};

struct LogRecord {
  LogLevel level = LogLevel::kInfo;
  std::string event;    ///< A name in snake_case that programs go by; it stays what it is.
  std::string message;  ///< A sentence for people, which may change.
  std::vector<LogField> fields;
};

/// Callable from any thread.  Made for what is rare: nothing that happens at each call is logged.
class Log {
 public:
  virtual ~Log() = default;
  virtual void Write(LogRecord record) = 0;

  void Info(std::string event, std::string message, std::vector<LogField> fields = {}) {
    Write({LogLevel::kInfo, std::move(event), std::move(message), std::move(fields)});
  }
  void Warning(std::string event, std::string message, std::vector<LogField> fields = {}) {
    Write({LogLevel::kWarning, std::move(event), std::move(message), std::move(fields)});
  }
  void Error(std::string event, std::string message, std::vector<LogField> fields = {}) {
    Write({LogLevel::kError, std::move(event), std::move(message), std::move(fields)});
  }
};

/// Nobody listens.
Log& NoLog();

}  // namespace wfe
