#include "tools/http/router.h"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <chrono>
#include <optional>

#include "engine/base/excerpt.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"
#include "engine/base/utf8.h"

namespace wfe::http {
namespace {

std::vector<std::string> PartsOf(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 1; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

bool IsHole(const std::string& part) { return part.starts_with('{'); }

/// What stands in the holes of the pattern; nullopt: another path.
std::optional<std::map<std::string, std::string>> MatchPath(const std::string& pattern,
                                                            const std::vector<std::string>& segments) {
  const std::vector<std::string> parts = PartsOf(pattern);
  if (parts.size() != segments.size()) return std::nullopt;
  std::map<std::string, std::string> values;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (IsHole(parts[i])) {
      if (segments[i].empty()) return std::nullopt;
      values[parts[i].substr(1, parts[i].size() - 2)] = segments[i];
    } else if (parts[i] != segments[i]) {
      return std::nullopt;
    }
  }
  return values;
}

int64_t CharactersOf(std::string_view text) {
  int64_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(std::max<size_t>(DecodeFirst(text).length, 1));
  return count;
}

std::string LengthProblem(const nlohmann::json& schema, std::string_view text) {
  const int64_t length = CharactersOf(text);
  if (schema.contains("minLength") && length < schema["minLength"].get<int64_t>()) {
    return "must have " + schema["minLength"].dump() + " characters or more";
  }
  if (schema.contains("maxLength") && length > schema["maxLength"].get<int64_t>()) {
    return "must have at most " + schema["maxLength"].dump() + " characters";
  }
  return {};
}

std::string IntegerProblem(const nlohmann::json& schema, const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return "must be a whole number";
  if (number < schema["minimum"].get<int64_t>() || number > schema["maximum"].get<int64_t>()) {
    return "must be from " + schema["minimum"].dump() + " to " + schema["maximum"].dump();
  }
  return {};
}

bool IsDay(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (const size_t at : {0, 1, 2, 3, 5, 6, 8, 9}) {
    if (text[at] < '0' || text[at] > '9') return false;
  }
  const auto number = [&text](size_t at, size_t digits) { return std::stoi(text.substr(at, digits)); };
  return std::chrono::year_month_day(std::chrono::year(number(0, 4)),
                                     std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                     std::chrono::day(static_cast<unsigned>(number(8, 2))))
      .ok();
}

/// What is wrong with a parameter; empty: nothing.
std::string ProblemOf(const nlohmann::json& schema, const std::string& text) {
  const std::string type = schema.value("type", "string");
  if (type == "integer") return IntegerProblem(schema, text);
  if (schema.contains("enum")) {
    for (const nlohmann::json& each : schema["enum"]) {
      if (each == text) return {};
    }
    return "must be one of " + schema["enum"].dump();
  }
  const std::string format = schema.value("format", "");
  if (format == "date" && !IsDay(text)) return "must be a day like 2026-11-21";
  return LengthProblem(schema, text);
}

Response BadParameter(const std::string& name, const std::string& problem) {
  return ErrorResponse(400, "bad_parameter", Excerpt(name, 60) + " " + problem);
}

std::optional<Response> CheckParameters(const Operation& operation, const Request& request) {
  for (const auto& [name, value] : request.query) {
    const auto known = std::ranges::find_if(
        operation.parameters, [&name = name](const Parameter& each) { return !each.in_path && each.name == name; });
    if (known == operation.parameters.end()) return BadParameter(name, "is no parameter of this operation");
    if (const std::string problem = ProblemOf(known->schema, value); !problem.empty()) {
      return BadParameter(name, problem);
    }
  }
  for (const Parameter& each : operation.parameters) {
    if (!each.in_path) continue;
    if (const std::string problem = ProblemOf(each.schema, request.values.at(each.name)); !problem.empty()) {
      return BadParameter(each.name, problem);
    }
  }
  return std::nullopt;
}

Response BadBody(const std::string& problem) { return ErrorResponse(400, "bad_body", problem); }

std::optional<Response> CheckMember(const std::string& name, const nlohmann::json& schema,
                                    const nlohmann::json& value) {
  if (schema.value("type", "") != "string") return std::nullopt;
  if (!value.is_string()) return BadBody(name + " must be a string");
  const std::string problem = LengthProblem(schema, value.get_ref<const std::string&>());
  return problem.empty() ? std::nullopt : std::optional(BadBody(name + " " + problem));
}

std::optional<Response> CheckBody(const Operation& operation, const Request& request) {
  if (operation.body.is_null()) return std::nullopt;
  const nlohmann::json required = operation.body.value("required", nlohmann::json::array());
  if (request.body.empty()) {
    return required.empty() ? std::nullopt : std::optional(BadBody("a JSON object is expected"));
  }
  const std::string type = request.content_type.substr(0, request.content_type.find(';'));
  if (!boost::iequals(boost::trim_copy(type), "application/json")) {
    return ErrorResponse(415, "unsupported_media_type", "the body must come as application/json");
  }
  const nlohmann::json body = ParseJson(request.body);
  if (body.is_discarded()) return BadBody("the body " + WhyNotJson(request.body));
  if (!body.is_object()) return BadBody("the body must be a JSON object");
  const nlohmann::json& properties = operation.body["properties"];
  for (const auto& [name, value] : body.items()) {
    if (!properties.contains(name)) return BadBody(Excerpt(name, 60) + " is not a member that is known");
    if (auto wrong = CheckMember(name, properties[name], value)) return wrong;
  }
  for (const nlohmann::json& name : required) {
    if (!body.contains(name.get<std::string>())) return BadBody(name.get<std::string>() + " is missing");
  }
  return std::nullopt;
}

std::optional<Response> CheckToken(const std::string& token, const Request& request) {
  if (token.empty()) {
    return ErrorResponse(403, "read_only",
                         "this server takes no changes over HTTP: it has no http.token (or WFE_HTTP_TOKEN)");
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view authorization = request.authorization;
  const bool bearer = boost::istarts_with(authorization, kScheme);  // RFC 9110, 11.1: in any case, blanks behind it
  const std::string given = bearer ? boost::trim_copy(std::string(authorization.substr(kScheme.size()))) : "";
  // Digests have one length: neither the token's length nor its beginning shows in the time that this takes.
  if (bearer && EqualInConstantTime(AsBytes(Sha256(given)), AsBytes(Sha256(token)))) return std::nullopt;
  Response response = ErrorResponse(401, "unauthorized", "a change needs the server's token: Authorization: Bearer …");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

struct StatusOf {
  StatusCode code;
  int status;
  std::string_view name;
};
constexpr StatusOf kStatuses[] = {
    {StatusCode::kInvalidArgument, 400, "bad_request"},  {StatusCode::kOutOfRange, 400, "bad_request"},
    {StatusCode::kNotFound, 404, "not_found"},           {StatusCode::kPermissionDenied, 403, "forbidden"},
    {StatusCode::kUnauthenticated, 401, "unauthorized"}, {StatusCode::kAlreadyExists, 409, "conflict"},
    {StatusCode::kFailedPrecondition, 409, "conflict"},  {StatusCode::kAborted, 409, "conflict"},
    {StatusCode::kResourceExhausted, 503, "overloaded"}, {StatusCode::kUnavailable, 503, "unavailable"},
    {StatusCode::kCancelled, 503, "unavailable"},        {StatusCode::kDeadlineExceeded, 504, "timeout"},
    {StatusCode::kUnimplemented, 501, "not_implemented"}};

}  // namespace

Response ErrorResponse(int status, std::string_view error, std::string_view detail) {
  const nlohmann::ordered_json body = {{"error", error}, {"detail", detail}};
  return {.status = status,
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
          .headers = {}};
}

Response ErrorResponse(const Error& error) {
  for (const StatusOf& each : kStatuses) {
    if (each.code == error.code) return ErrorResponse(each.status, each.name, error.message);
  }
  return ErrorResponse(500, "internal", error.message);
}

nlohmann::json BodyOf(const Request& request) {
  return request.body.empty() ? nlohmann::json::object() : ParseJson(request.body);
}

void Router::Add(Operation operation) { operations_.push_back(std::move(operation)); }

Response Router::Run(const Operation& operation, Request request) const {
  Response response = Answer(operation, request);
  const bool is_error = response.status >= 400 && response.content_type == "application/json";
  return is_error && operation.show_error ? operation.show_error(response) : response;
}

Response Router::Answer(const Operation& operation, const Request& request) const {
  if (operation.needs_token) {
    if (auto refused = CheckToken(token_, request)) return *std::move(refused);
  }
  if (auto wrong = CheckParameters(operation, request)) return *std::move(wrong);
  if (auto wrong = CheckBody(operation, request)) return *std::move(wrong);
  try {
    return operation.handle(request);
  } catch (const std::exception&) {
    return ErrorResponse(500, "internal", "this answer could not be made");
  }
}

Response Router::Handle(const Request& request) const {
  std::string allowed;
  for (const Operation& operation : operations_) {
    auto values = MatchPath(operation.path, request.segments);
    if (!values) continue;
    if (operation.method == request.method) {
      Request filled = request;
      filled.values = *std::move(values);
      return Run(operation, std::move(filled));
    }
    allowed += (allowed.empty() ? "" : ", ") + operation.method + (operation.method == "GET" ? ", HEAD" : "");
  }
  if (allowed.empty()) {
    return ErrorResponse(404, "not_found",
                         "there is no " + Excerpt(request.path) + " here; /api/openapi.json lists all");
  }
  Response response = ErrorResponse(405, "method_not_allowed", request.path + " is there for " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace wfe::http
