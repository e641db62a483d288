// Commands that only write something down: markers (local activities, side effects, patches), search attributes, memo.
#include <utility>

#include "engine/history/attribute_limits.h"
#include "engine/history/commands.h"
#include "engine/history/payload_maps.h"

namespace wfe::history {

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::RecordMarkerCommandAttributes& attributes) {
  const Limits& limits = context.builder.limits();
  WFE_RETURN_IF_BAD(CheckId(attributes.marker_name(), "marker name",
                            enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES, limits));
  WFE_RETURN_IF_BAD(CheckSize(attributes.ByteSizeLong(), "marker \"" + attributes.marker_name() + "\"", limits));
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_MARKER_RECORDED, command);
  auto& recorded = *event.mutable_marker_recorded_event_attributes();
  recorded.set_marker_name(attributes.marker_name());
  *recorded.mutable_details() = attributes.details();
  recorded.set_workflow_task_completed_event_id(context.completed_event_id);
  if (attributes.has_header()) *recorded.mutable_header() = attributes.header();
  if (attributes.has_failure()) *recorded.mutable_failure() = attributes.failure();
  context.builder.Append(std::move(event));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::UpsertWorkflowSearchAttributesCommandAttributes& attributes) {
  if (attributes.search_attributes().indexed_fields().empty()) {
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES, "no search attributes to upsert"};
  }
  common::SearchAttributes after = context.builder.state().folded().search_attributes();
  MergePayloads(*after.mutable_indexed_fields(), attributes.search_attributes().indexed_fields());
  if (auto problem = Problem(after, context.builder.limits())) {  // S103
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES, std::move(*problem)};
  }
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, command);
  auto& upserted = *event.mutable_upsert_workflow_search_attributes_event_attributes();
  upserted.set_workflow_task_completed_event_id(context.completed_event_id);
  *upserted.mutable_search_attributes() = attributes.search_attributes();
  context.builder.Append(std::move(event));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::ModifyWorkflowPropertiesCommandAttributes& attributes) {
  if (attributes.upserted_memo().fields().empty()) {
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES,
                      "no memo fields to upsert"};
  }
  common::Memo after = context.builder.state().folded().memo();
  MergePayloads(*after.mutable_fields(), attributes.upserted_memo().fields());
  WFE_RETURN_IF_BAD(CheckSize(after.ByteSizeLong(), "memo", context.builder.limits()));
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED, command);
  auto& modified = *event.mutable_workflow_properties_modified_event_attributes();
  modified.set_workflow_task_completed_event_id(context.completed_event_id);
  *modified.mutable_upserted_memo() = attributes.upserted_memo();
  context.builder.Append(std::move(event));
  return std::nullopt;
}

}  // namespace wfe::history
