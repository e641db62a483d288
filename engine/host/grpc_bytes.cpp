#include "engine/host/grpc_bytes.h"

#include <google/rpc/status.pb.h>

#include "engine/base/serialize.h"

namespace wfe::host {

grpc::Status ToStatus(const Error& error) {
  const auto code = static_cast<grpc::StatusCode>(error.code);
  if (error.details.empty()) return {code, error.message};
  google::rpc::Status details;
  details.set_code(static_cast<int>(error.code));
  details.set_message(error.message);
  for (const ErrorDetail& detail : error.details) {
    google::protobuf::Any& any = *details.add_details();
    any.set_type_url("type.googleapis.com/" + detail.type_name);
    any.set_value(detail.bytes);
  }
  return {code, error.message, Serialize(details)};
}

grpc::ByteBuffer ToBuffer(std::string bytes) {
  constexpr size_t kCopyBelow = 512;
  if (bytes.size() < kCopyBelow) {
    const grpc::Slice slice(bytes.data(), bytes.size());
    return {&slice, 1};
  }
  auto* const owned = new std::string(std::move(bytes));
  const grpc::Slice slice(owned->data(), owned->size(), [](void* p) { delete static_cast<std::string*>(p); }, owned);
  return {&slice, 1};
}

bool OnePiece(const grpc::ByteBuffer& buffer, grpc::Slice* slice) {
  return buffer.TrySingleSlice(slice).ok() || buffer.DumpToSingleSlice(slice).ok();
}

std::optional<std::string_view> HeaderOf(const grpc::CallbackServerContext& context, std::string_view name) {
  const auto& all = context.client_metadata();
  const auto found = all.find(grpc::string_ref(name.data(), name.size()));
  if (found == all.end()) return std::nullopt;
  return std::string_view(found->second.data(), found->second.size());
}

}  // namespace wfe::host
