// A call on its way through a handler: knows how to answer as Temporal's clients expect.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/base/serialize.h"
#include "engine/frontend/dispatcher.h"

namespace wfe::frontend {

/// Cheap to copy; exactly one of the copies answers, once.  Any thread.
class Call {
 public:
  explicit Call(std::shared_ptr<ServerCall> call) : call_(std::move(call)) {}

  void Reply(const google::protobuf::MessageLite& response) const { call_->Reply(Serialize(response)); }
  void ReplyBytes(std::string response) const { call_->Reply(std::move(response)); }
  /// Adds the error details that SDKs look for when there are none yet (pitfall 12).
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
  std::shared_ptr<ServerCall> call_;
};

}  // namespace wfe::frontend
