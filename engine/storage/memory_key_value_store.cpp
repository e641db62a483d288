#include "engine/storage/memory_key_value_store.h"

#include <utility>

namespace wfe::storage {

/// Walks shared rows.  `next_` counts from the front or, in reverse, names the row after the one shown.
class MemoryKeyValueStore::RowCursor final : public Cursor {
 public:
  RowCursor(std::mutex& mutex, std::shared_ptr<const Rows> rows, std::string_view first, std::string_view last,
            bool reverse)
      : mutex_(mutex), rows_(std::move(rows)), reverse_(reverse) {
    begin_ = rows_->lower_bound(first);
    end_ = last.empty() ? rows_->end() : rows_->lower_bound(last);
    if (!last.empty() && last <= first) end_ = begin_;
    at_ = reverse_ ? end_ : begin_;
  }
  ~RowCursor() override {
    // Under the lock, so that a writer that sees itself alone also sees our last reads done.
    const std::lock_guard lock(mutex_);
    rows_.reset();
  }
  bool Valid() const override { return reverse_ ? at_ != begin_ : at_ != end_; }
  std::string_view key() const override { return Row()->first; }
  std::string_view value() const override { return Row()->second; }
  void Next() override {
    WFE_CHECK(Valid());
    if (reverse_) {
      --at_;
    } else {
      ++at_;
    }
  }

 protected:
  Status Outcome() override { return Ok(); }

 private:
  Rows::const_iterator Row() const {
    WFE_CHECK(Valid());
    return reverse_ ? std::prev(at_) : at_;
  }

  std::mutex& mutex_;
  std::shared_ptr<const Rows> rows_;
  const bool reverse_;
  Rows::const_iterator begin_, end_, at_;
};

MemoryKeyValueStore::MemoryKeyValueStore() {
  for (auto& rows : rows_) rows = std::make_shared<Rows>();
}
MemoryKeyValueStore::~MemoryKeyValueStore() = default;

Result<std::string> MemoryKeyValueStore::Get(Family family, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const Rows& rows = *rows_[static_cast<size_t>(family)];
  const auto found = rows.find(key);
  if (found == rows.end()) return NotFound("no such row in family " + std::string(FamilyName(family)));
  return found->second;
}

std::unique_ptr<Cursor> MemoryKeyValueStore::Scan(Family family, std::string_view first, std::string_view last) const {
  const std::lock_guard lock(mutex_);
  return std::make_unique<RowCursor>(mutex_, rows_[static_cast<size_t>(family)], first, last, false);
}

std::unique_ptr<Cursor> MemoryKeyValueStore::ScanReverse(Family family, std::string_view first,
                                                         std::string_view last) const {
  const std::lock_guard lock(mutex_);
  return std::make_unique<RowCursor>(mutex_, rows_[static_cast<size_t>(family)], first, last, true);
}

Status MemoryKeyValueStore::Write(const std::vector<const WriteSet*>& sets, bool sync) {
  const std::lock_guard lock(mutex_);
  if (fault_.has_value() && --fault_->writes_left <= 0) {
    if (fault_->what == FailedWrite::kUnsynced) Apply(sets, true);
    return fault_->error;
  }
  Apply(sets, !sync);
  if (sync) unsynced_.clear();
  ++write_count_;
  return Ok();
}

void MemoryKeyValueStore::Apply(const std::vector<const WriteSet*>& sets, bool remember) {
  std::vector<Undo> undo;
  for (const WriteSet* set : sets) {
    for (const Put& put : set->puts) Set(put.family, put.key, put.value, remember ? &undo : nullptr);
    for (const Delete& gone : set->deletes) Set(gone.family, gone.key, std::nullopt, remember ? &undo : nullptr);
  }
  if (remember) unsynced_.push_back(std::move(undo));
}

void MemoryKeyValueStore::Set(Family family, const std::string& key, std::optional<std::string> value,
                              std::vector<Undo>* undo) {
  auto& shared = rows_[static_cast<size_t>(family)];
  if (shared.use_count() > 1) shared = std::make_shared<Rows>(*shared);
  Rows& rows = *shared;
  const auto found = rows.find(key);
  if (undo != nullptr) {
    undo->push_back({family, key, found == rows.end() ? std::nullopt : std::optional(found->second)});
  }
  if (!value.has_value()) {
    if (found != rows.end()) rows.erase(found);
  } else if (found != rows.end()) {
    found->second = *std::move(value);
  } else {
    rows.emplace(key, *std::move(value));
  }
}

void MemoryKeyValueStore::Crash(size_t keep) {
  const std::lock_guard lock(mutex_);
  while (unsynced_.size() > keep) {
    std::vector<Undo> undo = std::move(unsynced_.back());
    unsynced_.pop_back();
    for (auto row = undo.rbegin(); row != undo.rend(); ++row)
      Set(row->family, row->key, std::move(row->before), nullptr);
  }
  unsynced_.clear();
  fault_.reset();
}

size_t MemoryKeyValueStore::UnsyncedWrites() const {
  const std::lock_guard lock(mutex_);
  return unsynced_.size();
}

void MemoryKeyValueStore::FailNthWrite(int n, Error error, FailedWrite what) {
  const std::lock_guard lock(mutex_);
  fault_ = Fault{n, std::move(error), what};
}

uint64_t MemoryKeyValueStore::write_count() const {
  const std::lock_guard lock(mutex_);
  return write_count_;
}

size_t MemoryKeyValueStore::RowCount(Family family) const {
  const std::lock_guard lock(mutex_);
  return rows_[static_cast<size_t>(family)]->size();
}

}  // namespace wfe::storage
