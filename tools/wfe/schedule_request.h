// Building the request that creates a schedule, for `wfe schedule create` and whoever else makes one.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::cli {

/// What a person says of a schedule.
struct ScheduleOptions {
  std::string id;
  // When.
  std::vector<std::string> crons;      ///< "0 2 * * *", "@daily", "CRON_TZ=Europe/Berlin 0 2 * * *".
  std::vector<std::string> intervals;  ///< "6h", with a phase "6h/30m".
  std::vector<std::string> calendars;  ///< "hour=2 minute=30 day_of_week=MON-FRI".
  std::vector<std::string> skips;      ///< Calendars that are left out.
  std::string timezone;                ///< An IANA name; empty: UTC.
  std::string jitter;                  ///< "5m"; empty: none.
  std::string start;                   ///< ISO 8601; empty: at once.
  std::string end;                     ///< ISO 8601; empty: never.
  // What.
  std::string type;
  std::string queue;
  std::string workflow_id;  ///< Empty: the schedule's id.  The time is appended to it.
  std::optional<nlohmann::json> input;
  std::string run_timeout;  ///< "2h"; empty: none.
  // How.
  std::string overlap = "skip";  ///< One of OverlapNames().
  std::string catchup_window;    ///< "7d"; empty: the server's default, a year.
  bool pause_on_failure = false;
  bool paused = false;
  std::string note;
  int64_t actions = 0;   ///< Stop after so many; 0: no limit.
  bool trigger = false;  ///< Act once at once, too.
};

/// INVALID_ARGUMENT says which option is wrong, and why.  Cron expressions and calendars are judged by the server.
Result<temporal::api::workflowservice::v1::CreateScheduleRequest> BuildCreateSchedule(const std::string& ns,
                                                                                      const ScheduleOptions& options);

/// "skip", "buffer-one", "buffer-all", "cancel-other", "terminate-other", "allow-all".
const std::vector<std::string>& OverlapNames();
/// Unspecified for an empty name.  INVALID_ARGUMENT for an unknown one.
Result<temporal::api::enums::v1::ScheduleOverlapPolicy> ParseOverlap(const std::string& name);
std::string OverlapName(temporal::api::enums::v1::ScheduleOverlapPolicy policy);

/// "90s", "5m", "1h30m", "7d"; whole seconds.
Result<google::protobuf::Duration> ParseSpan(const std::string& what, const std::string& text);
/// ISO 8601 in UTC, or a date alone.
Result<google::protobuf::Timestamp> ParseTime(const std::string& what, const std::string& text);

}  // namespace wfe::cli
