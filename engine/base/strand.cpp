#include "engine/base/strand.h"

#include <atomic>
#include <chrono>
#include <iterator>
#include <utility>

#include "engine/base/check.h"

namespace wfe {
namespace {

thread_local const Strand* current_strand = nullptr;
thread_local InlineScope* current_scope = nullptr;

// A thread that drains leaves a busy strand to the pool after this many functions, so that a gRPC thread is not
// captured by other callers' work for long.
constexpr size_t kMaxInline = 64;

// A thread of this process runs long work that it did not have to.
std::atomic<bool> somebody_lends = false;

}  // namespace

InlineScope::InlineScope(WorkLength longest) : longest_(longest), outer_(current_scope) {
  if (outer_ == nullptr) current_scope = this;
}

InlineScope::~InlineScope() {
  if (outer_ != nullptr) return;  // the outer scope runs everything
  while (!woken_.empty() || !woken_long_.empty()) {
    std::deque<Strand*>& next = woken_.empty() ? woken_long_ : woken_;
    Strand* const strand = next.front();
    next.pop_front();
    strand->Drain();
  }
  if (lent_) somebody_lends.store(false, std::memory_order_release);
  current_scope = nullptr;
}

bool InlineScope::Add(Strand& strand) {
  if (strand.length_ == WorkLength::kShort) {
    woken_.push_back(&strand);
    return true;
  }
  if (longest_ == WorkLength::kShort || long_runs_ >= kMaxInline) return false;
  if (!lent_ && somebody_lends.exchange(true, std::memory_order_acq_rel)) return false;
  lent_ = true;
  ++long_runs_;
  woken_long_.push_back(&strand);
  return true;
}

HandOverScope::HandOverScope() : interrupted_(std::exchange(current_scope, nullptr)) {}
HandOverScope::~HandOverScope() { current_scope = interrupted_; }

void Strand::Post(Function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    queue_.push_back(std::move(work));
    if (active_) return;
    active_ = true;
  }
  if (current_scope == nullptr || !current_scope->Add(*this)) DrainOnPool();
}

void Strand::DrainOnPool() {
  pool_.Post([this] {
    const InlineScope scope;
    Drain();
  });
}

void Strand::Drain() {
  if (length_ == WorkLength::kMayBeLong) return DrainOne();
  using Steady = std::chrono::steady_clock;
  const Strand* const outer = std::exchange(current_strand, this);
  const auto end_of_turn = Steady::now() + turn_;
  std::deque<Function<void()>> batch;
  size_t done = 0;
  bool over = false;
  while (!over) {
    batch.clear();
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty() || closed_) {
        active_ = false;
        if (closed_) idle_.notify_all();  // under the lock: the strand may be gone right after it
        break;
      }
      std::swap(batch, queue_);
    }
    size_t next = 0;
    while (next < batch.size() && !over) {
      batch[next]();
      batch[next++] = nullptr;
      over = Steady::now() >= end_of_turn;
    }
    done += next;
    over = over || done >= kMaxInline;
    if (!over) continue;
    if (!Requeue(batch, next)) break;
    DrainOnPool();
  }
  current_strand = outer;
}

void Strand::DrainOne() {
  Function<void()> work;
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ && !queue_.empty()) {
      work = std::move(queue_.front());
      queue_.pop_front();
    }
  }
  if (work) {
    const Strand* const outer = std::exchange(current_strand, this);
    work();
    work = nullptr;
    current_strand = outer;
  }
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty() || closed_) {
      active_ = false;
      if (closed_) idle_.notify_all();
      return;
    }
  }
  if (current_scope == nullptr || !current_scope->Add(*this)) DrainOnPool();
}

bool Strand::Requeue(std::deque<Function<void()>>& batch, size_t first) {
  const std::lock_guard lock(mutex_);
  if (closed_ || (first == batch.size() && queue_.empty())) {
    active_ = false;
    if (closed_) idle_.notify_all();
    return false;
  }
  queue_.insert(queue_.begin(), std::make_move_iterator(batch.begin() + static_cast<std::ptrdiff_t>(first)),
                std::make_move_iterator(batch.end()));
  return true;
}

void Strand::Close() {
  WFE_CHECK(!OnStrand(), "a strand cannot wait for itself");
  std::deque<Function<void()>> dropped;  // destroyed outside the lock
  std::unique_lock lock(mutex_);
  closed_ = true;
  dropped = std::move(queue_);
  queue_.clear();
  idle_.wait(lock, [this] { return !active_; });
  lock.unlock();
}

bool Strand::OnStrand() const { return current_strand == this; }

}  // namespace wfe
