// "did you mean": the known word that a mistyped one is nearest to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe {

/// The nearest of `known`; empty when none is near enough to be a slip: letters swapped, left out, added or wrong, one
/// for each three, or a beginning of exactly one of them.
std::string Suggest(std::string_view word, const std::vector<std::string>& known);

/// "; did you mean NAME?" or nothing.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& known);

}  // namespace wfe
