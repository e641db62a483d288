#include "tests/support/imitation/http_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace wfe::imitation {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

void Peer::Send(const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<size_t>(count);
  }
}

bool Peer::Pause(double seconds) {
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  while (!stop_) {
    const double left = std::chrono::duration<double>(until - Clock::now()).count();
    if (left <= 0) return true;
    pollfd waiting{fd_, POLLIN, 0};
    char byte = 0;
    const int ready = poll(&waiting, 1, static_cast<int>(std::min(left, 0.05) * 1000) + 1);
    if (ready > 0 && recv(fd_, &byte, 1, MSG_PEEK) <= 0) return false;
  }
  return false;
}

void Peer::WaitUntilGone() {
  while (Pause(3600)) continue;
}

bool Peer::WaitReadable() {
  while (!stop_) {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, 20) > 0) return true;
  }
  return false;
}

bool Peer::Receive(HttpRequest& request) {
  std::string bytes;
  size_t body_at = std::string::npos;
  size_t length = 0;
  while (body_at == std::string::npos || bytes.size() < body_at + length) {
    char piece[65536];
    if (!WaitReadable()) return false;
    const ssize_t got = recv(fd_, piece, sizeof piece, 0);
    if (got <= 0) return false;
    bytes.append(piece, static_cast<size_t>(got));
    const size_t end = bytes.find("\r\n\r\n");
    if (body_at != std::string::npos || end == std::string::npos) continue;
    body_at = end + 4;
    std::string head = bytes.substr(0, body_at);  // header names are written in any letter case
    std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
    const size_t header = head.find("content-length: ");
    if (header != std::string::npos) length = std::stoul(head.substr(header + 16));
    if (head.find("expect: 100-continue") != std::string::npos) Send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  request = {.head = bytes.substr(0, body_at), .body = bytes.substr(body_at)};
  return true;
}

HttpListener::HttpListener(Handler handler) : handler_(std::move(handler)) {
  Listen();
  thread_ = std::thread([this] { Run(); });
}

HttpListener::~HttpListener() {
  stop_ = true;
  thread_.join();
  if (fd_ >= 0) close(fd_);
  std::unique_lock lock(mutex_);
  none_left_.wait(lock, [this] { return connections_ == 0; });
}

void HttpListener::Listen() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd_, 128) != 0) Die("listen");
  socklen_t size = sizeof address;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
}

void HttpListener::Run() {
  while (!stop_) {
    if (refuse_) {
      if (fd_ >= 0) close(std::exchange(fd_, -1));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    if (fd_ < 0) Listen();
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, 20) <= 0) continue;
    const int peer = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) continue;
    {
      const std::lock_guard lock(mutex_);
      ++connections_;
    }
    std::thread([this, peer] { Serve(peer); }).detach();
  }
}

void HttpListener::Serve(int fd) {
  Peer peer(fd, stop_);
  HttpRequest request;
  if (peer.Receive(request)) handler_(peer, request);
  close(fd);
  const std::lock_guard lock(mutex_);
  if (--connections_ == 0) none_left_.notify_all();
}

}  // namespace wfe::imitation
