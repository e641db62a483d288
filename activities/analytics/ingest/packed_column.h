// One column of numbers in as few bytes as its largest value needs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace wfe::analytics {

/// Appends numbers and reads them by position.  Absent ones take a bit and no bytes.  The width of a value grows by
/// whole bytes when a larger one arrives, so a column of small numbers costs one byte a row.  Plain data; used from one
/// thread.
class PackedColumn {
 public:
  void Push(uint64_t value);
  void PushAbsent();
  void PushOptional(std::optional<uint64_t> value) { value ? Push(*value) : PushAbsent(); }

  bool Has(size_t row) const { return present_.empty() || (present_[row / 64] >> (row % 64) & 1) != 0; }
  /// Only for a row that Has.
  uint64_t Get(size_t row) const;
  std::optional<uint64_t> GetOptional(size_t row) const {
    return Has(row) ? std::optional<uint64_t>(Get(row)) : std::nullopt;
  }
  size_t size() const { return size_; }

  size_t MemoryBytes() const;
  void ShrinkToFit();

 private:
  friend class TableCodec;
  void Widen(int width);

  size_t size_ = 0;                // rows
  size_t values_ = 0;              // rows that are present
  int width_ = 1;                  // bytes of a value, 1 to 8
  std::vector<uint8_t> bytes_;     // values, little endian, and 8 bytes that make every read a whole word
  std::vector<uint64_t> present_;  // a bit for each row; empty while no row is absent
  std::vector<uint32_t> before_;   // values before each word of present_
};

}  // namespace wfe::analytics
