// State machines as tables that the compiler checks: the table is the documentation.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace wfe::history {

template <class State, class On>
struct Arrow {
  State from;
  On on;
  State to;
};

/// No two arrows leave one state on one input.
template <class State, class On, size_t N>
constexpr bool IsDeterministic(const std::array<Arrow<State, On>, N>& arrows) {
  for (size_t i = 0; i < N; ++i) {
    for (size_t j = i + 1; j < N; ++j) {
      if (arrows[i].from == arrows[j].from && arrows[i].on == arrows[j].on) return false;
    }
  }
  return true;
}

/// Where `on` leads from `from`; nullopt when it may not happen there.
template <class State, class On, size_t N>
constexpr std::optional<State> Follow(const std::array<Arrow<State, On>, N>& arrows, State from, On on) {
  for (const auto& arrow : arrows) {
    if (arrow.from == from && arrow.on == on) return arrow.to;
  }
  return std::nullopt;
}

}  // namespace wfe::history
