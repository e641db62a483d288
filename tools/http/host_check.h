// Which Host a request may name (HT-1).  A page of somebody else can have its own name lead to this machine and then
// read what is served here as if it were its own (DNS rebinding); so a name must be one that is known to be ours.  An
// address in digits is nobody's name and does no harm.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace wfe::http {

class HostCheck {
 public:
  /// `listen`: HOST:PORT of the listener; `more`: names besides it and localhost, without a port.
  HostCheck(const std::string& listen, const std::vector<std::string>& more);
  /// `host`: of the header, with or without a port; any port will do, since tunnels change it.
  bool Allows(std::string_view host) const;

 private:
  std::set<std::string, std::less<>> names_;  // lower case
};

}  // namespace wfe::http
