#include "workers/core/payload_codec.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::core {

temporal::api::common::v1::Payload EncodePayload(const nlohmann::json& json) {
  temporal::api::common::v1::Payload payload;
  (*payload.mutable_metadata())["encoding"] = "json/plain";
  payload.set_data(json.dump());
  return payload;
}

temporal::api::common::v1::Payloads EncodePayloads(const nlohmann::json& json) {
  temporal::api::common::v1::Payloads payloads;
  *payloads.add_payloads() = EncodePayload(json);
  return payloads;
}

Result<nlohmann::json> DecodePayload(const temporal::api::common::v1::Payload& payload) {
  const auto found = payload.metadata().find("encoding");
  const std::string encoding = found == payload.metadata().end() ? "" : found->second;
  if (encoding == "binary/null") return nlohmann::json(nullptr);
  if (encoding != "json/plain" && encoding != "json/protobuf") {
    return InvalidArgument("a payload has the encoding '" + encoding + "', which this worker does not read");
  }
  nlohmann::json json = ParseJson(payload.data());
  if (json.is_discarded()) {
    return InvalidArgument("a payload says " + encoding + " but " + WhyNotJson(payload.data()));
  }
  return json;
}

Result<nlohmann::json> DecodePayloads(const temporal::api::common::v1::Payloads& payloads) {
  if (payloads.payloads().empty()) return nlohmann::json(nullptr);
  return DecodePayload(payloads.payloads(0));
}

bool SameData(const temporal::api::common::v1::Payloads& a, const temporal::api::common::v1::Payloads& b) {
  return std::equal(a.payloads().begin(), a.payloads().end(), b.payloads().begin(), b.payloads().end(),
                    [](const auto& one, const auto& other) { return one.data() == other.data(); });
}

std::string Fingerprint(const temporal::api::common::v1::Payloads& payloads) {
  std::string data;
  for (const auto& payload : payloads.payloads()) data += payload.data();
  return std::to_string(data.size()) + " bytes, SHA-256 " + ToHex(Sha256(data)).substr(0, 12) + "...";
}

}  // namespace wfe::core
