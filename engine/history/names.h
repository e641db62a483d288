// Short names for the packages of Temporal's messages, for this folder's own sources.
#pragma once

#include "temporal/api/command/v1/message.pb.h"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/api/history/v1/message.pb.h"

namespace wfe::history {

namespace api = temporal::api;
namespace command = temporal::api::command::v1;
namespace enums = temporal::api::enums::v1;

}  // namespace wfe::history
