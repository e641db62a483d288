// Changes of a run's memo.
#pragma once

#include <nlohmann/json.hpp>

#include "workers/core/command_machine.h"

namespace wfe::core {

/// Command ModifyWorkflowProperties.
class PropertiesMachine final : public CommandMachine {
 public:
  explicit PropertiesMachine(nlohmann::json fields) : fields_(std::move(fields)) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent&) const override { return std::nullopt; }
  std::string Describe() const override { return "ModifyWorkflowProperties(memo)"; }

 private:
  nlohmann::json fields_;  // an object
};

}  // namespace wfe::core
