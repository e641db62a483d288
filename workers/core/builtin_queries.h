// The queries that every SDK answers by itself (WIRE-F24): where a workflow waits, and what it has handlers for.
#pragma once

#include <optional>
#include <string_view>

#include "engine/base/result.h"
#include "temporal/api/common/v1/message.pb.h"

namespace wfe::core {

class WorkflowMachine;

/// __stack_trace as text; __temporal_workflow_metadata as Temporal's message of that name, in the encoding
/// json/protobuf.  Others that begin with __ are refused by name.  nullopt: `name` is the workflow's own to answer.
std::optional<Result<temporal::api::common::v1::Payloads>> AnswerBuiltInQuery(const WorkflowMachine& machine,
                                                                              std::string_view name);

}  // namespace wfe::core
