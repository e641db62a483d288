// Example data of a packaged workflow, compiled in: `wfe workflow NAME --example DIR` writes it.
#pragma once

#include <string_view>
#include <vector>

namespace wfe::packaged {

struct ExampleFile {
  std::string_view name;  ///< Relative to the directory.
  std::string_view text;
};

}  // namespace wfe::packaged
