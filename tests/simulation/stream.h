// A stream of calls between one process and the engine, over the simulated network.
#pragma once

#include <memory>
#include <string>

#include "engine/frontend/call_stream.h"
#include "tests/simulation/network.h"
#include "workers/client/call_mux.h"

namespace wfe::simulation {

/// Frames keep their order, as over one connection; the connection breaks when the seed says so.  Like a connection, it
/// is held by those who wait for something of it.
class Stream final : public client::FrameSender,
                     public frontend::FrameCarrier,
                     public std::enable_shared_from_this<Stream> {
 public:
  Stream(Network& network, Link& link);

  /// Asks the engine to take it.
  void Open();
  client::CallMux& mux() { return *mux_; }
  bool broken() const { return link_ == nullptr; }
  /// The connection is gone: either side learns of it.
  void Break(const std::string& why);
  /// The engine has died.
  void ServerDied();
  /// The process has died: nothing is delivered any more, and the engine hears of it.
  void Abandon();

 private:
  /// Posts to the loop.
  class LoopExecutor final : public Executor {
   public:
    explicit LoopExecutor(EventLoop& loop) : loop_(loop) {}
    void Post(Function<void()> work) override { loop_.After(Duration::zero(), std::move(work)); }
    bool OnStrand() const override { return false; }

   private:
    EventLoop& loop_;
  };

  void Send(const calls::v1::CallerFrame& frame) override;
  void Send(const calls::v1::ServerFrame& frame) override;
  std::optional<std::string_view> Metadata(std::string_view) const override { return std::nullopt; }
  std::string Peer() const override { return "simulated"; }
  bool Hold(int64_t) override { return true; }
  void Free(int64_t) override {}
  void End(Error why) override;

  void Arrive();
  void CloseServerSoon();
  /// When a frame that is sent now arrives, given when the one before did.
  Instant ArrivalAfter(Instant& last);

  Network& network_;
  Link* link_;  // null once it is broken
  LoopExecutor executor_;
  std::shared_ptr<client::CallMux> mux_;
  std::shared_ptr<frontend::CallStream> server_;  // null before the engine has taken it, and after it has died
  Instant last_up_{};
  Instant last_down_{};
};

}  // namespace wfe::simulation
