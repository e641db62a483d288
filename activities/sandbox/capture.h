// An output stream of any length, kept within a limit.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "activities/sandbox/process_runner.h"
#include "engine/base/hash.h"

namespace wfe::sandbox::internal {

/// Keeps the head and the tail of a stream, and hashes all of it.
class Capture {
 public:
  explicit Capture(uint64_t limit) : head_limit_(limit - limit / 2), tail_limit_(limit / 2) {}

  void Add(std::string_view bytes) {
    total_ += bytes.size();
    hash_.Update(bytes);
    const size_t to_head = std::min<size_t>(bytes.size(), head_limit_ - head_.size());
    head_ += bytes.substr(0, to_head);
    tail_ += bytes.substr(to_head);
    // Trimmed in large steps, so that a flood costs one copy per byte.
    if (tail_.size() > 2 * tail_limit_ + 65'536) tail_.erase(0, tail_.size() - tail_limit_);
  }

  CapturedStream Finish() {
    if (tail_.size() > tail_limit_) tail_.erase(0, tail_.size() - tail_limit_);
    CapturedStream stream{.text = std::move(head_), .total_bytes = total_, .truncated = false};
    const uint64_t kept = stream.text.size() + tail_.size();
    if (kept < total_) {
      stream.truncated = true;
      stream.text += "\n[... " + std::to_string(total_ - kept) + " bytes left out ...]\n";
    }
    stream.text += tail_;
    return stream;
  }
  Sha256Digest Hash() { return hash_.Finish(); }

 private:
  uint64_t head_limit_;
  uint64_t tail_limit_;
  std::string head_;
  std::string tail_;
  uint64_t total_ = 0;
  Sha256Stream hash_;
};

}  // namespace wfe::sandbox::internal
