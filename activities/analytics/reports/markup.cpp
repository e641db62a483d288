#include "activities/analytics/reports/markup.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "engine/base/check.h"
#include "engine/base/utf8.h"

namespace wfe::analytics::reports {
namespace {

/// Characters that XML forbids or that change how their neighbours are shown.
bool IsHarmful(char32_t code) {
  return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || (code >= 0x7F && code <= 0x9F) ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || (code & 0xFFFEU) == 0xFFFEU;
}

/// A newline after these keeps the document readable as source; after others it would be a space in the text.
bool IsBlock(std::string_view tag) {
  static constexpr std::string_view kBlocks[] = {
      "article", "dd",     "details", "div",   "dl",    "figure", "footer", "h1",   "h2",     "h3",      "h4",
      "head",    "header", "li",      "main",  "nav",   "ol",     "p",      "pre",  "script", "section", "style",
      "svg",     "table",  "tbody",   "thead", "title", "tr",     "ul",     "body", "html",   "caption"};
  return std::find(std::begin(kBlocks), std::end(kBlocks), tag) != std::end(kBlocks);
}

bool IsOneOf(std::string_view characters, char c) { return characters.find(c) != std::string_view::npos; }

}  // namespace

std::string EscapeMarkup(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const DecodedCharacter one = DecodeFirst(text);
    if (one.length == 0 || IsHarmful(one.code)) {
      out += "\uFFFD";
    } else if (one.code == '&') {
      out += "&amp;";
    } else if (one.code == '<') {
      out += "&lt;";
    } else if (one.code == '>') {
      out += "&gt;";
    } else if (one.code == '"') {
      out += "&quot;";
    } else if (one.code == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(0, one.length);
    }
    text.remove_prefix(one.length == 0 ? 1 : one.length);
  }
  return out;
}

std::string AnchorOf(std::string_view prefix, std::string_view id) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out(prefix);
  for (const char c : id) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_plain || IsOneOf("-.", c)) {
      out += c;
    } else {
      out += '_';
      out += kHex[static_cast<uint8_t>(c) >> 4U];
      out += kHex[static_cast<uint8_t>(c) & 15U];
    }
  }
  return out;
}

void Markup::Start(std::string_view tag, Attributes attributes) {
  out_ += '<';
  out_ += tag;
  for (const auto& [name, value] : attributes) {
    if (value.empty()) continue;
    out_ += ' ';
    out_ += name;
    out_ += "=\"";
    out_ += EscapeMarkup(value);
    out_ += '"';
  }
}

Markup& Markup::Open(std::string_view tag, Attributes attributes) {
  Start(tag, attributes);
  out_ += '>';
  open_.emplace_back(tag);
  return *this;
}

Markup& Markup::Close(std::string_view tag) {
  WFE_CHECK(!open_.empty() && open_.back() == tag, "closes <" + std::string(tag) + ">, which is not the innermost");
  open_.pop_back();
  out_ += "</";
  out_ += tag;
  out_ += IsBlock(tag) ? ">\n" : ">";
  return *this;
}

Markup& Markup::Text(std::string_view text) {
  out_ += EscapeMarkup(text);
  return *this;
}

Markup& Markup::Leaf(std::string_view tag, Attributes attributes, std::string_view text) {
  return Open(tag, attributes).Text(text).Close(tag);
}

Markup& Markup::Void(std::string_view tag, Attributes attributes) {
  Start(tag, attributes);
  out_ += "/>";
  return *this;
}

Markup& Markup::Embed(std::string_view tag, std::string_view content) {
  WFE_CHECK(content.find("]]>") == std::string_view::npos && content.find("</") == std::string_view::npos,
            "embedded text ends its element");
  Open(tag);
  out_ += Embedded(content);
  return Close(tag);
}

std::string Markup::Embedded(std::string_view content) {
  return "/*<![CDATA[*/\n" + std::string(content) + "/*]]>*/";
}

Markup& Markup::Raw(std::string_view markup) {
  out_ += markup;
  return *this;
}

std::string Markup::Take() {
  WFE_CHECK(open_.empty(), "an element is still open");
  return std::move(out_);
}

}  // namespace wfe::analytics::reports
