// The reporters' files, compiled into the program.
#pragma once

#include <string_view>
#include <vector>

namespace wfe::build {

struct EmbeddedReporter {
  std::string_view name;
  std::string_view content;
};
const std::vector<EmbeddedReporter>& EmbeddedReporters();

}  // namespace wfe::build
