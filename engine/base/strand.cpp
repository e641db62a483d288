#include "engine/base/strand.h"

#include <utility>

#include "engine/base/check.h"

namespace wfe {
namespace {

thread_local const Strand* current_strand = nullptr;
thread_local InlineScope* current_scope = nullptr;

// A thread that drains leaves a busy strand to the pool after this many functions, so that a gRPC thread is not
// captured by other callers' work for long.
constexpr size_t kMaxInline = 64;

}  // namespace

InlineScope::InlineScope() : outer_(current_scope) {
  if (outer_ == nullptr) current_scope = this;
}

InlineScope::~InlineScope() {
  if (outer_ != nullptr) return;  // the outer scope runs everything
  while (!woken_.empty()) {
    Strand* const strand = woken_.front();
    woken_.pop_front();
    strand->Drain();
  }
  current_scope = nullptr;
}

void Strand::Post(Function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    queue_.push_back(std::move(work));
    if (active_) return;
    active_ = true;
  }
  if (current_scope != nullptr) {
    current_scope->woken_.push_back(this);
  } else {
    DrainOnPool();
  }
}

void Strand::DrainOnPool() {
  pool_.Post([this] {
    const InlineScope scope;
    Drain();
  });
}

void Strand::Drain() {
  const Strand* const outer = std::exchange(current_strand, this);
  std::vector<Function<void()>> batch;
  size_t done = 0;
  while (true) {
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
    for (Function<void()>& work : batch) {
      work();
      work = nullptr;
    }
    done += batch.size();
    if (done >= kMaxInline) {
      DrainOnPool();
      break;
    }
  }
  current_strand = outer;
}

void Strand::Close() {
  WFE_CHECK(!OnStrand(), "a strand cannot wait for itself");
  std::vector<Function<void()>> dropped;  // destroyed outside the lock
  std::unique_lock lock(mutex_);
  closed_ = true;
  dropped = std::move(queue_);
  queue_.clear();
  idle_.wait(lock, [this] { return !active_; });
  lock.unlock();
}

bool Strand::OnStrand() const { return current_strand == this; }

}  // namespace wfe
