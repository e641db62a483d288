// The one way by which JSON from outside comes in: with a limit on its depth, checked in one pass over the bytes before
// anything is built.  Copying, writing and destroying a JSON value recurse, so a value of 100,000 nested arrays (100 kB)
// would end the process with its stack (SEC-H6).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace wfe {

/// Of what comes from outside: requests, files, signals, answers of models and tools.
inline constexpr int kMaxJsonDepth = 200;
/// Of what this program has written itself (journals, sessions), where values from outside stand inside others.
inline constexpr int kMaxStoredJsonDepth = 2 * kMaxJsonDepth;

/// Arrays and objects are opened more than `limit` deep.  The text need not be JSON.
bool JsonNestsTooDeep(std::string_view text, int limit = kMaxJsonDepth);

/// The value; discarded (`is_discarded()`) when the text is not JSON or nests too deep.
nlohmann::json ParseJson(std::string_view text, int limit = kMaxJsonDepth);

/// Why ParseJson gave a discarded value, to follow a subject: "is not JSON", "is nested more than 200 levels deep".
std::string WhyNotJson(std::string_view text, int limit = kMaxJsonDepth);

/// The text under a key; empty where there is none, or another kind of value, or `object` is no object.
std::string TextAt(const nlohmann::json& object, const char* key);
/// The whole number under a key; 0 where there is none.
int64_t CountAt(const nlohmann::json& object, const char* key);

/// What a JSON library's exception says, without the library's own prefix.
std::string JsonErrorText(const std::exception& error);

}  // namespace wfe
