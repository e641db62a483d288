// What `wfe server` shows people and programs over HTTP (HT-1 to HT-3, RP-5 to RP-8): an API in JSON, described by
// /api/openapi.json, and pages.  Everything is read through the engine's own calls, like any client's, so a figure here
// is the one that the command line gives (RP-12).
#pragma once

#include "tools/wfe/site.h"

namespace wfe::site {

/// A cli::SiteStarter.
Result<std::unique_ptr<cli::Site>> StartSite(local::LocalEngine& engine, const cli::SiteOptions& options);

}  // namespace wfe::site
