#include "engine/history/nesting.h"

#include <google/protobuf/io/coded_stream.h>

#include <string>
#include <vector>

#include "engine/base/serialize.h"

namespace wfe::history {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageLite;
using google::protobuf::io::CodedInputStream;
using temporal::api::failure::v1::Failure;

/// What is looked at in order to be cut: deeper requests are refused unseen.
constexpr int kMaxLookedAt = 2000;

bool Merge(std::string_view bytes, int depth, MessageLite* message) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  in.SetRecursionLimit(depth);
  return message->MergeFromCodedStream(&in) && in.ConsumedEntireMessage();
}

/// Every failure that `message` holds at any depth; a cause is part of the failure above it.
void CutAllCauses(Message* message) {
  if (message->GetDescriptor() == Failure::descriptor()) return CutCauses(static_cast<Failure*>(message), kMaxCauses);
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      CutAllCauses(reflection.MutableMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
      CutAllCauses(reflection.MutableRepeatedMessage(message, field, i));
    }
  }
}

}  // namespace

void CutCauses(Failure* failure, int most) {
  for (int depth = 0; depth < most; ++depth) {
    if (!failure->has_cause()) return;
    failure = failure->mutable_cause();
  }
  if (!failure->has_cause()) return;
  failure->clear_cause();
  failure->mutable_message()->append(" (its further causes were cut: a failure keeps " + std::to_string(most) +
                                     " of them)");
}

Status ParseRequest(std::string_view bytes, Message* request) {
  if (Merge(bytes, kMaxRequestDepth, request)) return Ok();
  request->Clear();
  if (!Merge(bytes, kMaxLookedAt, request)) {
    request->Clear();
    return InvalidArgument("the request is not a valid " + request->GetTypeName());
  }
  CutAllCauses(request);
  // Read again under the limit: what nests too deep may also be something that is no failure, known or unknown.
  const std::string cut = Serialize(*request);
  request->Clear();
  if (Merge(cut, kMaxRequestDepth, request)) return Ok();
  request->Clear();
  return InvalidArgument("the request nests deeper than " + std::to_string(kMaxRequestDepth) + " levels, " +
                         request->GetTypeName());
}

bool ParseStored(std::string_view bytes, MessageLite* message) {
  message->Clear();
  return Merge(bytes, kMaxStoredDepth, message);
}

bool MergeStored(std::string_view bytes, MessageLite* message) { return Merge(bytes, kMaxStoredDepth, message); }

}  // namespace wfe::history
