// The server's own door: accepts connections, as many as it may, and never gives up doing so (SEC-H2).
//
// gRPC's listener stops accepting for good when the process runs out of descriptors once, and limits nothing.  So
// connections are accepted here and handed to gRPC.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"
#include "engine/host/listen_address.h"

namespace wfe::host {

class Listener {
 public:
  /// Binds and listens.  UNAVAILABLE: the address is taken, or not ours to take.  A path that a dead server left behind
  /// is taken over.
  static Result<std::unique_ptr<Listener>> Open(const ListenAddress& address, int64_t max_connections);
  ~Listener();

  /// Hands every connection to `take`, which owns it then, on a thread of the listener.  When `max_connections` are
  /// open, further ones are closed at once.
  void Start(std::function<void(int listener, int connection)> take);
  /// Accepts no more.  Blocks until `take` runs no longer.
  void Stop();

  /// "127.0.0.1:34567": the address really bound.
  const std::string& address() const { return address_; }
  int64_t refused() const { return refused_.load(); }
  /// How many of those handed over are open; as it was when last counted.
  size_t open_connections() const { return open_count_.load(); }

 private:
  explicit Listener(int64_t max_connections) : max_connections_(max_connections) {}
  Status Bind(const ListenAddress& address);
  void Run();
  bool Accept(const UniqueFd& from);
  void ForgetClosed();

  const int64_t max_connections_;
  std::string address_;
  std::string path_;  // to remove in the end
  std::vector<UniqueFd> sockets_;
  UniqueFd stop_;  // an eventfd
  std::function<void(int, int)> take_;
  std::atomic<int64_t> refused_ = 0;
  std::atomic<size_t> open_count_ = 0;
  std::map<int, uint64_t> open_;  // descriptor and inode of what was handed over; the thread's alone
  std::thread thread_;
};

}  // namespace wfe::host
