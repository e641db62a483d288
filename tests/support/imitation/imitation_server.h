// A service whose replies are given byte by byte, one for each request, in order.  For what ImitationModel, which knows
// the protocols, cannot say.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/imitation/http_listener.h"

namespace wfe::imitation {

class ImitationServer {
 public:
  using Request = HttpRequest;
  struct Reply {
    std::string status = "200 OK";
    std::string content_type = "text/event-stream";
    std::vector<std::string> pieces = {};   ///< Sent one by one.
    std::vector<std::string> headers = {};  ///< "Name: value"
    bool hang = false;                      ///< Afterwards nothing more comes until the client goes.
    bool cut = false;                       ///< The body is shorter than its Content-Length says.
  };

  explicit ImitationServer(std::vector<Reply> replies)
      : replies_(std::move(replies)),
        listener_([this](Peer& peer, const HttpRequest& request) { Answer(peer, request); }) {}

  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()) + "/v1beta"; }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  /// Whether a reply that hangs has been sent.
  bool hanging() const { return hanging_; }

 private:
  void Answer(Peer& peer, const HttpRequest& request) {
    Reply reply{.status = "500 No Reply Left"};
    {
      const std::lock_guard lock(mutex_);
      if (requests_.size() < replies_.size()) reply = replies_[requests_.size()];
      requests_.push_back(request);
    }
    std::string head = "HTTP/1.1 " + reply.status + "\r\nContent-Type: " + reply.content_type + "\r\n";
    for (const std::string& header : reply.headers) head += header + "\r\n";
    if (reply.cut) head += "Content-Length: 1000000\r\n";
    peer.Send(head + "Connection: close\r\n\r\n");
    for (const std::string& piece : reply.pieces) peer.Send(piece);
    if (!reply.hang) return;
    hanging_ = true;
    peer.WaitUntilGone();
  }

  const std::vector<Reply> replies_;
  std::atomic<bool> hanging_ = false;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;  // guarded by mutex_
  HttpListener listener_;              // last: it is the first to go
};

}  // namespace wfe::imitation
