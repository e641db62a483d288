// A call on its way through a handler: knows how to answer as Temporal's clients expect.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/base/serialize.h"
#include "engine/frontend/dispatcher.h"
#include "engine/frontend/fwd.h"
#include "engine/runtime/admission.h"

namespace wfe::frontend {

/// Cheap to copy; exactly one of the copies answers, once.  Any thread.
class Call {
 public:
  /// With `admission`, which let the call in, the call says there when it is answered.
  explicit Call(std::shared_ptr<ServerCall> call, std::shared_ptr<Admission> admission = nullptr,
                int64_t request_bytes = 0)
      : call_(std::move(call)), admission_(std::move(admission)), request_bytes_(request_bytes) {}

  void Reply(const google::protobuf::MessageLite& response) const { Answer(Serialize(response)); }
  void ReplyBytes(std::string response) const { Answer(std::move(response)); }
  /// Adds the error details that SDKs look for when there are none yet (pitfall 12), and keeps both short: an error
  /// travels in HTTP/2 headers, of which clients take 8 KiB (SEC-M2).
  void Fail(Error error) const;
  /// For handlers whose answer is an empty message.
  template <class T>
  void ReplyEmpty(const Result<T>& outcome) const {
    if (!outcome) return Fail(outcome.error());
    ReplyBytes({});
  }

  Instant Deadline() const { return call_->Deadline(); }
  bool IsCancelled() const { return call_->IsCancelled(); }
  bool Supports(std::string_view feature) const { return call_->Supports(feature); }
  const std::shared_ptr<ServerCall>& transport() const { return call_; }

  /// When a call that waits must be answered: `longest` from now, or so much before its own deadline that the answer
  /// still arrives.
  Instant WaitUntil(Instant now, Duration longest, Duration margin) const;

 private:
  void Answer(Result<std::string> response) const;

  std::shared_ptr<ServerCall> call_;
  std::shared_ptr<Admission> admission_;
  int64_t request_bytes_;
};

}  // namespace wfe::frontend
