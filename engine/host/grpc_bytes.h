// Between wfe's bytes and errors and gRPC's.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace wfe::host {

grpc::Status ToStatus(const Error& error);
/// Without a copy when that pays.
grpc::ByteBuffer ToBuffer(std::string bytes);
/// The bytes as one piece, which `slice` keeps; false when they cannot be read.
bool OnePiece(const grpc::ByteBuffer& buffer, grpc::Slice* slice);
/// A header of a call by its name in lower case; while the call lives.
std::optional<std::string_view> HeaderOf(const grpc::CallbackServerContext& context, std::string_view name);

}  // namespace wfe::host
