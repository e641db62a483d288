#include <iconv.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "activities/documents/document_text.h"
#include "activities/sandbox/text.h"

namespace wfe::documents {

std::optional<std::string> ConvertedToUtf8(std::string bytes, const char* from) {
  iconv_t converter = iconv_open("UTF-8", from);
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string text(bytes.size() * 3 + 16, '\0');
  char* in = bytes.data();
  char* out = text.data();
  size_t in_left = bytes.size();
  size_t out_left = text.size();
  const size_t converted = iconv(converter, &in, &in_left, &out, &out_left);
  iconv_close(converter);
  if (converted == static_cast<size_t>(-1)) return std::nullopt;
  text.resize(text.size() - out_left);
  return text;
}

namespace {

/// UTF-16 without its mark: in Western text every second byte is zero.  nullptr: it is none.
const char* Utf16WithoutMark(std::string_view bytes) {
  const size_t looked_at = std::min<size_t>(bytes.size() & ~size_t{1}, 4096);
  if (looked_at < 8) return nullptr;
  size_t even = 0;
  size_t odd = 0;
  for (size_t i = 0; i < looked_at; ++i) {
    if (bytes[i] == '\0') ++(i % 2 == 0 ? even : odd);
  }
  const size_t pairs = looked_at / 2;
  if (odd * 10 >= pairs * 7 && even * 20 <= pairs) return "UTF-16LE";
  if (even * 10 >= pairs * 7 && odd * 20 <= pairs) return "UTF-16BE";
  return nullptr;
}

bool HasControls(std::string_view bytes) {
  return std::ranges::any_of(bytes, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v' && c != '\x1a';
  });
}

std::string WithPlainLineEnds(const std::string& text) {
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      plain += text[i];
    } else if (i + 1 >= text.size() || text[i + 1] != '\n') {
      plain += '\n';
    }
  }
  return plain;
}

}  // namespace

Result<std::string> DecodeText(std::string bytes, std::string* note) {
  const auto say = [&](std::string sentence) {
    if (note != nullptr) *note = std::move(sentence);
  };
  std::optional<std::string> text;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    text = ConvertedToUtf8(std::move(bytes), "UTF-16");
    if (!text) return InvalidArgument("it begins as UTF-16 and is none");
  } else if (const char* const utf16 = Utf16WithoutMark(bytes)) {
    text = ConvertedToUtf8(std::move(bytes), utf16);
    if (!text) return InvalidArgument("it looks like UTF-16 and is none");
    say(std::string("read as ") + utf16 + ", which it does not say of itself");
  } else if (bytes.find('\0') != std::string::npos) {
    return InvalidArgument("it is no text: there are zero bytes in it");
  } else if (sandbox::IsUtf8(bytes)) {
    text = std::move(bytes);
  } else if (!HasControls(bytes)) {
    // Its five holes are letters of Latin-1's upper control set, which no text has.
    text = ConvertedToUtf8(bytes, "WINDOWS-1252");
    if (!text) text = ConvertedToUtf8(std::move(bytes), "ISO-8859-1");
    say("read as Windows-1252 (Latin-1), since it is no UTF-8");
  }
  if (!text || HasControls(*text)) return InvalidArgument("it is no text: there are control characters in it");
  if (text->find_first_not_of(" \t\r\n\f\v") == std::string::npos) return InvalidArgument("it is empty");
  return WithPlainLineEnds(*text);
}

int PageAt(std::string_view text, size_t offset) {
  return 1 + static_cast<int>(std::ranges::count(text.substr(0, std::min(offset, text.size())), '\f'));
}

}  // namespace wfe::documents
