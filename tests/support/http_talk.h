// A client of HTTP that sends what it is told, however wrong, and reads what comes back.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <string>

#include "engine/base/unique_fd.h"

namespace wfe::test {

class HttpTalk {
 public:
  /// `address`: "127.0.0.1:PORT".
  explicit HttpTalk(const std::string& address) {
    const size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    socket_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  bool connected() const { return connected_; }

  bool Send(const std::string& text) {
    return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  /// Whether something came within `patience_ms`.
  bool HasAnswer(int patience_ms) const {
    pollfd one{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&one, 1, patience_ms) > 0;
  }
  void CloseWriting() { ::shutdown(socket_.get(), SHUT_WR); }

  struct Answer {
    int status = 0;                              ///< 0: none came.
    std::map<std::string, std::string> headers;  ///< By name in lower case.
    std::string body;
  };
  /// The next answer; `of_head`: it has no body, whatever its length says.
  Answer Read(bool of_head = false) {
    Answer answer;
    while (text_.find("\r\n\r\n") == std::string::npos && More()) continue;
    const size_t end = text_.find("\r\n\r\n");
    if (end == std::string::npos) return answer;
    answer.status = std::stoi(text_.substr(9, 3));
    for (size_t at = text_.find("\r\n") + 2; at < end;) {
      const size_t line = text_.find("\r\n", at);
      const size_t colon = text_.find(':', at);
      std::string name = text_.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      answer.headers[name] = text_.substr(colon + 2, line - colon - 2);
      at = line + 2;
    }
    text_.erase(0, end + 4);
    if (of_head || answer.status == 100) return answer;
    const size_t size = std::stoul(answer.headers["content-length"]);
    while (text_.size() < size && More()) continue;
    answer.body = text_.substr(0, size);
    text_.erase(0, size);
    return answer;
  }
  /// Whether the other side ends the connection, having said nothing more.
  bool Ends() {
    while (More()) continue;
    return ended_ && text_.empty();
  }

 private:
  bool More() {
    pollfd one{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&one, 1, 20'000) <= 0) return false;
    char bytes[4096];
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    text_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  UniqueFd socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string text_;
};

/// One request on a connection of its own.
inline HttpTalk::Answer AskHttp(const std::string& address, const std::string& request) {
  HttpTalk talk(address);
  talk.Send(request);
  return talk.Read(request.starts_with("HEAD "));
}
inline HttpTalk::Answer GetHttp(const std::string& address, const std::string& target) {
  return AskHttp(address, "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

}  // namespace wfe::test
