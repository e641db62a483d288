// Log records as lines.
#include "engine/base/line_log.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace wfe {
namespace {

using ::testing::ElementsAre;

const Instant kTime = *ParseIso8601("2026-11-26T03:00:00.125Z");

LogRecord Record() {
  return {LogLevel::kWarning,
          "disk_lags",
          "the disk does not keep up",
          {{"commits", int64_t{50001}}, {"share", 0.5}, {"halted", false}, {"store", "/var/lib/wfe"}}};
}

TEST(LineLog, ATextLineIsForPeople) {
  EXPECT_EQ(LogLineAsText(Record(), kTime),
            "2026-11-26T03:00:00.125Z WARNING disk_lags the disk does not keep up commits=50001 share=0.5 halted=false "
            "store=/var/lib/wfe");
  EXPECT_EQ(LogLineAsText({LogLevel::kInfo, "serving", "", {}}, kTime), "2026-11-26T03:00:00.125Z INFO serving");
}

TEST(LineLog, AJsonLineIsForPrograms) {
  const auto json = nlohmann::json::parse(LogLineAsJson(Record(), kTime));
  EXPECT_EQ(json["time"], "2026-11-26T03:00:00.125Z");
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["event"], "disk_lags");
  EXPECT_EQ(json["message"], "the disk does not keep up");
  EXPECT_EQ(json["commits"], 50001);
  EXPECT_EQ(json["halted"], false);
  EXPECT_EQ(json["store"], "/var/lib/wfe");
}

TEST(LineLog, WhatAFieldHoldsStaysInItsFieldAndOnItsLine) {
  const LogRecord record{LogLevel::kError,
                         "run_unreadable",
                         "two\nlines",
                         {{"run", "a\x1b[31m\nlevel=info"}, {"empty", ""}, {"quoted", "say \"no\" = 1"}, {"bad", "\xff"}}};
  EXPECT_EQ(LogLineAsText(record, kTime),
            R"(2026-11-26T03:00:00.125Z ERROR run_unreadable two\nlines run="a\x1b[31m\nlevel=info" empty="" )"
            R"(quoted="say \"no\" = 1" bad="\xff")");
  const std::string line = LogLineAsJson(record, kTime);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line)["run"], "a\x1b[31m\nlevel=info");
}

TEST(LineLog, WhatIsBelowItsLevelIsNotWritten) {
  ManualClock clock(kTime);
  std::vector<std::string> lines;
  LineLog log(LineLog::Format::kText, LogLevel::kWarning, clock,
              [&](std::string_view line) { lines.emplace_back(line); });
  log.Info("serving", "");
  log.Warning("disk_lags", "");
  log.Error("call_dropped", "", {{"method", "X"}});
  EXPECT_THAT(lines, ElementsAre("2026-11-26T03:00:00.125Z WARNING disk_lags\n",
                                 "2026-11-26T03:00:00.125Z ERROR call_dropped method=X\n"));
}

}  // namespace
}  // namespace wfe
