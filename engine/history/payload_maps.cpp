#include "engine/history/payload_maps.h"

namespace wfe::history {

bool IsNullPayload(const api::common::v1::Payload& payload) {
  const auto encoding = payload.metadata().find("encoding");
  if (encoding == payload.metadata().end()) return payload.data().empty();
  if (encoding->second == "binary/null") return true;
  return encoding->second == "json/plain" && (payload.data() == "null" || payload.data() == "[]");
}

}  // namespace wfe::history
