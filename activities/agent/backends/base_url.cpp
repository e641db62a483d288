#include "activities/agent/backends/base_url.h"

#include <re2/re2.h>

#include "activities/agent/backends/http_backend.h"

namespace wfe::agent {

BaseUrls BaseUrlsFrom(std::string_view given) {
  static const RE2 kParts(R"(\s*(.*?)/*(?:/(v[0-9]+(?:(?:alpha|beta)[0-9]*)?))?/*\s*)");
  std::string root;
  std::string version;
  if (!RE2::FullMatch(std::string(given), kParts, &root, &version) || root.empty()) {
    return {.http = std::string(kGeminiBaseUrl), .command_line = {}};
  }
  return {.http = root + "/" + (version.empty() ? "v1beta" : version), .command_line = root};
}

}  // namespace wfe::agent
