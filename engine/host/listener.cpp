#include "engine/host/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

namespace wfe::host {
namespace {

constexpr int kBacklog = 1024;
constexpr int kPauseMs = 100;

const sockaddr* Raw(const SocketAddress& address) { return reinterpret_cast<const sockaddr*>(&address.storage); }

int PortOf(int fd) {
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) return 0;
  return bound.storage.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6*>(&bound.storage)->sin6_port)
                                             : ntohs(reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port);
}

void SetPort(SocketAddress& address, int port) {
  if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(static_cast<uint16_t>(port));
  } else {
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(static_cast<uint16_t>(port));
  }
}

bool SomebodyListensOn(const SocketAddress& path) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.open() && ::connect(fd.get(), Raw(path), path.size) == 0;
}

Error CannotListen(const std::string& text) {
  const int why = errno;
  const bool taken = why == EADDRINUSE || why == EACCES || why == EADDRNOTAVAIL;
  return Unavailable("cannot listen on " + text + ": " +
                     (taken ? "the port is in use or not ours to take" : std::strerror(why)));
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Open(const ListenAddress& address, int64_t max_connections) {
  auto listener = std::unique_ptr<Listener>(new Listener(max_connections));
  WFE_RETURN_IF_ERROR(listener->Bind(address));
  listener->stop_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!listener->stop_.open()) return Unavailable(std::string("no eventfd: ") + std::strerror(errno));
  return listener;
}

Status Listener::Bind(const ListenAddress& address) {
  if (address.is_path()) {
    if (SomebodyListensOn(address.addresses[0])) {
      return Unavailable("cannot listen on " + address.text + ": a server has it");
    }
    const std::string path = reinterpret_cast<const sockaddr_un*>(&address.addresses[0].storage)->sun_path;
    struct stat left{};
    if (::lstat(path.c_str(), &left) == 0 && S_ISSOCK(left.st_mode)) ::unlink(path.c_str());
    path_ = path;
  }
  int port = 0;
  for (SocketAddress each : address.addresses) {
    const int family = each.storage.ss_family;
    if (port != 0) SetPort(each, port);
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.open() && errno == EAFNOSUPPORT && address.addresses.size() > 1) continue;
    if (!fd.open()) return CannotListen(address.text);
    const int on = 1;
    if (family != AF_UNIX) {
      ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // connections inherit it
      if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (::bind(fd.get(), Raw(each), each.size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
      // A name may stand for addresses that this machine does not have; it must have one of them.
      const bool spare = errno == EADDRNOTAVAIL && address.addresses.size() > 1;
      if (spare) continue;
      return CannotListen(address.text);
    }
    if (family != AF_UNIX) port = PortOf(fd.get());
    sockets_.push_back(std::move(fd));
  }
  if (sockets_.empty()) {
    errno = EADDRNOTAVAIL;
    return CannotListen(address.text);
  }
  address_ = address.is_path() ? address.text : address.host + ":" + std::to_string(port);
  return Ok();
}

Listener::~Listener() {
  Stop();
  if (!path_.empty() && !sockets_.empty()) ::unlink(path_.c_str());
}

void Listener::Start(std::function<void(int, int)> take) {
  take_ = std::move(take);
  thread_ = std::thread([this] { Run(); });
}

void Listener::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  std::ignore = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void Listener::Run() {
  std::vector<pollfd> watched;
  for (const UniqueFd& socket : sockets_) watched.push_back({socket.get(), POLLIN, 0});
  watched.push_back({stop_.get(), POLLIN, 0});
  while (true) {
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched.back().revents != 0) return;
    bool paused = false;
    for (size_t i = 0; i < sockets_.size(); ++i) {
      if (watched[i].revents != 0) paused = !Accept(sockets_[i]) || paused;
    }
    // Out of descriptors or memory: those who wait stay in the kernel's queue until there is room.
    if (paused) ::poll(&watched.back(), 1, kPauseMs);
  }
}

/// False when there was no room for a connection.
bool Listener::Accept(const UniqueFd& from) {
  for (int taken = 0; taken < kBacklog; ++taken) {
    UniqueFd connection(::accept4(from.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.open()) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
      return false;
    }
    struct stat info{};
    ::fstat(connection.get(), &info);
    if (open_.size() >= static_cast<size_t>(max_connections_)) ForgetClosed();
    if (open_.size() >= static_cast<size_t>(max_connections_)) {
      ++refused_;
      continue;  // closes it
    }
    open_[connection.get()] = info.st_ino;
    open_count_ = open_.size();
    take_(from.get(), connection.Release());
  }
  return true;
}

/// gRPC closes connections without a word; a descriptor that is closed, or stands for another file, is one of those.
void Listener::ForgetClosed() {
  std::erase_if(open_, [](const auto& each) {
    struct stat info{};
    return ::fstat(each.first, &info) != 0 || info.st_ino != each.second;
  });
  open_count_ = open_.size();
}

}  // namespace wfe::host
