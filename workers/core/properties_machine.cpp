#include "workers/core/properties_machine.h"

#include "workers/core/payload_codec.h"

namespace wfe::core {

command_pb::Command PropertiesMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES);
  auto& fields =
      *command.mutable_modify_workflow_properties_command_attributes()->mutable_upserted_memo()->mutable_fields();
  for (const auto& [name, value] : fields_.items()) {
    auto payload = EncodePayload(value);
    // A null removes the field; the engine knows it by this encoding and empty data.
    if (value.is_null()) {
      (*payload.mutable_metadata())["encoding"] = "binary/null";
      payload.clear_data();
    }
    fields[name] = payload;
  }
  return command;
}

}  // namespace wfe::core
