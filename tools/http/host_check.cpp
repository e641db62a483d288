#include "tools/http/host_check.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

namespace wfe::http {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

/// Without its port; nullopt: it is no host.
std::optional<std::string> NameOf(std::string_view host) {
  std::string_view port;
  std::string_view name = host;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    name = host.substr(0, end + 1);
    port = host.substr(end + 1);
  } else if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    port = host.substr(colon);
  }
  if (name.empty()) return std::nullopt;
  if (!port.empty() &&
      (port[0] != ':' || port.size() > 6 || port.find_first_not_of("0123456789", 1) != std::string_view::npos)) {
    return std::nullopt;
  }
  std::string lower = LowerCase(name);
  if (lower.ends_with('.')) lower.pop_back();
  return lower;
}

bool IsAddress(const std::string& name) {
  in6_addr ignored{};
  if (name.starts_with('[')) return inet_pton(AF_INET6, name.substr(1, name.size() - 2).c_str(), &ignored) == 1;
  return inet_pton(AF_INET, name.c_str(), &ignored) == 1;
}

}  // namespace

HostCheck::HostCheck(const std::string& listen, const std::vector<std::string>& more) {
  names_.insert("localhost");
  if (const auto name = NameOf(listen)) names_.insert(*name);
  for (const std::string& each : more) names_.insert(LowerCase(each));
}

bool HostCheck::Allows(std::string_view host) const {
  const std::optional<std::string> name = NameOf(host);
  return name && (names_.contains(*name) || IsAddress(*name));
}

}  // namespace wfe::http
