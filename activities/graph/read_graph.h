// JSON → Graph, with every mistake of form and its place: unknown keys, wrong types, what must be there.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "activities/graph/graph.h"
#include "activities/graph/mistake.h"
#include "activities/graph/validate.h"

namespace wfe::graph {

/// A graph's text may have so many bytes.
inline constexpr size_t kMaxGraphBytes = 16 << 20;

/// What could be read, also where there are mistakes, so that what it says can be examined as well; nullopt: it is not
/// even a list of so many nodes and edges.
std::optional<Graph> ReadGraph(const nlohmann::json& json, Mistakes& mistakes);

/// A graph as it comes from outside: read, and validated as far as it could be read (GW-2).  nullopt: with mistakes.
std::optional<Graph> CheckGraph(const nlohmann::json& json, const KnownTypes& known, Mistakes& mistakes);
/// The same from a text; one that is no JSON, or too long, is one mistake.
std::optional<Graph> CheckGraphText(std::string_view text, const KnownTypes& known, Mistakes& mistakes);

}  // namespace wfe::graph
