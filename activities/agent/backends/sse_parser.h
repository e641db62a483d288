// Server-sent events as the Gemini API sends them: "data: {chunk}" lines, a blank line after each, LF or CRLF.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace wfe::agent {

/// Takes bytes as they come and hands out the data of each event.  Plain data; one thread.
class SseParser {
 public:
  explicit SseParser(std::function<void(std::string data)> on_event) : on_event_(std::move(on_event)) {}
  void Feed(std::string_view bytes);
  /// The stream has ended; an event without its blank line still counts.
  void Finish();

 private:
  void Line(std::string_view line);
  void Dispatch();

  std::function<void(std::string)> on_event_;
  std::string line_;  // an unfinished line
  std::string data_;  // data of the event being read
  bool has_data_ = false;
};

}  // namespace wfe::agent
