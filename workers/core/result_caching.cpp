#include "workers/core/result_caching.h"

#include "workers/core/payload_codec.h"

namespace wfe::core {
namespace {

constexpr const char* kName = "wfe-cache";
constexpr const char* kHit = "hit";

}  // namespace

void AskForCaching(const sdk::ResultCaching& caching, temporal::api::common::v1::Header& header) {
  const auto ttl = std::chrono::duration_cast<std::chrono::milliseconds>(caching.ttl).count();
  (*header.mutable_fields())[kName] = EncodePayload({{"ttl_ms", ttl}, {"max_entries", caching.max_entries}});
}

std::optional<sdk::ResultCaching> CachingAskedFor(const temporal::api::common::v1::Header& header) {
  const auto found = header.fields().find(kName);
  if (found == header.fields().end()) return std::nullopt;
  const Result<nlohmann::json> read = DecodePayload(found->second);
  if (!read || !read->is_object()) return std::nullopt;
  const auto number = [&](const char* name) -> int64_t {
    const auto member = read->find(name);
    return member == read->end() || !member->is_number_integer() ? 0 : member->get<int64_t>();
  };
  const sdk::ResultCaching caching{.ttl = std::chrono::milliseconds(number("ttl_ms")),
                                   .max_entries = number("max_entries")};
  if (caching.ttl <= Duration::zero()) return std::nullopt;
  return caching;
}

void MarkFromCache(temporal::api::common::v1::Payloads& result) {
  if (result.payloads_size() > 0) (*result.mutable_payloads(0)->mutable_metadata())[kName] = kHit;
}

bool IsFromCache(const temporal::api::common::v1::Payloads& result) {
  if (result.payloads_size() == 0) return false;
  const auto found = result.payloads(0).metadata().find(kName);
  return found != result.payloads(0).metadata().end() && found->second == kHit;
}

}  // namespace wfe::core
