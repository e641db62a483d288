// How answers are written, for all who give them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "activities/analytics/reports/html_frame.h"
#include "tools/http/router.h"

namespace wfe::site {

namespace reports = analytics::reports;

http::Response JsonAnswer(const nlohmann::ordered_json& json, int status = 200);
/// A page may run its own scripts (reports::PagePolicy) and is shown in no frame.
http::Response PageAnswer(std::string html, int status = 200);
/// A page with one sentence: what went wrong, in words.
http::Response PageOfError(const http::Response& error, std::string_view current);

/// The pages there are; `current` is the path of one of them.
reports::SiteLinks SitePages(std::string_view current);

/// {"$ref": "#/components/schemas/NAME"}
nlohmann::json SchemaRef(const std::string& name);
nlohmann::json TextSchema(int64_t most, int64_t least = 0);
nlohmann::json IntegerSchema(int64_t least, int64_t most, int64_t usual);

/// A parameter's value, or `otherwise`.
std::string ParameterOr(const http::Request& request, const std::string& name, const std::string& otherwise);
int64_t IntegerOr(const http::Request& request, const std::string& name, int64_t otherwise);

/// An operation that is in the document.
http::Operation ReadOperation(std::string path, std::string id, std::string summary, nlohmann::json answer);
/// A page, which is not.
http::Operation PageOperation(std::string path, http::Handler handle);

}  // namespace wfe::site
