// JSON of what crosses activity boundaries.
#include <nlohmann/json.hpp>

#include "activities/analytics/ingest/collect.h"

namespace wfe::analytics {

using nlohmann::json;

void to_json(json& j, const SourceSpec& spec) {
  j = {{"kind", spec.kind}, {"location", spec.location}};
  if (spec.kind == kSourceHistory) j["namespace"] = spec.ns;
}

void from_json(const json& j, SourceSpec& spec) {
  j.at("kind").get_to(spec.kind);
  if (spec.kind != kSourceDirectory && spec.kind != kSourceRecords && spec.kind != kSourceHistory) {
    throw json::other_error::create(504, "a trace source is a directory, records or history, not " + spec.kind, &j);
  }
  spec.location = j.value("location", "");
  spec.ns = j.value("namespace", "default");
}

}  // namespace wfe::analytics
