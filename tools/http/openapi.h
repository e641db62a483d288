// The OpenAPI 3.1 document of what a router serves.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/http/router.h"

namespace wfe::http {

/// `schemas` go to components/schemas, which answers refer to; one named Error is added.
nlohmann::ordered_json OpenApiDocument(const Router& router, const std::string& title, const std::string& version,
                                       const nlohmann::json& schemas);

}  // namespace wfe::http
