// What is served: each operation declared once, and from that declaration found, checked and described (openapi.h).
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/http/message.h"

namespace wfe::http {

/// A part of the path in braces, or a parameter of the query.  Its schema is checked: type (string, integer or
/// boolean), enum, minimum, maximum, minLength, maxLength, and format "date".
struct Parameter {
  std::string name;
  std::string description;
  nlohmann::json schema;
  bool in_path = false;
};

struct Operation {
  std::string method;  ///< "GET" or "POST"
  std::string path;    ///< "/api/runs/{workflow_id}"
  std::string id;      ///< Its name in the document; empty: a page, which is not in the document.
  std::string summary;
  std::vector<Parameter> parameters;
  /// Of the JSON body; null: there is none.  An object whose properties are strings with minLength and maxLength, or
  /// anything; whatever it does not name is refused.
  nlohmann::json body;
  nlohmann::json answer;  ///< Schema of a success.
  int success = 200;
  std::string media_type{"application/json"};
  std::vector<int> errors;   ///< Besides those that any operation may have.
  bool needs_token = false;  ///< It changes something.
  Handler handle;
  std::function<Response(const Response&)> show_error;  ///< For people, where it answers people; empty: JSON as it is.
};

class Router {
 public:
  /// `token`: of write operations; empty: they are refused with 403.
  explicit Router(std::string token) : token_(std::move(token)) {}

  void Add(Operation operation);
  /// 404: no such path; 405 with Allow: not by this method; 400: a parameter or a body is not as declared; 401, 403: no
  /// token.  What a handler throws is 500, without its words.
  Response Handle(const Request& request) const;

  const std::vector<Operation>& operations() const { return operations_; }
  /// There is a token.
  bool takes_changes() const { return !token_.empty(); }

 private:
  Response Run(const Operation& operation, Request request) const;
  Response Answer(const Operation& operation, const Request& request) const;

  const std::string token_;
  std::vector<Operation> operations_;
};

/// The JSON body of a request that was checked; an empty object where there was none.
nlohmann::json BodyOf(const Request& request);

}  // namespace wfe::http
