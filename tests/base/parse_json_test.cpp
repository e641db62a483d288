// The limit on the depth of JSON from outside (SEC-H6).
#include "engine/base/parse_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace wfe {
namespace {

std::string Nested(int levels) {
  return std::string(static_cast<size_t>(levels), '[') + std::string(static_cast<size_t>(levels), ']');
}

TEST(ParseJson, TheLimitIsTheDeepestThatIsRead) {
  EXPECT_FALSE(ParseJson(Nested(kMaxJsonDepth)).is_discarded());
  EXPECT_TRUE(ParseJson(Nested(kMaxJsonDepth + 1)).is_discarded());
  EXPECT_TRUE(ParseJson(std::string(1'000'000, '[')).is_discarded());
  EXPECT_EQ(WhyNotJson(Nested(201)), "is nested too deeply (more than 200 levels)");
}

TEST(ParseJson, SaysOnWhichLineATextIsNoJson) {
  EXPECT_EQ(WhyNotJson("{"), "is not JSON (line 1, column 2)");
  EXPECT_EQ(WhyNotJson("{\n  \"a\": 1,\n  \"\xC3\xA4\": x\n}"), "is not JSON (line 3, column 8)");
  EXPECT_EQ(WhyNotJson(""), "is not JSON: it is empty");
  EXPECT_EQ(WhyNotJson("1e999"), "is not JSON");
}

TEST(ParseJson, ObjectsCountAsArraysDo) {
  std::string text;
  for (int i = 0; i < 201; ++i) text += i % 2 == 0 ? "[" : "{\"k\":";
  EXPECT_TRUE(JsonNestsTooDeep(text));
}

TEST(ParseJson, WidthAndBracketsInsideStringsDoNotCount) {
  std::string wide = "[";
  for (int i = 0; i < 10'000; ++i) wide += "[],";
  wide += "{}]";
  EXPECT_FALSE(ParseJson(wide).is_discarded());
  EXPECT_FALSE(ParseJson("\"" + std::string(10'000, '[') + "\"").is_discarded());
  EXPECT_FALSE(ParseJson("[\"\\\"" + std::string(10'000, '{') + "\\\\\",1]").is_discarded());
}

TEST(ParseJson, WhatIsNotJsonIsScannedToItsEndAndNoFurther) {
  for (const std::string text : {"\"", "\"\\", "", "]]]]", "\"[[[", "\xff\xfe"}) {
    EXPECT_FALSE(JsonNestsTooDeep(text, 0) && text.find('[') == std::string::npos) << text;
    EXPECT_TRUE(ParseJson(text).is_discarded()) << text;
  }
}

TEST(ParseJson, TheLibrarysPrefixIsNotShown) {
  try {
    const nlohmann::json number = 1;
    std::ignore = number.get<std::string>();
    FAIL();
  } catch (const nlohmann::json::exception& e) {
    EXPECT_EQ(JsonErrorText(e), "type must be string, but is number");
  }
  EXPECT_EQ(JsonErrorText(std::runtime_error("plain")), "plain");
  EXPECT_EQ(JsonErrorText(std::runtime_error("[json.exception.other_error.501] input.a: [json.exception.type_error.302] b")),
            "input.a: b");
}

}  // namespace
}  // namespace wfe
