#include "engine/frontend/handler_table.h"

#include <google/protobuf/descriptor.h>

#include "engine/base/check.h"
#include "engine/history/nesting.h"

namespace wfe::frontend {
namespace {

std::string Path(std::string_view service, std::string_view method) {
  std::string path;
  path.reserve(service.size() + method.size() + 1);
  path += service;
  path += '/';
  path += method;
  return path;
}

using google::protobuf::FieldDescriptor;

/// How long a text of a request may be; nullopt for those that a method checks itself.
std::optional<int64_t> LongestText(const FieldDescriptor& field, const TextLimits& limits) {
  const std::string& name = field.name();
  if (name == "query" || name == "error_message") return std::nullopt;  // a list filter; what a query failed with
  if (name == "reason" || name == "description") return limits.prose_bytes;
  return limits.name_bytes;
}

/// "WorkflowId" for workflow_id.
std::string Spelled(const std::string& field) {
  std::string name;
  bool upper = true;
  for (const char c : field) {
    if (c != '_') name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = c == '_';
  }
  return name;
}

}  // namespace

std::vector<HandlerTable::BoundedText> HandlerTable::TextsOf(const google::protobuf::Descriptor& request) const {
  std::vector<BoundedText> texts;
  for (int i = 0; i < request.field_count(); ++i) {
    const FieldDescriptor& field = *request.field(i);
    if (field.type() != FieldDescriptor::TYPE_STRING || field.is_repeated()) continue;
    if (const auto longest = LongestText(field, limits_)) texts.push_back({&field, *longest});
  }
  return texts;
}

Status HandlerTable::Parse(std::string_view bytes, const std::vector<BoundedText>& texts,
                           google::protobuf::Message* request) {
  WFE_RETURN_IF_ERROR(history::ParseRequest(bytes, request));
  const auto& reflection = *request->GetReflection();
  std::string scratch;
  for (const auto& [field, longest] : texts) {
    if (static_cast<int64_t>(reflection.GetStringReference(*request, field, &scratch).size()) <= longest) continue;
    return InvalidArgument(Spelled(field->name()) + " length exceeds limit of " + std::to_string(longest) + " bytes.");
  }
  return Ok();
}

const HandlerTable::Handler* HandlerTable::Find(std::string_view service, std::string_view method) const {
  const auto found = handlers_.find(Path(service, method));
  return found == handlers_.end() ? nullptr : &found->second;
}

void HandlerTable::Add(std::string_view service, std::string_view method, Handler handler) {
  WFE_CHECK(handlers_.emplace(Path(service, method), std::move(handler)).second, "a method is served twice");
}

}  // namespace wfe::frontend
