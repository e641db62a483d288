// The HTTP side of all imitations of services: listens on 127.0.0.1, reads one request of each connection, and lets a
// handler answer it byte by byte, as slowly, incompletely or silently as it likes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace wfe::imitation {

struct HttpRequest {
  std::string head;  ///< With the request line.
  std::string body;
  /// "POST /v1/chat/completions HTTP/1.1"
  std::string Line() const { return head.substr(0, head.find("\r\n")); }
};

/// One connection.  Used from its own thread.
class Peer {
 public:
  Peer(int fd, const std::atomic<bool>& stop) : fd_(fd), stop_(stop) {}
  void Send(const std::string& bytes);
  /// Waits; false when the client went away or the listener ends.
  bool Pause(double seconds);
  /// Waits until the client goes away or the listener ends.
  void WaitUntilGone();
  /// False when the client went away.
  bool Receive(HttpRequest& request);

 private:
  bool WaitReadable();

  const int fd_;
  const std::atomic<bool>& stop_;
};

/// Accepts on a thread of its own and serves each connection on another.
class HttpListener {
 public:
  using Handler = std::function<void(Peer& peer, const HttpRequest& request)>;
  explicit HttpListener(Handler handler);
  ~HttpListener();  ///< Ends and waits for all connections.
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  uint16_t port() const { return port_; }
  /// While it refuses, nobody listens on the port.
  void Refuse(bool refuse) { refuse_ = refuse; }

 private:
  void Listen();
  void Run();
  void Serve(int fd);

  const Handler handler_;
  uint16_t port_ = 0;
  int fd_ = -1;  // of the accepting thread, once it runs
  std::atomic<bool> stop_ = false;
  std::atomic<bool> refuse_ = false;
  std::mutex mutex_;
  std::condition_variable none_left_;
  int connections_ = 0;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace wfe::imitation
