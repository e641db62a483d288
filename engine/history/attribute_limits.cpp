#include "engine/history/attribute_limits.h"

#include "engine/base/serialize.h"
#include "engine/history/too_much.h"

namespace wfe::history {
namespace {

constexpr size_t kMaxFairnessKeyBytes = 64;  // said by the API itself

}  // namespace

std::optional<std::string> Problem(const temporal::api::common::v1::SearchAttributes& attributes,
                                   const Limits& limits) {
  const auto& fields = attributes.indexed_fields();
  if (auto problem = TooMuch("the set of search attributes", fields.size(), limits.max_search_attributes,
                             "max_search_attributes", "keys")) {
    return problem;
  }
  for (const auto* const field : InOrder(fields)) {  // the same one is named each time
    const auto& [key, value] = *field;
    if (auto problem = TooMuch("search attribute " + key, value.data().size(), limits.max_search_attribute_bytes,
                               "max_search_attribute_bytes")) {
      return problem;
    }
  }
  return TooMuch("the set of search attributes", attributes.ByteSizeLong(), limits.max_search_attributes_bytes,
                 "max_search_attributes_bytes");
}

std::optional<std::string> Problem(const temporal::api::sdk::v1::UserMetadata& metadata, const Limits& limits) {
  if (auto problem = TooMuch("the summary of the user metadata", metadata.summary().data().size(),
                             limits.max_summary_bytes, "max_summary_bytes")) {
    return problem;
  }
  return TooMuch("the detailed text of the user metadata", metadata.details().data().size(), limits.max_details_bytes,
                 "max_details_bytes");
}

std::optional<std::string> Problem(const temporal::api::common::v1::Priority& priority) {
  if (priority.priority_key() < 0) return "PriorityKey can't be negative";
  if (priority.fairness_key().size() > kMaxFairnessKeyBytes) return "FairnessKey length exceeds limit";
  if (priority.fairness_weight() < 0) return "FairnessWeight can't be negative";
  return std::nullopt;
}

temporal::api::common::v1::Priority Merged(const temporal::api::common::v1::Priority& workflow,
                                           const temporal::api::common::v1::Priority& activity) {
  temporal::api::common::v1::Priority merged = workflow;
  merged.MergeFrom(activity);  // what is not zero replaces
  return merged;
}

}  // namespace wfe::history
