// Tool output is data: what may not pass from it into a log or a prompt.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activities/sandbox/text.h"

namespace wfe::sandbox {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CleanTerminalText, EscapeSequencesAndControlCharactersGo) {
  EXPECT_EQ(
      CleanTerminalText("\x1b[31mred\x1b[0m a\x1b]0;title\a b\x1b]8;;http://x\x1b\\link c\rd\x07\x08 \x1b(Be\r\nf"),
      "red a blink cd e\nf");
  EXPECT_EQ(CleanTerminalText("a\x1b[31"), "a");
  EXPECT_EQ(CleanTerminalText("a\x1b"), "a");
  EXPECT_EQ(CleanTerminalText("\xc2\x9b"
                              "31mx"),
            "31mx")
      << "the one-character CSI";
}

TEST(CleanTerminalText, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(CleanTerminalText("a\xff"
                              "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_TRUE(IsUtf8(CleanTerminalText("\xed\xa0\x80 \xc0\xaf \xf5\x80\x80\x80")));
}

TEST(CountCodePoints, CountsCharactersNotBytes) { EXPECT_EQ(CountCodePoints("aé漢😀"), 4); }

TEST(KeepHeadAndTail, TheMiddleGoesAndTheLimitHolds) {
  std::string text = "HEAD";
  for (int i = 0; i < 1000; ++i) text += "é";
  text += "TAIL";
  bool truncated = false;
  const std::string cut = KeepHeadAndTail(text, 100, &truncated);
  EXPECT_TRUE(truncated);
  EXPECT_LE(CountCodePoints(cut), 100);
  EXPECT_TRUE(IsUtf8(cut));
  EXPECT_TRUE(cut.starts_with("HEAD"));
  EXPECT_TRUE(cut.ends_with("TAIL"));
  EXPECT_EQ(KeepHeadAndTail("short", 100, &truncated), "short");
  EXPECT_FALSE(truncated);
}

TEST(SecretMask, KnownValuesAndWellKnownShapesAreReplaced) {
  const SecretMask mask({"hunter2-long", "x"});
  const std::string text = mask.Apply(
      "a hunter2-long b AIzaSyA1234567890abcdefghijklmnopqrstuvw sk-abcdefghijklmnop1234 "
      "ghp_abcdefghijklmnopqrstuvwxyz012345 AKIAABCDEFGHIJKLMNOP https://user:pass@host/x "
      "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x");
  for (const char* secret : {"hunter2", "AIza", "sk-abc", "ghp_", "AKIA", "pass@", "MIIE"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(text, HasSubstr("https://[redacted:password]@host/x"));
  EXPECT_TRUE(text.ends_with(" x")) << "a value too short to be a secret is left alone";
}

TEST(JoinCommand, ArgumentsWithBlanksAreQuotedForTheReader) {
  EXPECT_EQ(JoinCommand({"a", "b c", "", "it's"}), "a 'b c' '' 'it'\\''s'");
}

}  // namespace
}  // namespace wfe::sandbox
