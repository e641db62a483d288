#include "activities/analytics/ingest/dictionary.h"

#include <cstring>
#include <limits>

#include "activities/analytics/ingest/hashing.h"
#include "engine/base/check.h"

namespace wfe::analytics {
namespace {

constexpr size_t kFirstSlots = 16;

uint64_t HashOf(std::string_view text) {
  uint64_t hash = text.size() * 0x9e3779b97f4a7c15;
  while (text.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = MixBits(hash ^ word);
    text.remove_prefix(8);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, text.data(), text.size());
  return MixBits(hash ^ rest);
}

}  // namespace

std::string_view Dictionary::Get(uint32_t id) const {
  if (ends_.empty()) return {bytes_.data() + id * width_, width_};
  const uint32_t begin = id == 0 ? 0 : ends_[id - 1];
  return {bytes_.data() + begin, ends_[id] - begin};
}

/// Where `text` stands, or the free slot it would take.
size_t Dictionary::Slot(std::string_view text) const {
  size_t slot = SlotOfHash(HashOf(text), slots_.size());
  while (slots_[slot] != 0 && Get(slots_[slot] - 1) != text) {
    if (++slot == slots_.size()) slot = 0;
  }
  return slot;
}

void Dictionary::Rehash(size_t slots) {
  slots_.assign(slots, 0);
  for (uint32_t id = 0; id < count_; ++id) slots_[Slot(Get(id))] = id + 1;
}

uint32_t Dictionary::Intern(std::string_view text) {
  if (slots_.empty()) Rehash(kFirstSlots);
  size_t slot = Slot(text);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  WFE_CHECK(bytes_.size() + text.size() <= std::numeric_limits<uint32_t>::max(), "a dictionary of more than 4 GB");
  if ((count_ + 1) * 5 > slots_.size() * 4) {  // at most four fifths full
    Rehash(slots_.size() * 8 / 5);
    slot = Slot(text);
  }
  if (count_ == 0) width_ = text.size();
  if (ends_.empty() && text.size() != width_) {
    for (size_t id = 0; id < count_; ++id) ends_.push_back(static_cast<uint32_t>((id + 1) * width_));
  }
  bytes_ += text;
  if (!ends_.empty()) ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  slots_[slot] = static_cast<uint32_t>(++count_);
  return slots_[slot] - 1;
}

std::optional<uint32_t> Dictionary::Find(std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  const uint32_t found = slots_[Slot(text)];
  return found == 0 ? std::nullopt : std::optional<uint32_t>(found - 1);
}

size_t Dictionary::MemoryBytes() const {
  return bytes_.capacity() + ends_.capacity() * sizeof(uint32_t) + slots_.capacity() * sizeof(uint32_t);
}

void Dictionary::ShrinkToFit() {
  bytes_.shrink_to_fit();
  ends_.shrink_to_fit();
  if (const size_t slots = TightSlots(count_); slots < slots_.size()) Rehash(slots);
  slots_.shrink_to_fit();
}

}  // namespace wfe::analytics
