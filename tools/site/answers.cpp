#include "tools/site/answers.h"

#include "engine/base/parse_json.h"

namespace wfe::site {

http::Response JsonAnswer(const nlohmann::ordered_json& json, int status) {
  // What others have written may be no UTF-8; the answer is.
  return {.status = status,
          .body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
          .headers = {}};
}

http::Response PageAnswer(std::string html, int status) {
  return {.status = status,
          .content_type = "text/html; charset=utf-8",
          .body = std::move(html),
          .headers = {{"Content-Security-Policy", reports::PagePolicy() + "; frame-ancestors 'none'"}}};
}

http::Response PageOfError(const http::Response& error, std::string_view current) {
  const nlohmann::json said = ParseJson(error.body);
  reports::Markup out;
  OpenFrame(out, {.title = "wfe: " + TextAt(said, "error"),
                  .skip = "Skip to what happened",
                  .sections = {},
                  .site = SitePages(current)});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", error.status == 404 ? "Not here" : "This did not work");
  out.Leaf("p", {{"class", "lead"}}, TextAt(said, "detail") + ".").Close("header");
  CloseFrame(out, [&](reports::Markup& foot) { foot.Text("Status " + std::to_string(error.status) + "."); });
  return PageAnswer(out.Take(), error.status);
}

reports::SiteLinks SitePages(std::string_view current) {
  reports::SiteLinks links = {{"/", "Dashboard"},  {"/runs", "Runs"},         {"/costs", "Costs"},
                              {"/quota", "Quota"}, {"/patterns", "Patterns"}, {"/reports", "Reports"}};
  for (reports::SiteLink& link : links) link.is_current = link.href == current;
  return links;
}

nlohmann::json SchemaRef(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

nlohmann::json TextSchema(int64_t most, int64_t least) {
  return {{"type", "string"}, {"minLength", least}, {"maxLength", most}};
}

nlohmann::json IntegerSchema(int64_t least, int64_t most, int64_t usual) {
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}, {"default", usual}};
}

std::string ParameterOr(const http::Request& request, const std::string& name, const std::string& otherwise) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? otherwise : found->second;
}

int64_t IntegerOr(const http::Request& request, const std::string& name, int64_t otherwise) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? otherwise : std::stoll(found->second);  // the router has looked at it
}

http::Operation ReadOperation(std::string path, std::string id, std::string summary, nlohmann::json answer) {
  http::Operation operation;
  operation.method = "GET";
  operation.path = std::move(path);
  operation.id = std::move(id);
  operation.summary = std::move(summary);
  operation.answer = std::move(answer);
  return operation;
}

http::Operation PageOperation(std::string path, http::Handler handle) {
  http::Operation operation;
  operation.method = "GET";
  operation.path = std::move(path);
  const std::string first = operation.path.substr(0, operation.path.find('/', 1));
  operation.handle = std::move(handle);
  operation.show_error = [first](const http::Response& error) { return PageOfError(error, first); };
  return operation;
}

}  // namespace wfe::site
