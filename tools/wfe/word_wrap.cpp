#include "tools/wfe/word_wrap.h"

#include <algorithm>

#include "activities/analytics/reports/format.h"

namespace wfe::cli {

using analytics::reports::Characters;

WordWrap::WordWrap(std::string begun, size_t indent, size_t width)
    : text_(std::move(begun)), column_(Characters(text_)), indent_(indent), width_(width) {}

void WordWrap::Add(const std::string& word, const std::string& separator) {
  const std::string between = empty_ ? "" : separator;
  if (!empty_ && column_ + Characters(between) + Characters(word) > width_) {
    if (separator.find_first_not_of(' ') != std::string::npos) text_ += separator;
    text_ += "\n" + std::string(indent_, ' ') + word;
    column_ = indent_ + Characters(word);
    return;
  }
  text_ += between + word;
  column_ += Characters(between) + Characters(word);
  empty_ = false;
}

std::string WrapWords(std::string begun, const std::string& sentence, size_t indent, size_t width) {
  WordWrap wrap(std::move(begun), indent, width);
  size_t at = 0;
  while (true) {
    const size_t word = sentence.find_first_not_of(" \n", at);
    if (word == std::string::npos) return wrap.Take();
    const size_t end = std::min(sentence.find_first_of(" \n", word), sentence.size());
    wrap.Add(sentence.substr(word, end - word), std::string(word - at, ' '));
    at = end;
  }
}

std::string Wrapped(const std::string& text, size_t width, size_t indent) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const size_t words = std::min(line.find_first_not_of(' '), line.size());
    out += Characters(line) <= width ? line : WrapWords(line.substr(0, words), line.substr(words), indent, width);
    if (end < text.size()) out += "\n";
    at = end + 1;
  }
  return out;
}

}  // namespace wfe::cli
