// A move-only callback: what std::move_only_function is in C++23.  Of our own, because headers of the SDK name it, and
// an installed header needs no library but JSON (absl::AnyInvocable would be one).
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace wfe {

template <class Signature>
class Function;

template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() = default;
  Function(std::nullptr_t) {}  // NOLINT: as std::function
  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, Function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  Function(F&& f)
      : callee_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(f))) {}  // NOLINT: as std::function

  R operator()(Args... args) { return callee_->Call(std::forward<Args>(args)...); }
  explicit operator bool() const { return callee_ != nullptr; }

 private:
  struct Callee {
    virtual ~Callee() = default;
    virtual R Call(Args... args) = 0;
  };
  template <class F>
  struct Holder final : Callee {
    template <class G>
    explicit Holder(G&& g) : f(std::forward<G>(g)) {}
    R Call(Args... args) override { return f(std::forward<Args>(args)...); }
    F f;
  };
  std::unique_ptr<Callee> callee_;
};

}  // namespace wfe
