#include "engine/base/printable.h"

#include <gtest/gtest.h>

#include <string>

namespace wfe {
namespace {

TEST(Printable, ShowsEscapesAndDirectionsInsteadOfObeyingThem) {  // SEC-M4
  EXPECT_EQ(PrintableLine("a\x1b[31mred\x07\x7f"), "a\\x1b[31mred\\x07\\x7f");
  EXPECT_EQ(PrintableLine("8-bit \u009b31m"), "8-bit \\x9b31m");
  EXPECT_EQ(PrintableLine("\u202eevil\u2066\u200f\u061c\ufeff\u2028"), "\\u202eevil\\u2066\\u200f\\u061c\\ufeff\\u2028");
  EXPECT_EQ(PrintableLine("two\nlines\r\tand a tab"), "two\\nlines\\r\\tand a tab");
}

TEST(Printable, KeepsWhatPeopleWrite) {  // SEC-M4
  const std::string text = "naïve 日本語 \U0001F600 שלום “quoted” \\ ok";
  EXPECT_EQ(PrintableLine(text), text);
  EXPECT_EQ(PrintableText("a\n\tb"), "a\n\tb");
}

TEST(Printable, BytesThatAreNoUtf8AreShownAsBytes) {  // SEC-M4
  EXPECT_EQ(PrintableLine("\xff\xc3(\xed\xa0\x80"), "\\xff\\xc3(\\xed\\xa0\\x80");
}

TEST(Printable, JsonKeepsItsValue) {  // SEC-M4
  EXPECT_EQ(PrintableJson("{\n  \"a\": \"x\u202ey\u009b\x7f\"\n}"), "{\n  \"a\": \"x\\u202ey\\u009b\\u007f\"\n}");
}

TEST(Printable, NoControlCharacterIsEverLeft) {  // SEC-M4
  for (unsigned code = 0; code < 0x3000; ++code) {
    std::string text;
    if (code < 0x80) {
      text = static_cast<char>(code);
    } else if (code < 0x800) {
      text = {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
    } else {
      text = {static_cast<char>(0xE0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
              static_cast<char>(0x80 | (code & 0x3F))};
    }
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
                         (code >= 0x2066 && code <= 0x2069);
    if (control) {
      EXPECT_EQ(PrintableLine(text).find(text), std::string::npos) << code;
    }
  }
}

}  // namespace
}  // namespace wfe
