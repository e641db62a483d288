// The caller's side of a stream of calls (schemas/wfe/calls/v1): calls in, frames out, and answers to whom they belong.
// No sockets here: gRPC and the simulated network carry the same frames.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "workers/client/service_client.h"
#include "wfe/calls/v1/call_stream.pb.h"

namespace wfe::client {

/// What carries the frames of one stream.
class FrameSender {
 public:
  virtual ~FrameSender() = default;
  /// Sends one frame; the next one comes after CallMux::Sent, which may be called in here.  From any thread.
  virtual void Send(const calls::v1::CallerFrame& frame) = 0;
};

/// Thread-safe.  Handles of calls may outlive it.
class CallMux final : public std::enable_shared_from_this<CallMux> {
 public:
  /// Frames are sent from functions posted to `executor`, so that calls which are made together go together.  Both
  /// outlive the stream.
  CallMux(FrameSender& sender, Executor& executor) : sender_(&sender), executor_(executor) {}

  /// nullptr: this call cannot be made here, because the server has not welcomed the caller yet, the stream has broken, or
  /// no credit is left for a poll; `done` is as it was.  `now` is of the clock that Expire is told.
  std::shared_ptr<CallHandle> Call(std::string_view service, std::string_view method,
                                   const google::protobuf::MessageLite& request, const CallOptions& options,
                                   Instant now, Function<void(Result<std::string>)>& done);
  void Received(calls::v1::ServerFrame frame);
  /// The last frame is out.  False: the stream has broken meanwhile, and nothing touches the sender from now on.
  bool Sent();
  /// The stream is over: every call without an answer fails with `why`.  True: nothing touches the sender from now on.
  /// False: a frame is on its way, or about to be; Sent says when it is over.
  bool Broken(const Error& why);
  /// Ends the calls whose time is over with DEADLINE_EXCEEDED.  When it should be called next; Instant::max() when no
  /// call waits.
  Instant Expire(Instant now);

  bool usable() const;
  /// The time of the call that expires first.
  Instant NextExpiry() const;

 private:
  class Handle;
  struct Pending {
    Function<void(Result<std::string>)> done;
    Executor* executor = nullptr;
    Instant deadline;
    std::string method;
    bool holds_credit = false;
  };
  using Calls = std::map<uint64_t, Pending>;

  /// Out of the books.  Under the lock, like the next one.
  Pending Take(Calls::iterator call);
  /// A call that has not left yet needs no cancellation; one that went ahead of it would be for nothing.
  bool TakeOutOfFrame(uint64_t id);
  void Cancel(uint64_t id, Error why);
  void Flush();
  /// Under the lock.
  bool PostFlush();
  static void Deliver(Pending pending, Result<std::string> answer);

  FrameSender* const sender_;
  Executor& executor_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  int64_t max_calls_ = 0;  // 0: not welcomed yet
  size_t max_frame_bytes_ = 0;
  int64_t max_polls_ = 0;  // 0: they are not counted
  int64_t polls_ = 0;      // that hold a credit
  bool broken_ = false;
  uint64_t next_id_ = 1;
  Calls calls_;
  std::set<std::pair<Instant, uint64_t>> deadlines_;
  calls::v1::CallerFrame outbox_;
  size_t outbox_bytes_ = 0;
  bool flush_posted_ = false;
  bool sending_ = false;
};

}  // namespace wfe::client
