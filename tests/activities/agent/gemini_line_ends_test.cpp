// Text of a model in files with other line ends (case crlf-replace and its kin).
#include "activities/agent/step/line_ends.h"
#include "tests/activities/agent/agent_step_test_support.h"

namespace wfe::agent {
namespace {

TEST(LineEnds, TextWithNewlinesMatchesAFileOfWindowsAndKeepsItsLineEnds) {
  const ReplacedText result = ReplaceText("a {\r\n  old;\r\n}\r\nend\r\n", "a {\n  old;\n}", "a {\n  new;\n  more;\n}");
  EXPECT_EQ(result.found, 1);
  EXPECT_EQ(result.text, "a {\r\n  new;\r\n  more;\r\n}\r\nend\r\n");
}

TEST(LineEnds, OneLineReplacedBySeveralGetsTheLineEndsOfTheFile) {
  EXPECT_EQ(ReplaceText("x\r\ny\r\n", "x", "x1\nx2").text, "x1\r\nx2\r\ny\r\n");
  EXPECT_EQ(ReplaceText("x\r\ny\r\n", "x\r\ny", "z\r\nw").text, "z\r\nw\r\n");
}

TEST(LineEnds, InAMixedFileThePlaceDecides) {
  const std::string mixed = "a\r\nb\nc\nd\r\n";
  EXPECT_EQ(ReplaceText(mixed, "b\nc", "B\nC").text, "a\r\nB\nC\nd\r\n");
  EXPECT_EQ(ReplaceText(mixed, "a\nb", "A\nB").text, "A\r\nB\nc\nd\r\n");
}

TEST(LineEnds, FileWithNewlinesOnlyIsChangedByteByByte) {
  EXPECT_EQ(ReplaceText("a\nb\n", "a", "x\r\ny").text, "x\r\ny\nb\n") << "bytes that the model wants stay";
  EXPECT_EQ(ReplaceText("a\nb\n", "a\r\nb", "c\r\nd").text, "c\nd\n") << "line ends that it only imagined do not";
  EXPECT_EQ(ReplaceText("aaa", "a", "b").found, 3);
  EXPECT_EQ(ReplaceText("abc", "", "x").found, 0);
}

TEST(LineEnds, LastLineMatchesWithALineEndThatTheFileDoesNotHave) {
  const ReplacedText result = ReplaceText("f() {\n  1;\n}", "  1;\n}\n", "  2;\n}\n");
  EXPECT_EQ(result.found, 1);
  EXPECT_EQ(result.text, "f() {\n  2;\n}");
  EXPECT_EQ(ReplaceText("a\r\nb", "b\n", "c\n").text, "a\r\nc");
}

TEST(LineEnds, ByteOrderMarkStaysAndIsNotAskedFor) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(ReplaceText(mark + "a\nb", "a\nb", "c").text, mark + "c");
  EXPECT_EQ(ReplaceText("a\nb", mark + "a", mark + "c").text, mark + "c\nb");
  EXPECT_EQ(ReplaceText(mark + "a", mark + "a", mark + "c").text, mark + "c");
  EXPECT_EQ(KeepFormOf(mark + "a\r\nb\r\n", "x\ny\n"), mark + "x\r\ny\r\n");
  EXPECT_EQ(KeepFormOf("a\nb\r\n", "x\ny\n"), "x\ny\n") << "a mixed file has no form to keep";
  EXPECT_EQ(KeepFormOf("a\n", "x\r\ny\n"), "x\r\ny\n");
}

TEST_F(AgentTest, ReplaceAndWriteKeepTheLineEndsOfAFileOfWindows) {
  WriteAll(Dir() + "/add.ts", "export function add() {\r\n  return a - b;\r\n}\r\n");
  WriteAll(Dir() + "/whole.ts", "one\r\ntwo\r\n");
  const auto result = Play({Answer({CallPart("replace", {{"file_path", "add.ts"},
                                                         {"old_string", "add() {\n  return a - b;\n}"},
                                                         {"new_string", "add() {\n  return a + b;\n}"}}),
                                    Write("whole.ts", "one\n2\n"), Write("new.ts", "n\n")}),
                            Answer({TextPart("done")})});
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(File("add.ts"), "export function add() {\r\n  return a + b;\r\n}\r\n");
  EXPECT_EQ(File("whole.ts"), "one\r\n2\r\n");
  EXPECT_EQ(File("new.ts"), "n\n");
}

}  // namespace
}  // namespace wfe::agent
