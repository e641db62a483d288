#include "activities/agent/step/line_ends.h"

#include <algorithm>
#include <vector>

namespace wfe::agent {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct LineEndCount {
  size_t crlf = 0;
  size_t lf = 0;  ///< Without a "\r" before it.
};

LineEndCount CountLineEnds(std::string_view text) {
  LineEndCount count;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    ++(at > 0 && text[at - 1] == '\r' ? count.crlf : count.lf);
  }
  return count;
}

/// Every "\r\n" as "\n".  `origin`, when given, has the index in `text` of each byte, and the end.
std::string ToLf(std::string_view text, std::vector<size_t>* origin = nullptr) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (origin != nullptr) origin->push_back(i);
    out += text[i];
  }
  if (origin != nullptr) origin->push_back(text.size());
  return out;
}

std::string ToCrlf(std::string_view lf_text) {
  std::string out;
  for (const char c : lf_text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

ReplacedText ReplaceExact(std::string_view content, std::string_view from, std::string_view to) {
  ReplacedText result;
  size_t begin = 0;
  for (size_t at = content.find(from); at != std::string_view::npos; at = content.find(from, begin)) {
    result.text.append(content.substr(begin, at - begin)).append(to);
    begin = at + from.size();
    ++result.found;
  }
  result.text.append(content.substr(begin));
  return result;
}

/// The same over lines: matched without "\r", put in with the line ends of the matched place, or of the whole file
/// where the place has none.
ReplacedText ReplaceLines(std::string_view content, std::string_view from, std::string_view to) {
  std::vector<size_t> origin;
  const std::string lines = ToLf(content, &origin);
  const std::string wanted = ToLf(from);
  const std::string with_lf = ToLf(to);
  const std::string with_crlf = ToCrlf(with_lf);
  const LineEndCount whole = CountLineEnds(content);
  // The "\r" in front of a matched "\n" belongs to the match.
  const auto original = [&](size_t index) {
    const size_t at = origin[index];
    return index < lines.size() && lines[index] == '\n' && at > 0 && content[at - 1] == '\r' ? at - 1 : at;
  };
  ReplacedText result;
  size_t begin = 0;
  for (size_t at = lines.find(wanted); at != std::string::npos; at = lines.find(wanted, at + wanted.size())) {
    const size_t start = original(at);
    const size_t end = original(at + wanted.size());
    const LineEndCount here = CountLineEnds(content.substr(start, end - start));
    const LineEndCount& rule = here.crlf + here.lf > 0 ? here : whole;
    result.text.append(content.substr(begin, start - begin)).append(rule.crlf > rule.lf ? with_crlf : with_lf);
    begin = end;
    ++result.found;
  }
  result.text.append(content.substr(begin));
  return result;
}

std::string_view WithoutMark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

std::string_view WithoutLastLineEnd(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

ReplacedText ReplaceText(std::string_view content, std::string_view from, std::string_view to) {
  if (from.empty()) return {.text = std::string(content), .found = 0};
  const bool has_crlf = content.find("\r\n") != std::string_view::npos;
  ReplacedText result = has_crlf ? ReplaceLines(content, from, to) : ReplaceExact(content, from, to);
  if (result.found > 0) return result;
  if (!has_crlf && from.find('\r') != std::string_view::npos) result = ReplaceLines(content, from, to);
  if (result.found > 0) return result;
  // A byte order mark that only one of the two has.
  if (from.starts_with(kByteOrderMark)) {
    return ReplaceText(content, WithoutMark(from), content.starts_with(kByteOrderMark) ? WithoutMark(to) : to);
  }
  const std::string_view open = WithoutLastLineEnd(from);
  if (open.empty() || open.size() == from.size()) return result;
  const std::string lines = ToLf(content);
  if (!lines.ends_with(ToLf(open))) return result;
  // The model saw a last line and took it to end like the others.
  ReplacedText at_end = ReplaceText(std::string(content) + (has_crlf ? "\r\n" : "\n"), from, to);
  at_end.text = std::string(WithoutLastLineEnd(at_end.text));
  return at_end;
}

std::string KeepFormOf(std::string_view before, std::string_view content) {
  std::string result(content);
  const LineEndCount had = CountLineEnds(before);
  const LineEndCount has = CountLineEnds(content);
  if (had.crlf > 0 && had.lf == 0 && has.lf > 0) result = ToCrlf(ToLf(content));
  if (before.starts_with(kByteOrderMark) && !content.starts_with(kByteOrderMark)) result.insert(0, kByteOrderMark);
  return result;
}

}  // namespace wfe::agent
