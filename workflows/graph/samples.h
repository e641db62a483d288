// Graphs that come with wfe (workflows/graph/samples), compiled in: they can be shown, run and copied.
#pragma once

#include <string_view>
#include <vector>

namespace wfe::workflows {

struct GraphSample {
  std::string_view name;  ///< Of its file: "feature_implementation.json".
  std::string_view text;
};
const std::vector<GraphSample>& GraphSamples();

}  // namespace wfe::workflows
