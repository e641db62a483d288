// A small HTTP server on 127.0.0.1 that answers like the Gemini API: one scripted reply per connection, in order.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace wfe::agent {

class ImitationServer {
 public:
  struct Reply {
    std::string status = "200 OK";
    std::string content_type = "text/event-stream";
    std::vector<std::string> pieces;  ///< Sent one by one.
    bool hang = false;                ///< Afterwards nothing more comes until the client goes.
    bool cut = false;                 ///< The body is shorter than its Content-Length says.
  };
  struct Request {
    std::string head;
    std::string body;
  };

  explicit ImitationServer(std::vector<Reply> replies) : replies_(std::move(replies)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(listener_, 8) != 0) {
      std::abort();
    }
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ImitationServer() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }
  ImitationServer(const ImitationServer&) = delete;
  ImitationServer& operator=(const ImitationServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1beta"; }
  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  bool hanging() const { return hanging_; }

 private:
  bool Wait(int fd) const {  // readable, or the test is over
    while (!stop_) {
      pollfd waiting{fd, POLLIN, 0};
      if (poll(&waiting, 1, 20) > 0) return true;
    }
    return false;
  }

  void Serve() {
    for (size_t next = 0; Wait(listener_); ++next) {
      const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) continue;
      Answer(peer, next < replies_.size() ? replies_[next] : Reply{.status = "500 No Reply Left"});
      close(peer);
    }
  }

  void Answer(int peer, const Reply& reply) {
    std::string bytes;
    size_t body_at = std::string::npos;
    size_t length = 0;
    while (body_at == std::string::npos || bytes.size() < body_at + length) {
      char piece[4096];
      if (!Wait(peer)) return;
      const ssize_t got = recv(peer, piece, sizeof(piece), 0);
      if (got <= 0) return;
      bytes.append(piece, static_cast<size_t>(got));
      if (body_at == std::string::npos && bytes.find("\r\n\r\n") != std::string::npos) {
        body_at = bytes.find("\r\n\r\n") + 4;
        std::string head = bytes.substr(0, body_at);  // header names are written in any letter case
        std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
        const size_t header = head.find("content-length: ");
        if (header != std::string::npos) length = std::stoul(head.substr(header + 16));
      }
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back({bytes.substr(0, body_at), bytes.substr(body_at)});
    }
    std::string head = "HTTP/1.1 " + reply.status + "\r\nContent-Type: " + reply.content_type + "\r\n";
    if (reply.cut) head += "Content-Length: 1000000\r\n";
    head += "Connection: close\r\n\r\n";
    Send(peer, head);
    for (const std::string& piece : reply.pieces) Send(peer, piece);
    if (!reply.hang) return;
    hanging_ = true;
    char ignored;
    if (Wait(peer)) (void)recv(peer, &ignored, 1, 0);
  }

  static void Send(int peer, const std::string& bytes) { (void)send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  std::vector<Reply> replies_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> hanging_ = false;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace wfe::agent
