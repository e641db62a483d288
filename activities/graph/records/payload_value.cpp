#include "activities/graph/records/payload_value.h"

#include "engine/base/parse_json.h"

namespace wfe::graph {

std::optional<nlohmann::json> ValueOf(const temporal::api::common::v1::Payloads& payloads) {
  using nlohmann::json;
  if (payloads.payloads_size() == 0) return json(nullptr);
  if (payloads.payloads_size() > 1) return std::nullopt;
  const std::string encoding = NoteOn(payloads, "encoding");
  if (encoding == "binary/null") return json(nullptr);
  if (encoding != "json/plain") return std::nullopt;
  json value = ParseJson(payloads.payloads(0).data(), kMaxStoredJsonDepth);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

std::string NoteOn(const temporal::api::common::v1::Payloads& payloads, const std::string& name) {
  if (payloads.payloads_size() == 0) return {};
  const auto found = payloads.payloads(0).metadata().find(name);
  return found == payloads.payloads(0).metadata().end() ? std::string() : found->second;
}

}  // namespace wfe::graph
