#include "tools/http/openapi.h"

#include <algorithm>
#include <set>

namespace wfe::http {
namespace {

using nlohmann::ordered_json;

std::string WordsOf(int status) {
  switch (status) {
    case 200:
      return "The answer";
    case 202:
      return "Accepted";
    case 400:
      return "A parameter or the body is not as described";
    case 401:
      return "The token is missing or wrong";
    case 403:
      return "This server has no token, or the host is none of its names";
    case 404:
      return "There is none";
    case 405:
      return "Not by this method";
    case 408:
      return "The request took too long to arrive";
    case 409:
      return "Not in its present state";
    case 413:
      return "The body is too large";
    case 414:
      return "The path and query are too long";
    case 415:
      return "The body is no JSON";
    case 421:
      return "The host is none of this server's names";
    case 431:
      return "The headers are too long";
    case 503:
      return "Too much is under way; try again";
    case 504:
      return "The answer took too long";
    default:
      return "It failed";
  }
}

ordered_json DescribeParameter(const Parameter& parameter) {
  return {{"name", parameter.name},
          {"in", parameter.in_path ? "path" : "query"},
          {"required", parameter.in_path},
          {"description", parameter.description},
          {"schema", parameter.schema}};
}

/// `refused`: it needs a token, and there is none.
ordered_json DescribeResponses(const Operation& operation, bool refused) {
  ordered_json responses = ordered_json::object();
  if (!refused) {
    responses[std::to_string(operation.success)] = {
        {"description", WordsOf(operation.success)},
        {"content", {{operation.media_type, {{"schema", operation.answer}}}}}};
  }
  // Any request may be slow, misdirected or one too many.
  std::set<int> errors(operation.errors.begin(), operation.errors.end());
  errors.insert({400, 408, 414, 421, 431, 500, 503, 504});
  if (operation.needs_token) errors.insert(403);
  if (operation.needs_token && !refused) errors.insert(401);
  if (!operation.body.is_null()) errors.insert({413, 415});
  for (const int status : errors) {
    responses[std::to_string(status)] = {
        {"description", WordsOf(status)},
        {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
  }
  return responses;
}

ordered_json DescribeOperation(const Operation& operation, bool takes_changes) {
  const bool refused = operation.needs_token && !takes_changes;
  ordered_json described = {{"operationId", operation.id}, {"summary", operation.summary}};
  if (refused) described["description"] = "This server has no token: it refuses with 403 whatever is asked.";
  if (operation.needs_token && !refused) described["security"] = {{{"token", ordered_json::array()}}};
  if (!operation.parameters.empty()) {
    described["parameters"] = ordered_json::array();
    for (const Parameter& each : operation.parameters) described["parameters"].push_back(DescribeParameter(each));
  }
  if (!operation.body.is_null()) {
    described["requestBody"] = {{"required", operation.body.contains("required")},
                                {"content", {{"application/json", {{"schema", operation.body}}}}}};
  }
  described["responses"] = DescribeResponses(operation, refused);
  return described;
}

std::string LowerMethod(std::string method) {
  std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  return method;
}

}  // namespace

ordered_json OpenApiDocument(const Router& router, const std::string& title, const std::string& version,
                             const nlohmann::json& schemas) {
  ordered_json paths = ordered_json::object();
  for (const Operation& operation : router.operations()) {
    if (operation.id.empty()) continue;
    paths[operation.path][LowerMethod(operation.method)] = DescribeOperation(operation, router.takes_changes());
  }
  ordered_json components = {{"schemas", schemas}};
  components["schemas"]["Error"] = {{"type", "object"},
                                    {"required", {"error", "detail"}},
                                    {"properties", {{"error", {{"type", "string"}}}, {"detail", {{"type", "string"}}}}},
                                    {"additionalProperties", false}};
  if (router.takes_changes()) components["securitySchemes"] = {{"token", {{"type", "http"}, {"scheme", "bearer"}}}};
  return {{"openapi", "3.1.0"},
          {"info", {{"title", title}, {"version", version}}},
          {"paths", std::move(paths)},
          {"components", std::move(components)}};
}

}  // namespace wfe::http
