// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wfe {

/// Owns one descriptor, or none (-1).  For one thread at a time, like the number itself.
class UniqueFd {
 public:
  UniqueFd() = default;
  /// Takes what open() and its like return: -1 owns nothing.
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { Close(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  /// Gives the descriptor away; the caller closes it.
  int Release() { return std::exchange(fd_, -1); }
  /// errno stays as it was, so that the failure that led here can still be told.
  void Close();

 private:
  int fd_ = -1;
};

inline void UniqueFd::Close() {
  if (fd_ < 0) return;
  const int error = errno;
  ::close(fd_);
  errno = error;
  fd_ = -1;
}

}  // namespace wfe
