// The network between clients and the engine: it delays, reorders, loses and duplicates, as the seed says.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/frontend/dispatcher.h"
#include "tests/simulation/event_loop.h"
#include "tests/simulation/options.h"
#include "workers/client/service_client.h"

namespace wfe::simulation {

class Network;
class Stream;

/// One process's way to the engine: a ServiceClient that lives as long as the process.
class Link final : public client::ServiceClient {
 public:
  Link(Network& network, std::string name);
  /// As if the process had died: nothing is delivered any more, and the engine learns that the callers are gone.
  ~Link() override;

  std::shared_ptr<client::CallHandle> Call(std::string_view service, std::string_view method,
                                           const google::protobuf::MessageLite& request,
                                           const client::CallOptions& options,
                                           Function<void(Result<std::string>)> done) override;

  /// Messages of both directions are held back until then.
  void Clog(Duration time);

 private:
  friend class Network;
  friend class Stream;
  class PendingCall;

  /// nullptr: there is no stream at present, and the call goes alone.
  std::shared_ptr<client::CallHandle> CallByStream(std::string_view service, std::string_view method,
                                                   const google::protobuf::MessageLite& request,
                                                   const client::CallOptions& options,
                                                   Function<void(Result<std::string>)>& done);

  Network& network_;
  const std::string name_;
  Instant clogged_until_{};
  uint64_t next_call_ = 1;
  std::map<uint64_t, std::shared_ptr<PendingCall>> calls_;
  std::shared_ptr<Stream> stream_;
  Instant stream_again_at_{};
};

class Network : private frontend::Dispatcher {
 public:
  Network(EventLoop& loop, Random random, const NetworkOptions& options);
  ~Network();

  /// The engine listens.  `clock` is its own, for deadlines.
  void ServerUp(frontend::Dispatcher& dispatcher, const Clock& clock);
  /// The engine is gone: calls in progress break, new ones are refused.  Comes before the engine is destroyed.
  void ServerDown();
  /// No faults from now on.
  void Heal();

  std::unique_ptr<Link> Connect(const std::string& name) { return std::make_unique<Link>(*this, name); }

  /// For callers in the engine's own process: nothing happens to their calls on the way.
  frontend::Dispatcher& direct() { return *this; }

  /// How often each method reached the engine.
  const std::map<std::string, int>& arrivals() const { return arrivals_; }
  /// What the engine did that no server may do, e.g. drop a call without an answer.
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  friend class Link;
  friend class Stream;
  class Leg;  // one arrival of a request at the engine

  /// Of the calls that come by streams, and of those from the engine's own process.
  void Dispatch(std::string_view service, std::string_view method, std::string_view request,
                std::shared_ptr<frontend::ServerCall> call) override;

  Duration Delay(const Link& link);
  void Arrive(const std::shared_ptr<Link::PendingCall>& call, bool is_duplicate);

  EventLoop& loop_;
  Random random_;
  NetworkOptions options_;
  frontend::Dispatcher* dispatcher_ = nullptr;
  const Clock* clock_ = nullptr;
  uint64_t incarnation_ = 0;
  uint64_t next_leg_ = 1;
  std::map<uint64_t, std::weak_ptr<Leg>> legs_;
  std::vector<std::weak_ptr<Stream>> streams_;
  std::map<std::string, int> arrivals_;
  std::vector<std::string> violations_;
};

}  // namespace wfe::simulation
