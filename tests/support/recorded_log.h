// A log that a test can look at.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/log.h"

namespace wfe::testing {

class RecordedLog final : public Log {
 public:
  void Write(LogRecord record) override {
    const std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
  }

  std::vector<LogRecord> records() const {
    const std::lock_guard lock(mutex_);
    return records_;
  }
  /// Sentences of what is at least a warning.
  std::vector<std::string> warnings() const {
    std::vector<std::string> sentences;
    for (const LogRecord& record : records()) {
      if (record.level >= LogLevel::kWarning) sentences.push_back(record.message);
    }
    return sentences;
  }
  /// Records of one event.
  std::vector<LogRecord> Of(std::string_view event) const {
    std::vector<LogRecord> found;
    for (const LogRecord& record : records()) {
      if (record.event == event) found.push_back(record);
    }
    return found;
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    records_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<LogRecord> records_;  // protected by mutex_
};

/// What a field of a record says; empty: it has no such text.
inline std::string TextField(const LogRecord& record, std::string_view name) {
  for (const LogField& field : record.fields) {
    if (field.name == name && std::holds_alternative<std::string>(field.value)) return std::get<std::string>(field.value);
  }
  return {};
}
inline int64_t NumberField(const LogRecord& record, std::string_view name) {
  for (const LogField& field : record.fields) {
    if (field.name == name && std::holds_alternative<int64_t>(field.value)) return std::get<int64_t>(field.value);
  }
  return -1;
}

}  // namespace wfe::testing
