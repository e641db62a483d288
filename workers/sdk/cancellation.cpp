#include "workers/sdk/cancellation.h"

#include <stdexcept>
#include <vector>

#include "workers/sdk/future.h"
#include "workers/sdk/workflow_context.h"

namespace wfe::sdk::detail {

std::shared_ptr<ScopeState> ScopeState::Root() { return std::make_shared<ScopeState>(); }

std::shared_ptr<ScopeState> ScopeState::Child(const std::shared_ptr<ScopeState>& parent, bool shielded) {
  auto child = std::make_shared<ScopeState>();
  child->parent_ = parent;
  child->shielded_ = shielded;
  if (parent->cancelled_ && !shielded) {
    child->cancelled_ = true;
    child->reason_ = parent->reason_;
  }
  std::erase_if(parent->children_, [](const auto& other) { return other.expired(); });
  parent->children_.push_back(child);
  return child;
}

void ScopeState::Cancel(const std::string& reason) {
  if (cancelled_) return;
  cancelled_ = true;
  reason_ = reason;
  // Ending an operation removes it from the map, so walk over a copy.
  const std::map<uint64_t, std::weak_ptr<FutureStateBase>> operations = operations_;
  for (const auto& [id, weak] : operations) {
    if (const auto future = weak.lock()) future->Cancel(reason_);
  }
  const std::vector<std::weak_ptr<ScopeState>> children = children_;
  for (const auto& weak : children) {
    const auto child = weak.lock();
    if (child != nullptr && !child->shielded_) child->Cancel(reason_);
  }
}

void ScopeState::Add(uint64_t operation, std::weak_ptr<FutureStateBase> future) {
  operations_.emplace(operation, std::move(future));
}

ScopeGuard::ScopeGuard(WorkflowContext& ctx, bool shielded) : coroutine_(ctx.scheduler().current()) {
  if (coroutine_ == nullptr) {
    throw std::logic_error("a cancellation scope is a local variable of a workflow coroutine, not of a handler");
  }
  outer_ = coroutine_->scope();
  state_ = ScopeState::Child(outer_, shielded);
  coroutine_->set_scope(state_);
}

ScopeGuard::~ScopeGuard() { coroutine_->set_scope(outer_); }

}  // namespace wfe::sdk::detail
