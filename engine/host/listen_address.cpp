#include "engine/host/listen_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "engine/base/excerpt.h"

namespace wfe::host {
namespace {

constexpr std::string_view kUnix = "unix:";

bool IsLoopback(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    const auto* const ip = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return (ntohl(ip->sin_addr.s_addr) >> 24) == 127;
  }
  if (address.storage.ss_family != AF_INET6) return false;
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&ip) || (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
}

Result<ListenAddress> ParsePath(const std::string& text) {
  const std::string path = text.substr(kUnix.size());
  ListenAddress parsed{.text = text, .host = {}, .addresses = {SocketAddress{}}, .loopback = true};
  auto* const address = reinterpret_cast<sockaddr_un*>(&parsed.addresses[0].storage);
  if (path.empty() || path.size() >= sizeof(address->sun_path)) {
    return InvalidArgument("cannot listen on " + Excerpt(text) + ": the path of a socket has 1 to " +
                           std::to_string(sizeof(address->sun_path) - 1) + " bytes");
  }
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  parsed.addresses[0].size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return parsed;
}

}  // namespace

Result<ListenAddress> ListenAddress::Parse(const std::string& text) {
  if (text.starts_with(kUnix)) return ParsePath(text);
  const size_t colon = text.rfind(':');
  const std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  int number = -1;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc() || end != port.data() + port.size() || number < 0 || number > 65'535 ||
      (!bracketed && host.find(':') != std::string::npos)) {
    return InvalidArgument("cannot listen on " + Excerpt(text) +
                           ": HOST:PORT, [ADDRESS]:PORT or unix:PATH is expected, with a port from 0 to 65535");
  }
  const std::string name = bracketed ? host.substr(1, host.size() - 2) : host;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int looked_up = ::getaddrinfo(name.empty() || name == "*" ? nullptr : name.c_str(), port.c_str(), &hints, &found);
  if (looked_up != 0) {
    return InvalidArgument("cannot listen on " + Excerpt(text) + ": " + ::gai_strerror(looked_up));
  }
  ListenAddress parsed{.text = text, .host = host.empty() ? "*" : host, .addresses = {}, .loopback = true};
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
    parsed.loopback = parsed.loopback && IsLoopback(address);
    parsed.addresses.push_back(address);
  }
  ::freeaddrinfo(found);
  return parsed;
}

}  // namespace wfe::host
