// What clients are told of a schedule: pure translations.
#pragma once

#include "engine/base/time.h"
#include "engine/schedules/machine.h"
#include "temporal/api/schedule/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::runtime {

temporal::api::workflowservice::v1::DescribeScheduleResponse DescribeSchedule(const schedules::State& state,
                                                                              Instant now);

/// What a list says of a schedule.
void FillListEntry(const schedules::State& state, Instant now, temporal::api::schedule::v1::ScheduleListEntry* entry);

/// The action times in (start, end], at most 1,000 of them.
temporal::api::workflowservice::v1::ListScheduleMatchingTimesResponse MatchingTimesOf(const schedules::State& state,
                                                                                      Instant start, Instant end);

}  // namespace wfe::runtime
