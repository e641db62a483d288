// One base URL for both Gemini backends: the HTTP API has its version in the path, the command line adds it itself
// (RW-D12).
#pragma once

#include <string>
#include <string_view>

namespace wfe::agent {

struct BaseUrls {
  std::string http;          ///< "https://HOST/PATH/v1beta"
  std::string command_line;  ///< "https://HOST/PATH"; empty: the program's default.
};

/// From what a person gives, with or without the version and a slash at the end.  Empty: the defaults of both.
BaseUrls BaseUrlsFrom(std::string_view given);

}  // namespace wfe::agent
