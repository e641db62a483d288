#include "engine/base/printable.h"

#include <cstdint>
#include <cstdio>

#include "engine/base/utf8.h"

namespace wfe {
namespace {

bool IsHarmful(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C || (code >= 0x200E && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF ||
         (code >= 0xFFF9 && code <= 0xFFFB);
}

std::string Hex(const char* format, unsigned value) {
  char text[16];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// `escape(code)` stands for a harmful character, `broken(byte)` for a byte that is not UTF-8.
template <class Escape, class Broken>
std::string Rewrite(std::string_view text, std::string_view keep, Escape escape, Broken broken) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const DecodedCharacter one = DecodeFirst(text);
    if (one.length == 0) {
      out += broken(static_cast<uint8_t>(text[0]));
    } else if (IsHarmful(one.code) && (one.code > 0x7F || keep.find(text[0]) == std::string_view::npos)) {
      out += escape(one.code);
    } else {
      out += text.substr(0, one.length);
    }
    text.remove_prefix(one.length == 0 ? 1 : one.length);
  }
  return out;
}

std::string Visible(char32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (code == '\r') return "\\r";
  return code < 0x100 ? Hex("\\x%02x", code) : Hex("\\u%04x", code);
}

std::string VisibleByte(uint8_t byte) { return Hex("\\x%02x", byte); }

}  // namespace

std::string PrintableLine(std::string_view text) { return Rewrite(text, "", Visible, VisibleByte); }

std::string PrintableText(std::string_view text) { return Rewrite(text, "\n\t", Visible, VisibleByte); }

std::string PrintableJson(std::string_view dumped) {
  // Control characters inside strings are escaped already; newlines outside of them are layout.
  return Rewrite(
      dumped, "\n", [](char32_t code) { return Hex("\\u%04x", code); }, [](uint8_t) { return std::string("\uFFFD"); });
}

}  // namespace wfe
