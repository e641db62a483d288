#include "engine/frontend/pipeline.h"

#include "engine/base/check.h"
#include "engine/frontend/validation.h"
#include "engine/history/nesting.h"
#include "engine/runtime/services.h"

namespace wfe::frontend {

namespace {

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

Status CheckTexts(const RequestShape& shape, const google::protobuf::Message& request) {
  const auto& reflection = *request.GetReflection();
  std::string scratch;
  for (const auto& [field, longest] : shape.texts) {
    if (static_cast<int64_t>(reflection.GetStringReference(request, field, &scratch).size()) <= longest) continue;
    return InvalidArgument(Spelled(field->name()) + " length exceeds limit of " + std::to_string(longest) + " bytes.");
  }
  return Ok();
}

class Everybody final : public Authorizer {
 public:
  Result<Principal> Authorize(const CallContext&) const override { return Principal(); }
};

}  // namespace

const Authorizer& AllowAll() {
  static const Everybody everybody;
  return everybody;
}

RequestShape::RequestShape(const google::protobuf::Descriptor& request, const MethodFacts& facts,
                           const TextLimits& limits) {
  for (int i = 0; i < request.field_count(); ++i) {
    const FieldDescriptor& field = *request.field(i);
    if (field.type() != FieldDescriptor::TYPE_STRING || field.is_repeated()) continue;
    if (const auto longest = LongestText(field, limits)) texts.push_back({&field, *longest});
  }
  if (!facts.in_namespace) return;
  ns = request.FindFieldByName("namespace");
  WFE_CHECK(ns != nullptr, "a method is said to be of a namespace, and its request names none");
}

Status Pipeline::Prepare(const Call& call, const RequestShape& shape, std::string_view bytes,
                         google::protobuf::Message* request) const {
  Call::Record& record = *call.record_;
  if (request != nullptr) WFE_RETURN_IF_ERROR(history::ParseRequest(bytes, request));
  if (shape.ns != nullptr) {
    record.context.ns = request->GetReflection()->GetString(*request, shape.ns);
    WFE_RETURN_IF_ERROR(CheckNamespace(services_, record.context.ns));
  }
  WFE_ASSIGN_OR_RETURN(record.context.principal, authorizer_.Authorize(record.context));
  const auto size = static_cast<int64_t>(bytes.size());
  WFE_RETURN_IF_ERROR(services_.admission->Admit(size));
  record.admitted_bytes = size;
  return request != nullptr ? CheckTexts(shape, *request) : Ok();
}

}  // namespace wfe::frontend
