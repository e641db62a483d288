// A request as those who answer it see it, and their answer.  No sockets here.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace wfe::http {

struct Request {
  std::string method;                        ///< "GET"; a HEAD comes as "GET", and its answer's body is not sent.
  std::string path;                          ///< As it came, without the query.
  std::vector<std::string> segments;         ///< Of the path, decoded: "/a%2Fb/c" is {"a/b", "c"}; "/" is {}.
  std::map<std::string, std::string> query;  ///< Decoded.
  std::string authorization;                 ///< The header; empty: there is none.
  std::string content_type;
  std::string body;
  std::map<std::string, std::string> values;  ///< Of the path's parts in braces, by name; the router fills it in.
};

struct Response {
  int status = 200;
  std::string content_type{"application/json"};
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Besides those that every answer has.
};

/// Blocks as long as the answer takes; called on several threads at once.
using Handler = std::function<Response(const Request&)>;

/// {"error": "not_found", "detail": "…"}: what every answer from 400 on says.
Response ErrorResponse(int status, std::string_view error, std::string_view detail);
/// By the error's code: INVALID_ARGUMENT is 400, NOT_FOUND 404, UNAVAILABLE 503, ….
Response ErrorResponse(const Error& error);

}  // namespace wfe::http
