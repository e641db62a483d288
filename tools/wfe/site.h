// Pages and JSON over HTTP beside the engine, as `wfe server` sees them (HT-1).  tools/site makes them; main joins the
// two, so that no other command and no test of them links a web server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/base/log.h"
#include "engine/base/result.h"
#include "tools/wfe/config.h"

namespace wfe::local {
class LocalEngine;
}

namespace wfe::cli {

struct SiteOptions {
  Config config;
  std::string ns = "default";  ///< Whose runs are shown.
  bool insecure = false;       ///< An address that is not loopback is allowed.
  Log* log = nullptr;          ///< Outlives the site.
};

/// Being served; ends with the object, which lets requests under way have their answers.
class Site {
 public:
  virtual ~Site() = default;
  /// HOST:PORT really bound.
  virtual const std::string& address() const = 0;
};

/// The engine outlives the site.  UNAVAILABLE: the address is taken, or not ours to take; INVALID_ARGUMENT: it is none,
/// or not loopback without `insecure`.
using SiteStarter = std::function<Result<std::unique_ptr<Site>>(local::LocalEngine&, const SiteOptions&)>;

}  // namespace wfe::cli
