// A number with what it counts, in one of two forms.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace wfe {

/// "1 document", "2 documents", "0 batches" for Counted(0, "batch", "batches").  `many`: empty for one with an "s".
template <std::integral Count>
std::string Counted(Count count, std::string_view one, std::string_view many = {}) {
  std::string text = std::to_string(count) + " ";
  if (count == 1 || many.empty()) text += one;
  if (count != 1) text += many.empty() ? std::string_view("s") : many;
  return text;
}

}  // namespace wfe
