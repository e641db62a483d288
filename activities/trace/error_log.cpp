// Counting and cutting error logs in Unicode code points (LG-10, LG-13).
#include <cstddef>

#include "activities/trace/log_entry.h"

namespace wfe::trace {
namespace {

/// Bytes of the valid UTF-8 sequence at the start of `text` (never empty); 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && byte(1) > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

/// Appends `text` with every invalid byte replaced by U+FFFD.
void AppendValid(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
}

/// The part of `text` after its first `count` code points.
std::string_view Skip(std::string_view text, int64_t count) {
  for (; count > 0 && !text.empty(); --count) {
    const size_t length = SequenceLength(text);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

}  // namespace

int64_t CodePointCount(std::string_view text) {
  int64_t count = 0;
  while (!text.empty()) {
    text = Skip(text, 1);
    ++count;
  }
  return count;
}

CutText CutErrorLog(std::string_view text, int64_t max_code_points) {
  CutText cut;
  const int64_t total = CodePointCount(text);
  if (total <= max_code_points) {
    AppendValid(cut.text, text);
    return cut;
  }
  cut.truncated = true;
  // The marker's own length depends on the number in it; the total has at least as many digits as the part left out.
  const auto marker = [](int64_t left_out) {
    return "\n[... " + std::to_string(left_out) + " characters left out ...]\n";
  };
  const int64_t room = max_code_points - static_cast<int64_t>(marker(total).size());
  if (room <= 0) {
    const std::string_view rest = Skip(text, max_code_points);
    AppendValid(cut.text, text.substr(0, text.size() - rest.size()));
    return cut;
  }
  const int64_t head = room / 2;
  const int64_t tail = room - head;
  AppendValid(cut.text, text.substr(0, text.size() - Skip(text, head).size()));
  cut.text += marker(total - room);
  AppendValid(cut.text, Skip(text, total - tail));
  return cut;
}

}  // namespace wfe::trace
