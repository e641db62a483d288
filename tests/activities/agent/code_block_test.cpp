// The one block of code in a model's answer (SG-1, AC-7).
#include "activities/agent/call/code_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wfe::agent {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kPython = {"python", "py", "python3"};

TEST(CodeBlockTest, OneBlockIsFoundAmongWords) {
  const auto found = ExtractCode("Here it is:\n\n```python\nprint('a')\n\nx = 1\n```\nEnjoy.", "STOP", kPython);
  EXPECT_EQ(found.fault, CodeFault::kNone) << found.message;
  EXPECT_EQ(found.block.code, "print('a')\n\nx = 1\n");
  EXPECT_EQ(found.block.language, "python");
}

TEST(CodeBlockTest, FencesMayBeTildesLongerIndentedOrWithWindowsLineEnds) {
  EXPECT_EQ(ExtractCode("~~~ Py title=\"x\"\na\n~~~", "STOP", kPython).block.code, "a\n");
  EXPECT_EQ(ExtractCode("````python\n```\ninner\n```\n````\n", "STOP", kPython).block.code, "```\ninner\n```\n");
  EXPECT_EQ(ExtractCode("1. Do:\n   ```python\n   if a:\n     b\n   ```\n", "STOP", kPython).block.code,
            "if a:\n  b\n");
  EXPECT_EQ(ExtractCode("```python\r\na\r\n```\r\n", "STOP", kPython).block.code, "a\r\n");
  EXPECT_EQ(ExtractCode("```{.python}\na\n```", "STOP", kPython).block.code, "a\n");
  EXPECT_EQ(ExtractCode("```\na\n```", "STOP", kPython).block.code, "a\n") << "one block, of no language";
  EXPECT_EQ(ExtractCode("```python\ns = \"\"\"\n```x\n\"\"\"\n```", "STOP", kPython).block.code,
            "s = \"\"\"\n```x\n\"\"\"\n");
}

TEST(CodeBlockTest, BlocksOfOtherLanguagesAreLeftAside) {
  const auto found = ExtractCode("Run\n```sh\npython a.py\n```\nwith\n```python\na = 1\n```", "STOP", kPython);
  EXPECT_EQ(found.fault, CodeFault::kNone) << found.message;
  EXPECT_EQ(found.block.code, "a = 1\n");
}

TEST(CodeBlockTest, WhatIsNoSingleBlockIsNamed) {
  const auto fault = [](const char* answer, const char* reason = "STOP") {
    return ExtractCode(answer, reason, kPython);
  };
  EXPECT_EQ(fault("").fault, CodeFault::kEmpty);
  EXPECT_THAT(fault(" \n", "SAFETY").message, HasSubstr("empty (SAFETY)"));
  EXPECT_EQ(fault("I cannot do that.").fault, CodeFault::kProse);
  EXPECT_EQ(fault("Use `print` ```a``` inline.").fault, CodeFault::kProse);
  EXPECT_THAT(fault("```js\nx\n```\n```ts\ny\n```").message, HasSubstr("no block of code in python"));
  const auto two = fault("```python\na\n```\n```py\nb\n```");
  EXPECT_EQ(two.fault, CodeFault::kSeveral);
  EXPECT_THAT(two.message, HasSubstr("2 blocks of code"));
  EXPECT_EQ(ExtractCode("```\n\n```", "STOP").fault, CodeFault::kEmpty);
}

TEST(CodeBlockTest, CutAnswerIsNeverTakenForAWholeOne) {
  const auto limit = ExtractCode("```python\na = 1\nb =", "MAX_TOKENS", kPython);
  EXPECT_EQ(limit.fault, CodeFault::kCut);
  EXPECT_EQ(limit.block.code, "a = 1\nb =");
  EXPECT_THAT(limit.message, HasSubstr("limit of tokens"));
  EXPECT_EQ(ExtractCode("```python\na\n```\nAnd then", "MAX_TOKENS", kPython).fault, CodeFault::kCut);
  EXPECT_EQ(ExtractCode("", "MAX_TOKENS", kPython).fault, CodeFault::kCut);
  const auto open = ExtractCode("```python\na = 1\n", "STOP", kPython);
  EXPECT_EQ(open.fault, CodeFault::kCut);
  EXPECT_THAT(open.message, HasSubstr("ends inside"));
}

}  // namespace
}  // namespace wfe::agent
