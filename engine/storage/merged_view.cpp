#include "engine/storage/merged_view.h"

#include <algorithm>
#include <utility>

namespace wfe::storage {

namespace {

class MergedCursor final : public Cursor {
 public:
  MergedCursor(std::vector<PendingRow> pending, std::unique_ptr<Cursor> base, bool reverse)
      : pending_(std::move(pending)), base_(std::move(base)), reverse_(reverse) {
    if (reverse_) std::reverse(pending_.begin(), pending_.end());
    Settle();
  }

  bool Valid() const override { return on_pending_ || base_->Valid(); }
  std::string_view key() const override { return on_pending_ ? std::string_view(pending_[next_].key) : base_->key(); }
  std::string_view value() const override {
    return on_pending_ ? std::string_view(*pending_[next_].value) : base_->value();
  }
  void Next() override {
    WFE_CHECK(Valid());
    if (on_pending_) {
      ++next_;
    } else {
      base_->Next();
    }
    Settle();
  }

 protected:
  Status Outcome() override { return base_->Finish(); }

 private:
  bool Before(std::string_view a, std::string_view b) const { return reverse_ ? a > b : a < b; }

  // Moves to the next row that exists: a pending row hides the stored row of the same key, and a pending deletion both.
  void Settle() {
    on_pending_ = false;
    while (next_ < pending_.size()) {
      const PendingRow& row = pending_[next_];
      if (base_->Valid()) {
        if (Before(base_->key(), row.key)) return;
        if (base_->key() == row.key) base_->Next();
      }
      if (row.value.has_value()) {
        on_pending_ = true;
        return;
      }
      ++next_;
    }
  }

  std::vector<PendingRow> pending_;
  std::unique_ptr<Cursor> base_;
  const bool reverse_;
  size_t next_ = 0;          // first pending row not passed yet
  bool on_pending_ = false;  // the cursor shows pending_[next_], not the base's row
};

}  // namespace

std::unique_ptr<Cursor> MergeRows(std::vector<PendingRow> pending, std::unique_ptr<Cursor> base, bool reverse) {
  if (pending.empty()) return base;
  return std::make_unique<MergedCursor>(std::move(pending), std::move(base), reverse);
}

}  // namespace wfe::storage
