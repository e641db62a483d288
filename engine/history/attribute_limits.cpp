#include "engine/history/attribute_limits.h"

namespace wfe::history {
namespace {

std::optional<std::string> TooMuch(const std::string& what, size_t found, const std::string& unit, int64_t limit,
                                   const std::string& limit_name) {
  if (static_cast<int64_t>(found) <= limit) return std::nullopt;
  return what + " has " + std::to_string(found) + " " + unit + ", at most " + std::to_string(limit) + " (" +
         limit_name + ")";
}

}  // namespace

std::optional<std::string> Problem(const temporal::api::common::v1::SearchAttributes& attributes,
                                   const Limits& limits) {
  const auto& fields = attributes.indexed_fields();
  if (auto problem = TooMuch("the set of search attributes", fields.size(), "keys", limits.max_search_attributes,
                             "max_search_attributes")) {
    return problem;
  }
  for (const auto& [key, value] : fields) {
    if (auto problem = TooMuch("search attribute " + key, value.data().size(), "bytes",
                               limits.max_search_attribute_bytes, "max_search_attribute_bytes")) {
      return problem;
    }
  }
  return TooMuch("the set of search attributes", attributes.ByteSizeLong(), "bytes", limits.max_search_attributes_bytes,
                 "max_search_attributes_bytes");
}

std::optional<std::string> Problem(const temporal::api::sdk::v1::UserMetadata& metadata, const Limits& limits) {
  if (auto problem = TooMuch("the summary of the user metadata", metadata.summary().data().size(), "bytes",
                             limits.max_summary_bytes, "max_summary_bytes")) {
    return problem;
  }
  return TooMuch("the detailed text of the user metadata", metadata.details().data().size(), "bytes",
                 limits.max_details_bytes, "max_details_bytes");
}

}  // namespace wfe::history
