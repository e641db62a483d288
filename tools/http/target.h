// The target of a request line: "/api/runs/a%2Fb?limit=5", or the same with a scheme and a host before it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::http {

struct Target {
  std::string authority;  ///< Of the absolute form; empty otherwise.
  std::string path;       ///< As it came.
  std::vector<std::string> segments;
  std::map<std::string, std::string> query;
};

/// INVALID_ARGUMENT: no path, a percent sign without two digits, bytes that are no UTF-8, a segment "." or
/// "..", the same parameter twice.
Result<Target> ParseTarget(std::string_view text);

/// "%41b" is "Ab"; '+' is a blank only in a query.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_blank);
/// All but letters, digits and "-._~" as %XX: a segment of a path or a value of a query.
std::string PercentEncode(std::string_view text);

}  // namespace wfe::http
