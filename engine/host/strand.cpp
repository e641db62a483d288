#include "engine/host/strand.h"

#include <boost/asio/post.hpp>

namespace wfe::host {
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
    queue_.push_back(std::move(work));
    if (active_) return;
    active_ = true;
  }
  if (current_scope != nullptr) {
    current_scope->woken_.push_back(this);
  } else {
    asio::post(pool_, [this] {
      const InlineScope scope;
      Drain();
    });
  }
}

void Strand::Drain() {
  const Strand* const outer = std::exchange(current_strand, this);
  std::vector<Function<void()>> batch;
  size_t done = 0;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      batch.clear();
      if (queue_.empty()) {
        active_ = false;
        break;
      }
      std::swap(batch, queue_);
    }
    for (Function<void()>& work : batch) work();
    done += batch.size();
    if (done >= kMaxInline) {
      asio::post(pool_, [this] {
        const InlineScope scope;
        Drain();
      });
      break;
    }
  }
  current_strand = outer;
}

bool Strand::OnStrand() const { return current_strand == this; }

}  // namespace wfe::host
