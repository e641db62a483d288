// The way of every call, whichever transport brought it.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <vector>

#include "engine/frontend/call.h"
#include "engine/frontend/fwd.h"
#include "engine/frontend/served_method.h"

namespace wfe::frontend {

/// Longest texts of a request (SEC-M3): identities, request ids and other names; reasons and descriptions.
struct TextLimits {
  int64_t name_bytes = 1000;
  int64_t prose_bytes = 4096;
};

/// What the pipeline looks at in a kind of request; found out once, not at each call.
struct RequestShape {
  RequestShape() = default;
  /// All texts at the top of a request, whatever they are called: none is stored unseen.
  RequestShape(const google::protobuf::Descriptor& request, const MethodFacts& facts, const TextLimits& limits);

  struct BoundedText {
    const google::protobuf::FieldDescriptor* field;
    int64_t longest;
  };
  std::vector<BoundedText> texts;
  const google::protobuf::FieldDescriptor* ns = nullptr;  ///< Null: the method is of the server as a whole.
};

/// parse, namespace, authorization, admission, validation; the handler follows, and the call itself is measured when it
/// is answered.  Thread-safe.
class Pipeline {
 public:
  Pipeline(Services& services, const Authorizer& authorizer) : services_(services), authorizer_(authorizer) {}

  /// Everything before the handler: `request` is filled from `bytes`, or null for a handler that reads them itself.
  /// What it refuses is answered by the caller.
  Status Prepare(const Call& call, const RequestShape& shape, std::string_view bytes,
                 google::protobuf::Message* request) const;

 private:
  Services& services_;
  const Authorizer& authorizer_;
};

}  // namespace wfe::frontend
