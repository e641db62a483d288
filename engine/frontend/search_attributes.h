// The search attributes of a namespace: which there are, of what type, and whether a value fits (WIRE-F14).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/frontend/fwd.h"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/enums/v1/common.pb.h"

namespace wfe::frontend {

using AttributeTypes = std::map<std::string, temporal::api::enums::v1::IndexedValueType>;

/// Those of every namespace: what the server itself says of a run, and what SDKs may set under names of their own.
const AttributeTypes& SystemAttributes();
/// A name that no namespace can give to an attribute of its own.
bool IsReservedAttribute(const std::string& name);

/// "Keyword", as payloads carry it in their metadata; empty: there is no such type.
std::string AttributeTypeName(temporal::api::enums::v1::IndexedValueType type);
/// The type that AttributeTypeName names.
std::optional<temporal::api::enums::v1::IndexedValueType> AttributeTypeOf(const std::string& name);

/// Refuses, in Temporal's words, what the namespace does not have and what is not of its type; notes in each value's
/// metadata which type it is, as typed SDKs read no value without.
Status CheckSearchAttributes(const Services& services, const std::string& ns,
                             temporal::api::common::v1::SearchAttributes* attributes);

}  // namespace wfe::frontend
