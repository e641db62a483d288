// Between wfe's bytes and errors and gRPC's.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <string>

#include "engine/base/result.h"

namespace wfe::host {

grpc::Status ToStatus(const Error& error);
/// Without a copy when that pays.
grpc::ByteBuffer ToBuffer(std::string bytes);
/// The bytes as one piece, which `slice` keeps; false when they cannot be read.
bool OnePiece(const grpc::ByteBuffer& buffer, grpc::Slice* slice);

}  // namespace wfe::host
