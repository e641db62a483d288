// A call on its way through a handler: knows how to answer as Temporal's clients expect.
#pragma once

#include <google/protobuf/message_lite.h>

#include <atomic>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/base/serialize.h"
#include "engine/frontend/call_context.h"
#include "engine/frontend/dispatcher.h"
#include "engine/frontend/fwd.h"

namespace wfe::frontend {

struct ServedMethod;

/// Cheap to copy; exactly one of the copies answers, once.  When all of them are gone and none did, its handler has
/// dropped it: that is logged, and the caller gets INTERNAL.  Any thread.
class Call {
 public:
  Call(std::shared_ptr<ServerCall> transport, std::shared_ptr<const ServedMethod> method);

  void Reply(const google::protobuf::MessageLite& response) const { Finish(Serialize(response)); }
  void ReplyBytes(std::string response) const { Finish(std::move(response)); }
  /// Adds the error details that SDKs look for when there are none yet (pitfall 12), and keeps both short: an error
  /// travels in HTTP/2 headers, of which clients take 8 KiB (SEC-M2).
  void Fail(Error error) const;
  /// For handlers whose answer is an empty message.
  template <class T>
  void ReplyEmpty(const Result<T>& outcome) const {
    if (!outcome) return Fail(outcome.error());
    ReplyBytes({});
  }

  const CallContext& context() const { return record_->context; }
  bool IsCancelled() const { return record_->transport->IsCancelled(); }
  bool Supports(std::string_view feature) const { return record_->transport->Supports(feature); }
  const std::shared_ptr<ServerCall>& transport() const { return record_->transport; }

  /// When a call that waits must be answered: `longest` from now, or so much before its own deadline that the answer
  /// still arrives.
  Instant WaitUntil(Instant now, Duration longest, Duration margin) const;

 private:
  friend class Pipeline;
  struct Record {
    Record(std::shared_ptr<ServerCall> of, std::shared_ptr<const ServedMethod> by);
    ~Record();
    void Finish(Result<std::string> response);

    const std::shared_ptr<ServerCall> transport;
    const std::shared_ptr<const ServedMethod> method;
    const Instant began;
    CallContext context;                ///< Filled by the pipeline, before the handler runs.
    int64_t admitted_bytes = -1;        ///< Of the request, which Admission counts; -1: not let in yet.
    std::atomic<bool> finished{false};
  };

  void Finish(Result<std::string> response) const { record_->Finish(std::move(response)); }

  std::shared_ptr<Record> record_;
};

}  // namespace wfe::frontend
