#include "engine/base/line_log.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "engine/base/printable.h"

namespace wfe {

namespace {

class Silence final : public Log {
 public:
  void Write(LogRecord) override {}
};

std::string Upper(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return upper;
}

/// A text stands without quotes only when it cannot be taken for anything else.
std::string TextOf(const LogField::Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return nlohmann::json(*real).dump();
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  const std::string text = PrintableLine(std::get<std::string>(value));
  const bool plain = !text.empty() && text.find_first_of(" \"=\\") == std::string::npos;
  if (plain) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

Log& NoLog() {
  static Silence silence;
  return silence;
}

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::string LogLineAsText(const LogRecord& record, Instant time) {
  std::string line = FormatIso8601Millis(time) + ' ' + Upper(LogLevelName(record.level)) + ' ' + record.event;
  if (!record.message.empty()) line += ' ' + PrintableLine(record.message);
  for (const LogField& field : record.fields) line += ' ' + field.name + '=' + TextOf(field.value);
  return line;
}

std::string LogLineAsJson(const LogRecord& record, Instant time) {
  nlohmann::ordered_json json;
  json["time"] = FormatIso8601Millis(time);
  json["level"] = LogLevelName(record.level);
  json["event"] = record.event;
  if (!record.message.empty()) json["message"] = record.message;
  for (const LogField& field : record.fields) {
    std::visit([&](const auto& value) { json[field.name] = value; }, field.value);
  }
  return PrintableJson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void LineLog::Write(LogRecord record) {
  if (record.level < least_) return;
  const Instant now = clock_.Now();
  write_((format_ == Format::kJson ? LogLineAsJson(record, now) : LogLineAsText(record, now)) + '\n');
}

void WriteToStandardError(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
    if (written <= 0) return;  // there is nobody left to tell
    line.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace wfe
