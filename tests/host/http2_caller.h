// A caller that speaks HTTP/2 by hand, so that it can do what no client library does: never read.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "engine/base/unique_fd.h"

namespace wfe::host {

/// A connection to 127.0.0.1:PORT; not open when there is none.
inline UniqueFd ConnectTo(const std::string& address) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  if (fd.open() && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return UniqueFd();
  return fd;
}

/// Makes gRPC calls with empty requests and gives the server no room for a single byte of an answer.
class SilentCaller {
 public:
  explicit SilentCaller(const std::string& address) : fd_(ConnectTo(address)) {
    Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    WriteFrame(4, 0, 0, std::string("\0\4\0\0\0\0", 6));  // SETTINGS: initial window 0
  }

  void Call(const std::string& path) {
    const uint32_t stream = next_stream_;
    next_stream_ += 2;
    std::string headers("\x83\x86", 2);  // :method POST, :scheme http
    Literal(headers, "\x04", path);
    Literal(headers, "\x01", "server");
    Literal(headers, "\x0f\x10", "application/grpc");
    headers += std::string(1, '\0');
    headers += "\x02te\x08trailers";
    WriteFrame(1, 4, stream, headers);
    WriteFrame(0, 1, stream, std::string(5, '\0'));
  }

 private:
  static void Literal(std::string& out, std::string_view name, const std::string& value) {
    out += name;
    out += static_cast<char>(value.size());
    out += value;
  }
  void WriteFrame(char type, char flags, uint32_t stream, const std::string& body) {
    std::string frame;
    for (const int shift : {16, 8, 0}) frame += static_cast<char>(body.size() >> shift & 0xff);
    frame += type;
    frame += flags;
    for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift & 0xff);
    Write(frame + body);
  }
  void Write(const std::string& bytes) {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  UniqueFd fd_;
  uint32_t next_stream_ = 1;
};

}  // namespace wfe::host
