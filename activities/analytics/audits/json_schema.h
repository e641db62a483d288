// A small validator for the part of JSON Schema (2020-12) that schemas/ uses.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace wfe::analytics {

/// What is wrong with `value`, each with its place ("/findings/0/effect: …"); empty: nothing.
/// Understands type, enum, const, required, properties, additionalProperties, items, minItems, maxItems, minimum,
/// maximum, minLength, pattern, oneOf and $ref into #/$defs.  CHECKs on a reference that is not there.
std::vector<std::string> SchemaProblems(const nlohmann::json& value, const nlohmann::json& schema);

/// schemas/audit_report.schema.json, as compiled in.
const nlohmann::json& AuditReportSchema();

}  // namespace wfe::analytics
