#include <algorithm>

#include "activities/generation/steps.h"
#include "activities/nodes/report.h"
#include "workflows/generation/generation.h"

namespace wfe::workflows {
namespace {

constexpr size_t kMaxTests = 1'000;

bool IsNodeId(std::string_view id) {
  return id.size() <= 100 && std::ranges::all_of(id, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

// What the task itself says is for triage, whose sentences name it.
void CheckRecord(const GenerationInput& input) {
  RequireOfRecord(input.task.size() <= generation::kMaxTaskBytes,
                  "input.task has " + std::to_string(input.task.size()) + " bytes; the limit is " +
                      std::to_string(generation::kMaxTaskBytes));
  RequireOfRecord(!nodes::WeightsOf(input.language).empty(), "input.language must be python or cpp");
  RequireOfRecord(IsNodeId(input.node_id), "input.node_id must have at most 100 of a-z, 0-9, -, _ and .");
  RequireOfRecord(input.tests.size() <= kMaxTests,
                  "input.tests has more than " + std::to_string(kMaxTests) + " cases");
  RequireOfRecord(input.tools.is_null() || input.tools.is_object(), "input.tools must be an object");
  RequireOfRecord(input.template_version >= 0, "input.template_version must not be negative");
  RequireOfRecord(!input.max_cost_usd || !input.max_cost_usd->negative(), "input.max_cost_usd must not be negative");
  RequireOfRecord(input.patience_s >= 0, "input.patience_s must not be negative");
  RequireOfRecord(HasWord(" never auto always", input.cache), "input.cache must be never, auto or always");
}

}  // namespace wfe::workflows
