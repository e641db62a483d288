// The start of a workflow that an action of a schedule is (S93).
#pragma once

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "wfe/engine/v1/schedule.pb.h"

namespace wfe::schedules {

/// Always the same for the same start of the same schedule, its request id too: carried out twice it starts once.
temporal::api::workflowservice::v1::StartWorkflowExecutionRequest StartRequest(const engine::v1::ScheduleRow& row,
                                                                               const engine::v1::ScheduledStart& start);

}  // namespace wfe::schedules
