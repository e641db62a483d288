#include "activities/analytics/ingest/packed_column.h"

#include <bit>
#include <cstring>

namespace wfe::analytics {
namespace {

static_assert(std::endian::native == std::endian::little, "values are stored as their low bytes come in memory");

constexpr size_t kPadding = 8;

int WidthOf(uint64_t value) { return value == 0 ? 1 : (64 - std::countl_zero(value) + 7) / 8; }

uint64_t Mask(int width) { return ~uint64_t{0} >> (64 - 8 * width); }

}  // namespace

void PackedColumn::Widen(int width) {
  std::vector<uint8_t> wider;
  wider.reserve(values_ * static_cast<size_t>(width) + values_ / 4 + kPadding);
  wider.resize(values_ * static_cast<size_t>(width) + kPadding);
  for (size_t i = 0; i < values_; ++i) {
    std::memcpy(wider.data() + i * static_cast<size_t>(width), bytes_.data() + i * static_cast<size_t>(width_),
                static_cast<size_t>(width_));
  }
  bytes_ = std::move(wider);
  width_ = width;
}

void PackedColumn::Push(uint64_t value) {
  if (const int width = WidthOf(value); width > width_) Widen(width);
  const size_t at = values_ * static_cast<size_t>(width_);
  const size_t needed = at + static_cast<size_t>(width_) + kPadding;
  // Grows by a quarter: doubling would leave half of the memory unused in the worst case.
  if (needed > bytes_.capacity()) bytes_.reserve(needed + needed / 4);
  bytes_.resize(needed);
  std::memcpy(bytes_.data() + at, &value, static_cast<size_t>(width_));
  ++values_;
  if (!present_.empty()) {
    if (size_ % 64 == 0) {
      before_.push_back(static_cast<uint32_t>(values_ - 1));
      present_.push_back(0);
    }
    present_.back() |= uint64_t{1} << (size_ % 64);
  }
  ++size_;
}

void PackedColumn::PushAbsent() {
  if (present_.empty()) {  // The first absent one: every row until now was present.
    for (size_t row = 0; row < size_; row += 64) {
      before_.push_back(static_cast<uint32_t>(row));
      present_.push_back(size_ - row >= 64 ? ~uint64_t{0} : (uint64_t{1} << (size_ - row)) - 1);
    }
  }
  if (size_ % 64 == 0) {
    before_.push_back(static_cast<uint32_t>(values_));
    present_.push_back(0);
  }
  ++size_;
}

uint64_t PackedColumn::Get(size_t row) const {
  size_t index = row;
  if (!present_.empty()) {
    const uint64_t earlier = present_[row / 64] & ((uint64_t{1} << (row % 64)) - 1);
    index = before_[row / 64] + static_cast<size_t>(std::popcount(earlier));
  }
  uint64_t value = 0;
  std::memcpy(&value, bytes_.data() + index * static_cast<size_t>(width_), sizeof value);
  return value & Mask(width_);
}

size_t PackedColumn::MemoryBytes() const {
  return bytes_.capacity() + present_.capacity() * sizeof(uint64_t) + before_.capacity() * sizeof(uint32_t);
}

void PackedColumn::ShrinkToFit() {
  bytes_.shrink_to_fit();
  present_.shrink_to_fit();
  before_.shrink_to_fit();
}

}  // namespace wfe::analytics
