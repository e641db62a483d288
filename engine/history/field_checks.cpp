#include "engine/history/field_checks.h"

namespace wfe::history {

Status CheckId(std::string_view what, const std::string& id, bool required, const Limits& limits) {
  if (id.empty() && required) return InvalidArgument(std::string(what) + " is not set on request.");
  if (static_cast<int64_t>(id.size()) <= limits.max_id_bytes) return Ok();
  return InvalidArgument(std::string(what) + " length exceeds limit of " + std::to_string(limits.max_id_bytes) +
                         " bytes (max_id_bytes).");
}

Status CheckSize(std::string_view what, const google::protobuf::MessageLite& message, const Limits& limits) {
  const auto bytes = static_cast<int64_t>(message.ByteSizeLong());
  if (bytes <= limits.max_payload_bytes) return Ok();
  return InvalidArgument(std::string(what) + " exceeds size limit: " + std::to_string(bytes) + " bytes, at most " +
                         std::to_string(limits.max_payload_bytes) + " (max_payload_bytes).");
}

}  // namespace wfe::history
