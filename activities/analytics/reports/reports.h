// report.md and report.html from report.json (requirements RP-1 to RP-4, OP-10).  Pure: the same JSON gives the same
// text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "activities/analytics/reports/html_frame.h"
#include "engine/base/result.h"

namespace wfe::analytics {

/// The report as GitHub-flavoured markdown, charts as bars of text.  Everything that came out of a trace is escaped.
/// INVALID_ARGUMENT names the field that is missing or of the wrong type; unknown fields are ignored.
Result<std::string> RenderMarkdown(const nlohmann::json& report);

/// The report as one self-contained document: no script, style, font or image comes from elsewhere, and it is also
/// well-formed XML.  Reads without JavaScript; with it tables sort and the theme can be chosen.  Errors as above.
/// `site`: pages beside it, where it is served.
Result<std::string> RenderHtml(const nlohmann::json& report, const std::vector<reports::SiteLink>& site = {});

}  // namespace wfe::analytics
