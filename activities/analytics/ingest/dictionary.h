// Strings that repeat, each kept once and named by a small number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wfe::analytics {

/// Gives each distinct string the next number, from 0.  Plain data; used from one thread.
class Dictionary {
 public:
  /// The number of `text`, new or old.
  uint32_t Intern(std::string_view text);
  std::optional<uint32_t> Find(std::string_view text) const;
  /// Valid until the next Intern.
  std::string_view Get(uint32_t id) const;
  size_t size() const { return count_; }

  size_t MemoryBytes() const;
  void ShrinkToFit();

 private:
  size_t Slot(std::string_view text) const;
  void Rehash(size_t slots);

  size_t count_ = 0;
  std::string bytes_;            // all strings, one after the other
  size_t width_ = 0;             // of every string, while all are of one length (hashes, run ids): then ends_ is empty
  std::vector<uint32_t> ends_;   // where each ends in bytes_
  std::vector<uint32_t> slots_;  // open addressing: id + 1, 0 = free
};

}  // namespace wfe::analytics
