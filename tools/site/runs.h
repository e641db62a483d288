// Runs as both the API and the pages show them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/site/site_context.h"

namespace wfe::site {

struct RunQuery {
  std::string status;  ///< "Running", …; empty: any.
  std::string type;    ///< Of the workflow; empty: any.
  std::string id;      ///< Of the workflow; empty: any.
  int64_t limit = 50;
  std::string page_token;  ///< Of the page before; hexadecimal.
};
/// Of a checked request.
RunQuery RunQueryOf(const http::Request& request);
/// What RunQueryOf reads.
std::vector<http::Parameter> RunParameters();

/// {"runs": [a row of `wfe list --output json`, …], "next_page_token": "…"}, newest first; no token: the last page.
/// Looks for a moment at most: a page may have fewer runs than asked for, or none, and a token all the same.
/// NOT_FOUND: a token that is none.
Result<nlohmann::ordered_json> ListRuns(const SiteContext& context, const RunQuery& query);

/// What `wfe show --output json` says, and "history": how many events of each type there are and the last of them.
Result<nlohmann::ordered_json> ReadRun(const SiteContext& context, const std::string& workflow_id,
                                       const std::string& run_id);

}  // namespace wfe::site
