// JSON of the records in workspace.h: every field by its own name, unknown keys kept in `extra`.
#include <initializer_list>
#include <utility>

#include "activities/workspace/workspace.h"

namespace wfe::activities {
namespace {

using nlohmann::json;
template <class Value>
using Field = std::pair<const char*, std::string Value::*>;

template <class Value>
void Write(json& object, const Value& value, std::initializer_list<Field<Value>> fields) {
  object = value.extra.is_object() ? value.extra : json::object();
  for (const auto& [key, member] : fields) object[key] = value.*member;
}

template <class Value>
void Read(const json& object, Value& value, std::initializer_list<Field<Value>> fields) {
  value.extra = object.get<json::object_t>();
  for (const auto& [key, member] : fields) {
    const auto found = value.extra.find(key);
    if (found == value.extra.end()) continue;
    found->get_to(value.*member);
    value.extra.erase(found);
  }
}

void WriteList(json& object, const char* key, const std::vector<std::string>& list) {
  if (!list.empty()) object[key] = list;
}

template <class Value>
void ReadList(Value& value, const char* key, std::vector<std::string>& list) {
  const auto found = value.extra.find(key);
  if (found == value.extra.end()) return;
  found->get_to(list);
  value.extra.erase(found);
}

const std::initializer_list<Field<OpenWorkspaceRequest>> kOpenRequest = {
    {"project_dir", &OpenWorkspaceRequest::project_dir},
    {"kind", &OpenWorkspaceRequest::kind},
    {"workflow_id", &OpenWorkspaceRequest::workflow_id},
    {"run_id", &OpenWorkspaceRequest::run_id},
    {"claim_id", &OpenWorkspaceRequest::claim_id},
    {"take_over_from", &OpenWorkspaceRequest::take_over_from},
    {"restore_snapshot_blob_hash", &OpenWorkspaceRequest::restore_snapshot_blob_hash},
    {"expected_snapshot_blob_hash", &OpenWorkspaceRequest::expected_snapshot_blob_hash},
    {"base_commit", &OpenWorkspaceRequest::base_commit},
    {"branch", &OpenWorkspaceRequest::branch},
    {"base_snapshot_blob_hash", &OpenWorkspaceRequest::base_snapshot_blob_hash}};
const std::initializer_list<Field<OpenWorkspaceReport>> kOpenReport = {
    {"working_dir", &OpenWorkspaceReport::working_dir},
    {"project_dir", &OpenWorkspaceReport::project_dir},
    {"kind", &OpenWorkspaceReport::kind},
    {"base_commit", &OpenWorkspaceReport::base_commit},
    {"branch", &OpenWorkspaceReport::branch},
    {"base_snapshot_blob_hash", &OpenWorkspaceReport::base_snapshot_blob_hash},
    {"note", &OpenWorkspaceReport::note}};
const std::initializer_list<Field<RecordStepRequest>> kStepRequest = {{"working_dir", &RecordStepRequest::working_dir},
                                                                      {"project_dir", &RecordStepRequest::project_dir},
                                                                      {"branch", &RecordStepRequest::branch},
                                                                      {"run_id", &RecordStepRequest::run_id},
                                                                      {"step", &RecordStepRequest::step},
                                                                      {"verdict", &RecordStepRequest::verdict},
                                                                      {"entry_id", &RecordStepRequest::entry_id}};
const std::initializer_list<Field<RecordStepReport>> kStepReport = {{"commit", &RecordStepReport::commit},
                                                                    {"note", &RecordStepReport::note}};

}  // namespace

void to_json(json& object, const OpenWorkspaceRequest& value) {
  Write(object, value, kOpenRequest);
  if (value.expected_snapshot_blob_hash.empty()) object.erase("expected_snapshot_blob_hash");  // as before there was one
}
void from_json(const json& object, OpenWorkspaceRequest& value) { Read(object, value, kOpenRequest); }
void to_json(json& object, const OpenWorkspaceReport& value) { Write(object, value, kOpenReport); }
void from_json(const json& object, OpenWorkspaceReport& value) { Read(object, value, kOpenReport); }
void to_json(json& object, const RecordStepRequest& value) {
  Write(object, value, kStepRequest);
  WriteList(object, "files", value.files);
}
void from_json(const json& object, RecordStepRequest& value) {
  Read(object, value, kStepRequest);
  ReadList(value, "files", value.files);
}
void to_json(json& object, const RecordStepReport& value) {
  Write(object, value, kStepReport);
  WriteList(object, "ignored", value.ignored);
}
void from_json(const json& object, RecordStepReport& value) {
  Read(object, value, kStepReport);
  ReadList(value, "ignored", value.ignored);
}

}  // namespace wfe::activities
