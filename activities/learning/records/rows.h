// How rows of the learning tables become structs and back.  A row that cannot be read is told of, in one sentence that
// names it, and does not hide the others.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/parse_json.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::learning {

/// What this program writes as `row_version`.  Keys that it does not know are kept (`extra`), so a newer row reads as
/// long as what is known of it is as it was.
inline constexpr int kRowVersion = 1;

/// One sentence for each row that was left out.
using RowProblems = std::vector<std::string>;

/// Of ids that stand in keys: 1 to 200 characters, none of them a slash, a blank or a control character.
inline bool IsRowId(std::string_view id) {
  const auto fits = [](char c) { return c != '/' && static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
  return !id.empty() && id.size() <= 200 && std::ranges::all_of(id, fits);
}

inline Status CheckRowId(std::string_view what, std::string_view id) {
  if (IsRowId(id)) return Ok();
  return InvalidArgument(std::string(what) +
                         " must have 1 to 200 characters, none of them a slash, a blank or a control character");
}

/// DATA_LOSS with a sentence about the row.
template <class T>
Result<T> ReadRow(std::string_view table, const std::string& key, const std::string& value) {
  const std::string name = "row " + key + " of table " + std::string(table);
  const nlohmann::json json = ParseJson(value, kMaxStoredJsonDepth);
  if (json.is_discarded()) return DataLoss(name + " " + WhyNotJson(value, kMaxStoredJsonDepth));
  try {
    return json.get<T>();
  } catch (const nlohmann::json::exception& e) {
    std::string sentence = name + " cannot be read: " + JsonErrorText(e);
    const auto version = json.is_object() ? json.find("row_version") : json.end();
    if (json.is_object() && version != json.end() && version->is_number_integer() && *version > kRowVersion) {
      sentence += "; a newer wfe wrote it";
    }
    return DataLoss(sentence);
  }
}

/// As it is stored: bytes that are no UTF-8 are replaced.
template <class T>
std::string RowText(const T& row) {
  nlohmann::json json = row;
  if (!json.contains("row_version")) json["row_version"] = kRowVersion;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace wfe::learning
