// The server's side of a stream of calls (schemas/wfe/calls/v1): frames in, frames out, the calls in them to the
// Dispatcher.  No sockets here: the gRPC server and the simulated network carry the same frames.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/executor.h"
#include "engine/base/time.h"
#include "engine/frontend/dispatcher.h"
#include "wfe/calls/v1/call_stream.pb.h"

namespace wfe::frontend {

struct CallStreamLimits {
  int64_t max_calls = 10'000;                ///< In progress; further ones are refused.
  int64_t max_polls = 1'000;                 ///< Of these, for tasks; told in the welcome, further ones are refused.
  int64_t max_frame_bytes = 16 << 20;        ///< Of the caller's frames; told in the welcome, kept by the transport.
  size_t max_answer_frame_bytes = 1 << 20;   ///< Answers that are gathered into one frame; a larger one goes alone.
};

/// What carries the frames of one stream.  Outlives it.
class FrameCarrier {
 public:
  virtual ~FrameCarrier() = default;
  /// A header of the stream, valid for all its calls, by its name in lower case.  Until the stream has closed.
  virtual std::optional<std::string_view> Metadata(std::string_view name) const = 0;
  virtual std::string Peer() const = 0;
  /// Sends one frame; the next one comes after CallStream::Sent, which may be called in here.  From any thread.
  virtual void Send(const calls::v1::ServerFrame& frame) = 0;
  /// So many bytes of an answer wait to be sent; false when that is too much, then an error takes its place.
  virtual bool Hold(int64_t bytes) = 0;
  virtual void Free(int64_t bytes) = 0;
  /// The caller broke the rules: ends the stream with this error.
  virtual void End(Error why) = 0;
};

/// Thread-safe.  Calls hold it and it holds them: it lives until it has been Closed and the last of them answered.
class CallStream final : public std::enable_shared_from_this<CallStream> {
 public:
  /// Frames go out from functions posted to `executor`, so that answers which come together go together.  `monotonic`
  /// is the scale of ServerCall::Deadline.  All outlive the stream.
  CallStream(Dispatcher& dispatcher, const Clock& monotonic, Executor& executor, CallStreamLimits limits)
      : dispatcher_(dispatcher), monotonic_(monotonic), executor_(executor), limits_(limits) {}

  /// Sends the welcome.  First.
  void Open(FrameCarrier& carrier, std::string supported_features);
  /// A frame of the caller, dispatched call by call on this thread.
  void Received(const calls::v1::CallerFrame& frame);
  /// The last frame is out.  False: the stream was closed meanwhile, and nothing touches the carrier from now on.
  bool Sent();
  /// The caller is gone: its calls are cancelled and no frame is begun any more.  True: nothing touches the carrier
  /// from now on.  False: a frame is on its way, or about to be; Sent says when it is over.
  bool Closed();
  /// Ends the stream when the calls in progress have been answered.
  void EndWhenIdle();

  int64_t calls_in_progress() const;

 private:
  class StreamCall;
  friend class StreamCall;

  struct Waiting {
    calls::v1::Answer answer;
    size_t bytes = 0;   ///< Its part of a frame, nearly.
    bool held = false;  ///< They are of the carrier's budget.
    int64_t HeldBytes() const { return held ? static_cast<int64_t>(bytes) : 0; }
  };

  void Start(const calls::v1::Call& call);
  /// Notes the call as one in progress, or says why it cannot be one.  Under the lock.
  Status Enter(const std::shared_ptr<StreamCall>& call);
  void Cancel(uint64_t id);
  /// Out of the books; nullptr when it is in them no more.  Under the lock.
  std::shared_ptr<StreamCall> Leave(uint64_t id);
  /// Under the lock.
  void TakeCreditFrom(StreamCall& call);
  void Reply(uint64_t id, Result<std::string> response);
  /// Sends what waits, unless a frame is on its way.
  void Flush();
  /// False: there is nothing to send.  Under the lock.
  bool FillFrame(calls::v1::ServerFrame* frame);

  Dispatcher& dispatcher_;
  const Clock& monotonic_;
  Executor& executor_;
  const CallStreamLimits limits_;
  std::string features_;  // set by Open

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  FrameCarrier* carrier_ = nullptr;  // null before Open and after Closed
  std::unordered_map<uint64_t, std::shared_ptr<StreamCall>> calls_;
  int64_t polls_ = 0;  // of calls_
  uint64_t last_id_ = 0;
  bool welcomed_ = false;
  std::deque<Waiting> outbox_;
  bool ending_ = false;
  bool flush_posted_ = false;
  bool sending_ = false;  // a thread is in Send, or Sent is still to come
  int64_t sending_held_ = 0;
};

}  // namespace wfe::frontend
