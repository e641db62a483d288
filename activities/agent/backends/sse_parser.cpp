#include "activities/agent/backends/sse_parser.h"

#include <utility>

namespace wfe::agent {

void SseParser::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      line_ += bytes;
      return;
    }
    line_ += bytes.substr(0, newline);
    bytes.remove_prefix(newline + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    Line(line_);
    line_.clear();
  }
}

void SseParser::Finish() {
  if (line_.ends_with('\r')) line_.pop_back();
  if (!line_.empty()) Line(line_);
  line_.clear();
  Dispatch();
}

void SseParser::Line(std::string_view line) {
  if (line.empty()) return Dispatch();
  if (!line.starts_with("data:")) return;  // comments, "event:", "id:", "retry:"
  line.remove_prefix(5);
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += line;
  has_data_ = true;
}

void SseParser::Dispatch() {
  if (!has_data_) return;
  has_data_ = false;
  on_event_(std::exchange(data_, {}));
}

}  // namespace wfe::agent
