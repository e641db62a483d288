// Where a server listens: text to addresses of the machine.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace wfe::host {

/// One address that a socket can be bound to.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// "HOST:PORT", "[ADDRESS]:PORT" or "unix:PATH", looked up.
struct ListenAddress {
  std::string text;  ///< As it was given.
  std::string host;  ///< With its brackets; empty for a path.
  std::vector<SocketAddress> addresses;
  bool loopback = false;  ///< True when nobody outside this machine can reach any of them, whatever the name says.
  bool is_path() const { return host.empty(); }

  /// INVALID_ARGUMENT: not of one of these forms, or a name that nobody knows.
  static Result<ListenAddress> Parse(const std::string& text);
};

}  // namespace wfe::host
