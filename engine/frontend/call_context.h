// Who calls what.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time.h"
#include "engine/frontend/dispatcher.h"
#include "engine/frontend/method.h"

namespace wfe::frontend {

/// Whom the server takes a caller for.
struct Principal {
  std::string name = "anonymous";
};

/// What is known of a call before its handler sees it, whichever way it came.
struct CallContext {
  const MethodFacts* method = nullptr;
  std::string ns;  ///< Empty when the method is of the server as a whole.
  Principal principal;
  const ServerCall* transport = nullptr;

  /// A header's value, by its name in lower case.  While the call is dispatched, not later.
  std::optional<std::string_view> Metadata(std::string_view name) const { return transport->Metadata(name); }
  /// Where the caller is, as the transport names it.  While the call is dispatched, not later.
  std::string Peer() const { return transport->Peer(); }
  Instant Deadline() const { return transport->Deadline(); }
};

/// Decides who may call what.  Called from any thread, for every call, on the thread that brought it.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  /// Who calls, or UNAUTHENTICATED or PERMISSION_DENIED.  The context has everything but the principal.
  virtual Result<Principal> Authorize(const CallContext& context) const = 0;
};

/// Everybody may do everything: for a server that only its own user can reach.
const Authorizer& AllowAll();

}  // namespace wfe::frontend
