#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "activities/trace/trace_file.h"

namespace wfe::trace {

struct TraceLineReader::Impl {
  int fd = -1;
  bool owned = false;
  std::string name;
  off_t offset = 0;    // of the next read
  std::string buffer;  // bytes read and not yet handed out, from `begin`
  size_t begin = 0;
  int64_t line_number = 0;
  bool at_end = false;

  ~Impl() {
    if (owned && fd >= 0) close(fd);
  }

  /// Appends the next piece of the file to the buffer.
  Status Fill() {
    constexpr size_t kPiece = 64u << 10;
    if (begin > 0) {
      buffer.erase(0, begin);
      begin = 0;
    }
    const size_t old_size = buffer.size();
    buffer.resize(old_size + kPiece);
    ssize_t got = 0;
    do {
      got = pread(fd, buffer.data() + old_size, kPiece, offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      buffer.resize(old_size);
      return Unavailable("cannot read " + name + ": " + std::strerror(errno));
    }
    buffer.resize(old_size + static_cast<size_t>(got));
    offset += got;
    if (got == 0) at_end = true;
    return Ok();
  }
};

TraceLineReader::TraceLineReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceLineReader::TraceLineReader(TraceLineReader&&) noexcept = default;
TraceLineReader& TraceLineReader::operator=(TraceLineReader&&) noexcept = default;
TraceLineReader::~TraceLineReader() = default;

Result<TraceLineReader> TraceLineReader::Open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (impl->fd < 0) {
    const std::string message = "cannot open " + path + ": " + std::strerror(errno);
    return errno == ENOENT ? NotFound(message) : Unavailable(message);
  }
  impl->owned = true;
  impl->name = path;
  return TraceLineReader(std::move(impl));
}

TraceLineReader TraceLineReader::FromDescriptor(int fd, std::string name) {
  auto impl = std::make_unique<Impl>();
  impl->fd = fd;
  impl->name = std::move(name);
  return TraceLineReader(std::move(impl));
}

Result<std::optional<TraceLine>> TraceLineReader::Next() {
  Impl& in = *impl_;
  TraceLine line;
  size_t searched = 0;
  while (true) {
    const std::string_view pending = std::string_view(in.buffer).substr(in.begin);
    const size_t newline = pending.find('\n', searched);
    if (newline != std::string_view::npos) {
      line.number = ++in.line_number;
      if (!line.too_long) line.text = pending.substr(0, newline);
      in.begin += newline + 1;
      return std::optional<TraceLine>(line);
    }
    if (in.at_end) {
      if (pending.empty() && !line.too_long) return std::optional<TraceLine>();
      line.number = ++in.line_number;
      if (!line.too_long) line.text = pending;
      line.ended = false;
      in.begin = in.buffer.size();
      return std::optional<TraceLine>(line);
    }
    searched = pending.size();
    if (searched > kMaxTraceLineBytes) {
      line.too_long = true;
      in.begin = in.buffer.size();
      searched = 0;
    }
    WFE_RETURN_IF_ERROR(in.Fill());
  }
}

}  // namespace wfe::trace
