// JSON of what crosses activity boundaries.
#include <nlohmann/json.hpp>

#include "activities/traces/collect.h"

namespace wfe::activities {

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

void to_json(json& j, const TraceUnit& unit) {
  j = {{"source", unit.source}, {"location", unit.location}, {"bytes", unit.bytes}};
  if (!unit.run_id.empty()) j["run_id"] = unit.run_id;
}

void from_json(const json& j, TraceUnit& unit) {
  j.at("source").get_to(unit.source);
  j.at("location").get_to(unit.location);
  j.at("bytes").get_to(unit.bytes);
  unit.run_id = j.value("run_id", "");
}

void to_json(json& j, const SourceListing& listing) {
  j = {{"units", listing.units}, {"files_of_source", listing.files_of_source}, {"report", listing.report}};
}

void from_json(const json& j, SourceListing& listing) {
  j.at("units").get_to(listing.units);
  j.at("files_of_source").get_to(listing.files_of_source);
  j.at("report").get_to(listing.report);
}

void to_json(json& j, const Chunk& chunk) {
  j = {{"index", chunk.index}, {"units", chunk.units}, {"bytes", chunk.bytes}};
}

void from_json(const json& j, Chunk& chunk) {
  j.at("index").get_to(chunk.index);
  j.at("units").get_to(chunk.units);
  j.at("bytes").get_to(chunk.bytes);
}

void to_json(json& j, const ChunkResult& result) {
  j = {{"index", result.index},
       {"table_blob_hash", result.table_blob_hash},
       {"entries_of_source", result.entries_of_source},
       {"report", result.report}};
}

void from_json(const json& j, ChunkResult& result) {
  j.at("index").get_to(result.index);
  j.at("table_blob_hash").get_to(result.table_blob_hash);
  j.at("entries_of_source").get_to(result.entries_of_source);
  j.at("report").get_to(result.report);
}

}  // namespace wfe::activities
