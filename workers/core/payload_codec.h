// JSON to Temporal's payloads and back.  Everything that wfe's workers write has the encoding json/plain.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "temporal/api/common/v1/message.pb.h"

namespace wfe::core {

/// Throws nlohmann::json::exception when a string is not UTF-8.
temporal::api::common::v1::Payload EncodePayload(const nlohmann::json& json);
temporal::api::common::v1::Payloads EncodePayloads(const nlohmann::json& json);

/// Reads json/plain, json/protobuf and binary/null; other encodings, what is not JSON (bad UTF-8 included) and what is
/// nested too deeply (parse_json.h) are an INVALID_ARGUMENT that says so.
Result<nlohmann::json> DecodePayload(const temporal::api::common::v1::Payload& payload);
/// The first of them, or null when there is none: wfe's functions take one argument and give one result.
Result<nlohmann::json> DecodePayloads(const temporal::api::common::v1::Payloads& payloads);

/// The same bytes; metadata is not looked at.
bool SameData(const temporal::api::common::v1::Payloads& a, const temporal::api::common::v1::Payloads& b);
/// "12 bytes, SHA-256 0123abcd…": tells values apart in a message without showing them.
std::string Fingerprint(const temporal::api::common::v1::Payloads& payloads);


}  // namespace wfe::core
