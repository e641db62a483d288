#include "activities/sandbox/text.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace wfe::sandbox {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length of the well-formed sequence at the start of `text`; 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;  // no surrogates
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

/// Index just after the escape sequence that starts at `i` (text[i] is ESC).
size_t SkipEscape(std::string_view text, size_t i) {
  ++i;
  if (i >= text.size()) return i;
  const char kind = text[i];
  if (kind == '[') {  // CSI: parameters, then one byte from @ to ~
    for (++i; i < text.size(); ++i) {
      if (text[i] >= 0x40 && text[i] <= 0x7e) return i + 1;
      if (text[i] == '\n') return i;
    }
    return i;
  }
  if (kind == ']' || kind == 'P' || kind == '^' || kind == '_' ||
      kind == 'X') {  // strings, ended by BEL or ESC backslash
    for (++i; i < text.size(); ++i) {
      if (text[i] == '\a') return i + 1;
      if (text[i] == '\x1b') return std::min(i + 2, text.size());
      if (text[i] == '\n') return i;
    }
    return i;
  }
  while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x2f) ++i;  // e.g. ESC ( B
  return std::min(i + 1, text.size());
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string ToUtf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = SequenceLength(bytes);
    text += length == 0 ? kReplacement : bytes.substr(0, length);
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return text;
}

int64_t CountCodePoints(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string CleanTerminalText(std::string_view bytes) {
  std::string clean;
  clean.reserve(bytes.size());
  size_t i = 0;
  while (i < bytes.size()) {
    const unsigned char c = static_cast<unsigned char>(bytes[i]);
    if (c == 0x1b) {
      i = SkipEscape(bytes, i);
    } else if (c == '\n' || c == '\t') {
      clean += static_cast<char>(c);
      ++i;
    } else if (c < 0x20 || c == 0x7f) {
      ++i;
    } else {
      const size_t length = SequenceLength(bytes.substr(i));
      const bool c1_control = length == 2 && c == 0xC2 && static_cast<unsigned char>(bytes[i + 1]) < 0xA0;
      if (length == 0) {
        clean += kReplacement;
      } else if (!c1_control) {
        clean += bytes.substr(i, length);
      }
      i += std::max<size_t>(length, 1);
    }
  }
  return clean;
}

std::string Printable(std::string_view text) {
  std::string line = ToUtf8(text.substr(0, 120));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (text.size() > 120) line += "...";
  return line;
}

std::string KeepHeadAndTail(const std::string& utf8, int64_t max_code_points, bool* truncated) {
  const int64_t total = CountCodePoints(utf8);
  if (truncated != nullptr) *truncated = total > max_code_points;
  if (total <= max_code_points) return utf8;
  const std::string marker = "\n[... " + std::to_string(total - max_code_points) + "+ characters left out ...]\n";
  const int64_t keep = std::max<int64_t>(0, max_code_points - CountCodePoints(marker));
  const int64_t head = keep - keep / 3;
  const int64_t tail = keep - head;
  const auto offset_of = [&](int64_t code_points) {
    int64_t seen = 0;
    for (size_t i = 0; i < utf8.size(); ++i) {
      if ((static_cast<unsigned char>(utf8[i]) & 0xC0) != 0x80 && seen++ == code_points) return i;
    }
    return utf8.size();
  };
  return utf8.substr(0, offset_of(head)) + marker + utf8.substr(offset_of(total - tail));
}

std::string Listed(const std::vector<std::string>& paths) {
  constexpr size_t kShown = 5;
  std::string text;
  for (size_t i = 0; i < paths.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + Printable(paths[i]);
  return paths.size() > kShown ? text + " and " + std::to_string(paths.size() - kShown) + " more" : text;
}

std::string FenceSafe(std::string text) {
  size_t at = 0;
  while ((at = text.find("```", at)) != std::string::npos) {
    for (; at < text.size() && text[at] == '`'; ++at) text[at] = '\'';
  }
  return text;
}

SecretMask::SecretMask(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  // A very short "secret" would blank out ordinary text and hide nothing.
  std::erase_if(secrets_, [](const std::string& secret) { return secret.size() < 6; });
  std::sort(secrets_.begin(), secrets_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string SecretMask::Apply(std::string text) const {
  for (const std::string& secret : secrets_) {
    size_t at = 0;
    while ((at = text.find(secret, at)) != std::string::npos) {
      text.replace(at, secret.size(), "[redacted:secret]");
      at += 17;
    }
  }
  struct Pattern {
    const RE2 expression;
    const char* replacement;
  };
  static const Pattern kPatterns[] = {
      {RE2("AIza[0-9A-Za-z_-]{30,}"), "[redacted:google_key]"},
      {RE2("sk-[0-9A-Za-z_-]{16,}"), "[redacted:api_key]"},
      {RE2("gh[pousr]_[0-9A-Za-z]{20,}"), "[redacted:github_token]"},
      {RE2("AKIA[0-9A-Z]{16}"), "[redacted:aws_key]"},
      {RE2("(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\\z)"), "[redacted:pem]"},
      {RE2("([A-Za-z][A-Za-z0-9+.-]*://)[^/\\s:@]+:[^/\\s@]+@"), "\\1[redacted:password]@"},
  };
  for (const Pattern& pattern : kPatterns) RE2::GlobalReplace(&text, pattern.expression, pattern.replacement);
  return text;
}

std::string JoinCommand(const std::vector<std::string>& argv) {
  std::string line;
  for (const std::string& argument : argv) {
    if (!line.empty()) line += ' ';
    const bool plain = !argument.empty() && argument.find_first_of(" \t\n\"'\\") == std::string::npos;
    if (plain) {
      line += argument;
      continue;
    }
    line += '\'';
    for (const char c : argument) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace wfe::sandbox
